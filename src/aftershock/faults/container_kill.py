"""Container kill: a container's first process gets a signal from its node, and ends.

The image needs nothing. Proof is the API's: that very container (by its id) has ended, with
the exit code of the signal where it is SIGKILL, and its pod counts one restart more; or the pod
was replaced before the kubelet, which backs off, came to restart it.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Literal, Unpack

from aftershock.cluster.api import Json
from aftershock.faults.aims import GONE, Endings, status_of
from aftershock.faults.carried import Carried, start_carriers
from aftershock.faults.chosen import Pods, WhichPods
from aftershock.faults.journal import Record
from aftershock.faults.protocol import Plan, Proof
from aftershock.faults.tools import Tools

__all__ = ["NAME", "ContainerKill"]

NAME = "container-kill"
# The signal is sent at once; the rest is a slow node's, and an application's that is asked to end.
LANDS_WITHIN_S = 60.0
# The kubelet's: no wait before the first restart, then 10, 20, 40 ... 300 s.
BACKOFF_S = 10.0
LONGEST_BACKOFF_S = 300.0
KILLED = 137


class ContainerKill(Carried):
    """One container each of some pods is killed, or asked to end by SIGTERM."""

    name = NAME

    def __init__(
        self, tools: Tools, *, signal: Literal["SIGKILL", "SIGTERM"] = "SIGKILL", **which: Unpack[WhichPods]
    ) -> None:
        """Take the signal, and which pods: see Pods."""
        self.tools = tools
        self.signal = signal
        self.pods = Pods(**which)
        self._endings = Endings()

    def plan(self) -> Plan:
        """Choose the pods, and note which containers they run now.

        Raises:
            RefusedError: there are not that many, or a container does not run.

        """
        choice, aims = self.pods.aims(self.tools.api)
        within_s = LANDS_WITHIN_S + max((_backoff_s(aim["restarts"]) for aim in aims), default=0.0)
        return Plan(
            fault=NAME,
            targets=choice.targets,
            undo={"aims": aims},
            expires_after_s=within_s,
            lands_within_s=within_s,
            blast_radius=f"one container each of {choice} gets {self.signal} and is restarted",
            switch="none",
        )

    def inject(self, plan: Plan, record: Record) -> None:
        """Start a carrier for each pod.

        Raises:
            FaultError: a carrier did not start.

        """
        start_carriers(self.tools, plan, record, act="signal", options={"signal": self.signal})

    def landed(self, plan: Plan) -> Proof:
        """Ask the API whether each container ended, and was started again or has lost its pod."""
        seen = {aim["pod"]: self._look(aim) for aim in plan.undo["aims"]}
        holds = all(self._proves(facts) for facts in seen.values())
        facts = {f"{pod}.{key}": value for pod, each in seen.items() for key, value in each.items()}
        return Proof(holds=holds, source="Kubernetes API, container status", facts=facts)

    def _look(self, aim: Mapping[str, Any]) -> dict[str, Any]:
        """Return how the container that was aimed at ended, as far as the API knows or has told before."""
        status = status_of(self.tools.api, aim)
        if status is None:
            return {
                "container": aim["container"], "restarted": False, "found": GONE, **self._ended(None, aim)
            }  # fmt: skip
        restarted = status["restartCount"] > aim["restarts"]
        return {"container": aim["container"], "restarted": restarted, **self._ended(status, aim)}

    def _ended(self, status: Json | None, aim: Mapping[str, Any]) -> dict[str, Any]:
        ended = self._endings.of(status, aim)
        ended.pop("reason", None)  # Error, whatever the signal was
        return ended

    def _proves(self, facts: Mapping[str, Any]) -> bool:
        code = facts.get("exit_code")
        over = bool(facts["restarted"]) or facts.get("found") == GONE
        return over and (code == KILLED if self.signal == "SIGKILL" else code is not None)


def _backoff_s(restarts: int) -> float:
    """Return how long the kubelet waits before it restarts a container that was restarted so often."""
    return min(LONGEST_BACKOFF_S, BACKOFF_S * 2.0 ** (restarts - 1)) if restarts else 0.0
