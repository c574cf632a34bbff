"""CPU hog: burners take CPU time in a container's own cgroup, out of its own limit.

Proof is the kubelet's: the container uses most of its limit, or of what that many burners can
use, in a sample newer than the plan's.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Unpack

from aftershock.errors import RefusedError
from aftershock.faults.chosen import Pods, WhichPods, limit_of
from aftershock.faults.kubelet_stats import Figure
from aftershock.faults.pressed import Pressed
from aftershock.faults.protocol import Plan
from aftershock.faults.tools import Tools

__all__ = ["NAME", "CpuHog"]

NAME = "cpu-hog"
# A container's limit is enforced in slices; and the first sample may hold time from before.
CLOSE_ENOUGH = 0.8
MOST_BURNERS = 64


class CpuHog(Pressed):
    """`burners` processes burn CPU time in one container each of some pods, for `for_s`."""

    name = NAME
    act = "cpu"
    figure: Figure = "cores"

    def __init__(self, tools: Tools, *, for_s: float, burners: int = 2, **which: Unpack[WhichPods]) -> None:
        """Take the number of burners, the time, and which pods: see Pods."""
        super().__init__(tools, Pods(**which), for_s=for_s)
        self.burners = burners

    def plan(self) -> Plan:
        """Choose the pods, and note what they use now.

        Raises:
            RefusedError: a container has no CPU limit, or uses most of it already.

        """
        if not 1 <= self.burners <= MOST_BURNERS:
            raise RefusedError(f"{self.burners} burners make no sense", expected=f"from 1 to {MOST_BURNERS}")
        return super().plan()

    def options(self) -> Mapping[str, Any]:
        """Return how many burners."""
        return {"burners": self.burners}

    def effect(self, pods: str) -> str:
        """Say how many burners there are."""
        return f"{self.burners} processes burn CPU time in one container each of {pods}"

    def at_least(self, aim: Mapping[str, Any]) -> float:
        """Return most of the container's limit, or of what the burners can use, in cores."""
        return round(min(limit_of(aim, "cpu"), self.burners) * CLOSE_ENOUGH, 3)
