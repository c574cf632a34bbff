"""Out of memory: the kernel kills a pod's application because its container's memory is full.

The carrier fills the container's own cgroup from the node, so the image needs no shell and
no help. Proof is the API's: that very container (by its id) ended as OOMKilled, and its
pod counts one restart more, or was replaced before it came to that.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Unpack

from aftershock.faults.aims import GONE, Endings, status_of
from aftershock.faults.carried import Carried, start_carriers
from aftershock.faults.chosen import Pods, WhichPods, limit_of
from aftershock.faults.journal import Record
from aftershock.faults.protocol import Plan, Proof
from aftershock.faults.tools import Tools
from aftershock.forecast.beat import Delay

__all__ = ["NAME", "OutOfMemory"]

NAME = "out-of-memory"
# Measured 1 s from the carrier's start to the kill; the rest is a slow node's.
EXPIRES_AFTER_S = 60.0
# Measured on kind, from the act to the watch's telling of the kill: eleven containers with a limit of
# 128 MiB took 1.8 to 3.3 s (median 2.1), one of 512 MiB, which takes longer to fill, up to 5.9 s. A
# pod's start is in it, so the least is well below.
SHOWS = Delay(
    earliest_s=0.5,
    usual_s=2.1,
    latest_s=9.0,
    by="carrier's start, kill, the kubelet's look at its containers (every second), kube-state-metrics",
)


class OutOfMemory(Carried):
    """`count` or a `share` of a workload's pods run out of memory, in `container` or their only one."""

    name = NAME
    shows_after: Mapping[str, Delay] = {
        "kube_pod_container_status_last_terminated_reason": SHOWS,
        "kube_pod_container_status_last_terminated_timestamp": SHOWS,
        "kube_pod_container_status_restarts_total": SHOWS,
    }

    def __init__(self, tools: Tools, **which: Unpack[WhichPods]) -> None:
        """Take which pods: see Pods."""
        self.tools = tools
        self.pods = Pods(**which)
        self._endings = Endings()

    def plan(self) -> Plan:
        """Choose the pods, and note which containers they run now.

        Raises:
            RefusedError: there are not that many, or a container has no memory limit.

        """
        choice, aims = self.pods.aims(self.tools.api)
        for aim in aims:
            limit_of(aim, "memory")
        return Plan(
            fault=NAME,
            targets=choice.targets,
            undo={"aims": aims},
            expires_after_s=EXPIRES_AFTER_S,
            blast_radius=f"one container each of {choice} is OOM-killed and restarted",
            switch="carrier",
        )

    def inject(self, plan: Plan, record: Record) -> None:
        """Start a carrier for each pod.

        Raises:
            FaultError: a carrier did not start.

        """
        start_carriers(self.tools, plan, record, act="oom")

    def landed(self, plan: Plan) -> Proof:
        """Ask the API whether each container ended as OOMKilled, and was restarted or has lost its pod."""
        facts: dict[str, Any] = {}
        holds = True
        for aim in plan.undo["aims"]:
            seen = self._look(aim)
            over = seen["restarts"] > aim["restarts"] or seen.get("found") == GONE
            holds = holds and seen["reason"] == "OOMKilled" and over
            prefix = f"{aim['pod']}." if len(plan.targets) > 1 else ""
            facts |= {f"{prefix}{key}": value for key, value in seen.items()}
        return Proof(holds=holds, source="Kubernetes API, container status", facts=facts)

    def _look(self, aim: Mapping[str, Any]) -> dict[str, Any]:
        """Return how the container that was aimed at ended, as far as the API knows or has told before."""
        facts = {"pod": aim["pod"], "container": aim["container"], "reason": "", "restarts": aim["restarts"]}
        status = status_of(self.tools.api, aim)
        if status is None:
            return {**facts, "found": GONE, **self._endings.of(None, aim)}
        return {**facts, **self._endings.of(status, aim), "restarts": status["restartCount"]}
