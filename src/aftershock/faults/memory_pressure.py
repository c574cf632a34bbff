"""Memory pressure: containers are held at a share of their memory limit, and never beyond.

The carrier takes what the application leaves, follows it up and down, and gives way before
memory runs out. Proof is the kubelet's: the container's working set, in a sample newer than
the plan's.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Unpack

from aftershock.errors import RefusedError
from aftershock.faults.chosen import Pods, WhichPods, limit_of
from aftershock.faults.kubelet_stats import Figure
from aftershock.faults.pressed import Pressed
from aftershock.faults.tools import Tools

__all__ = ["NAME", "MemoryPressure"]

NAME = "memory-pressure"
# The carrier keeps within 1 MiB of the share; a working set is read a little later than the usage.
CLOSE_ENOUGH = 0.95
# What the carrier refuses to go below: it must be able to give way before the kernel kills.
MARGIN = 4 << 20


class MemoryPressure(Pressed):
    """One container each of some pods is held at `of_limit` (0 to 1) of its memory limit for `for_s`."""

    name = NAME
    act = "memory"
    figure: Figure = "working_set"

    def __init__(self, tools: Tools, *, of_limit: float, for_s: float, **which: Unpack[WhichPods]) -> None:
        """Take the share, the time, and which pods: see Pods."""
        super().__init__(tools, Pods(**which), for_s=for_s)
        self.of_limit = of_limit

    def options(self) -> Mapping[str, Any]:
        """Return the share."""
        return {"share": self.of_limit}

    def effect(self, pods: str) -> str:
        """Say how much is held."""
        return f"one container each of {pods} is held at {self.of_limit:.0%} of its memory limit"

    def at_least(self, aim: Mapping[str, Any]) -> float:
        """Return nearly the share of the container's limit, in bytes.

        Raises:
            RefusedError: it has none, or the share leaves too little of it.

        """
        limit = limit_of(aim, "memory")
        if not 0 < self.of_limit < 1 or limit * (1 - self.of_limit) < MARGIN:
            raise RefusedError(
                f"{self.of_limit:.0%} of {limit:.0f} bytes is no share to hold {aim['pod']} at",
                expected=f"a share that leaves {MARGIN} bytes, so that nothing is killed",
                found=f"{limit * (1 - self.of_limit):.0f} bytes would be left",
            )
        return int(limit * self.of_limit * CLOSE_ENOUGH)
