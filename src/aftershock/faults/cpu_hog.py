"""CPU hog: burners take CPU time in a container's own cgroup, out of its own limit.

Proof is the kubelet's: the container uses most of its limit, or of what that many burners can
use, in a sample newer than the plan's.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, Unpack

from aftershock.errors import RefusedError
from aftershock.faults.carried import start_carriers, testimony
from aftershock.faults.chosen import Pods, WhichPods, limit_of
from aftershock.faults.journal import Record
from aftershock.faults.kubelet_stats import check_time, reached, to_reach
from aftershock.faults.protocol import Plan, Proof
from aftershock.faults.tools import Tools
from aftershock.timeline import Event

__all__ = ["NAME", "CpuHog"]

NAME = "cpu-hog"
# A container's limit is enforced in slices; and the first sample may hold time from before.
CLOSE_ENOUGH = 0.8
MOST_BURNERS = 64


class CpuHog:
    """`burners` processes burn CPU time in one container each of some pods, for `for_s`."""

    name = NAME

    def __init__(self, tools: Tools, *, for_s: float, burners: int = 2, **which: Unpack[WhichPods]) -> None:
        """Take the number of burners, the time, and which pods: see Pods."""
        self.tools = tools
        self.for_s = for_s
        self.burners = burners
        self.pods = Pods(**which)

    def plan(self) -> Plan:
        """Choose the pods, and note what they use now.

        Raises:
            RefusedError: a container has no CPU limit, or uses most of it already.

        """
        check_time(self.for_s)
        if not 1 <= self.burners <= MOST_BURNERS:
            raise RefusedError(f"{self.burners} burners make no sense", expected=f"from 1 to {MOST_BURNERS}")
        choice, aims = self.pods.aims(self.tools.api)
        return Plan(
            fault=NAME,
            targets=choice.targets,
            undo={"aims": [self._aimed(aim) for aim in aims]},
            expires_after_s=self.for_s,
            blast_radius=f"{self.burners} processes burn CPU time in one container each of {choice}",
            switch="carrier",
            lasts=True,
        )

    def inject(self, plan: Plan, record: Record) -> None:
        """Start a carrier for each pod.

        Raises:
            FaultError: a carrier did not start.

        """
        start_carriers(self.tools, plan, record, act="cpu", options={"burners": self.burners})

    def landed(self, plan: Plan) -> Proof:
        """Ask the kubelets for the CPU time."""
        return reached(self.tools.api, plan.undo["aims"], "cores")

    def testimony(self, plan: Plan) -> Iterable[Event]:
        """Return what the carriers printed."""
        return testimony(self.tools, plan)

    def _aimed(self, aim: dict[str, Any]) -> dict[str, Any]:
        at_least = round(min(limit_of(aim, "cpu"), self.burners) * CLOSE_ENOUGH, 3)
        return to_reach(self.tools.api, aim, "cores", at_least)
