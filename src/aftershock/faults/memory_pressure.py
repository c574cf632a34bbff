"""Memory pressure: containers are held at a share of their memory limit, and never beyond.

The carrier takes what the application leaves, follows it up and down, and gives way before
memory runs out. Proof is the kubelet's: the container's working set, in a sample newer than
the plan's.
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

__all__ = ["NAME", "MemoryPressure"]

NAME = "memory-pressure"
# The carrier keeps within 1 MiB of the share; a working set is read a little later than the usage.
CLOSE_ENOUGH = 0.95
# What the carrier refuses to go below: it must be able to give way before the kernel kills.
MARGIN = 4 << 20


class MemoryPressure:
    """One container each of some pods is held at `of_limit` (0 to 1) of its memory limit for `for_s`."""

    name = NAME

    def __init__(self, tools: Tools, *, of_limit: float, for_s: float, **which: Unpack[WhichPods]) -> None:
        """Take the share, the time, and which pods: see Pods."""
        self.tools = tools
        self.of_limit = of_limit
        self.for_s = for_s
        self.pods = Pods(**which)

    def plan(self) -> Plan:
        """Choose the pods, and note what they use now.

        Raises:
            RefusedError: a container has no memory limit, or is at the share already.

        """
        check_time(self.for_s)
        choice, aims = self.pods.aims(self.tools.api)
        return Plan(
            fault=NAME,
            targets=choice.targets,
            undo={"aims": [self._aimed(aim) for aim in aims]},
            expires_after_s=self.for_s,
            blast_radius=f"one container each of {choice} is held at {self.of_limit:.0%} of its memory limit",
            switch="carrier",
            lasts=True,
        )

    def inject(self, plan: Plan, record: Record) -> None:
        """Start a carrier for each pod.

        Raises:
            FaultError: a carrier did not start.

        """
        start_carriers(self.tools, plan, record, act="memory", options={"share": self.of_limit})

    def landed(self, plan: Plan) -> Proof:
        """Ask the kubelets for the working sets."""
        return reached(self.tools.api, plan.undo["aims"], "working_set")

    def testimony(self, plan: Plan) -> Iterable[Event]:
        """Return what the carriers printed."""
        return testimony(self.tools, plan)

    def _aimed(self, aim: dict[str, Any]) -> dict[str, Any]:
        limit = limit_of(aim, "memory")
        if not 0 < self.of_limit < 1 or limit * (1 - self.of_limit) < MARGIN:
            raise RefusedError(
                f"{self.of_limit:.0%} of {limit:.0f} bytes is no share to hold {aim['pod']} at",
                expected=f"a share that leaves {MARGIN} bytes, so that nothing is killed",
                found=f"{limit * (1 - self.of_limit):.0f} bytes would be left",
            )
        return to_reach(self.tools.api, aim, "working_set", int(limit * self.of_limit * CLOSE_ENOUGH))
