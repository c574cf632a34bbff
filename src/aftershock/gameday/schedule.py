"""Which scenarios may run at the same time, and which one is next. Pure: knows nothing of processes.

Two may run at the same time where neither touches, stresses or watches what the other one needs.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

__all__ = ["Footprint", "Schedule"]


@dataclass(frozen=True, kw_only=True)
class Footprint:
    """What a scenario needs for itself while it runs.

    workloads   those that it touches or watches, as namespace/name
    namespaces  those of which it needs everything: what it watches may depend on any of it
    shared      what else only one can have at a time: CPU time of nodes, an alert that it names
    alone       why nothing may run beside it; "" where something may
    """

    workloads: frozenset[str] = frozenset()
    namespaces: frozenset[str] = frozenset()
    shared: frozenset[str] = frozenset()
    alone: str = ""

    def conflict(self, other: Footprint) -> str:
        """Say why the two may not run at the same time; "" where they may."""
        if self.alone or other.alone:
            return self.alone or other.alone
        common = [
            *sorted(self.workloads & other.workloads),
            *sorted(self.namespaces & other.namespaces),
            *sorted(_within(self.workloads, other.namespaces)),
            *sorted(_within(other.workloads, self.namespaces)),
            *sorted(self.shared & other.shared),
        ]
        return f"both need {common[0]}" if common else ""


class Schedule:
    """Scenarios by their numbers, and how they stand. At most `lanes` run at the same time.

    With `keep_order` none begins before all earlier ones have begun; else the first that fits does.
    """

    def __init__(self, footprints: Sequence[Footprint], *, lanes: int, keep_order: bool) -> None:
        self._footprints = footprints
        self._lanes = lanes
        self._keep_order = keep_order
        self.pending = list(range(len(footprints)))
        self.running: list[int] = []

    def next(self) -> int | None:
        """Return which one may begin now; None where one that runs has to end first, or none is left."""
        if len(self.running) >= self._lanes:
            return None
        candidates = self.pending[:1] if self._keep_order else self.pending
        return next((number for number in candidates if self._fits(number)), None)

    def begin(self, number: int) -> None:
        """Note that it runs."""
        self.pending.remove(number)
        self.running.append(number)

    def end(self, number: int) -> None:
        """Note that it is over."""
        self.running.remove(number)

    def _fits(self, number: int) -> bool:
        return not any(self._footprints[number].conflict(self._footprints[other]) for other in self.running)


def _within(workloads: Iterable[str], namespaces: frozenset[str]) -> set[str]:
    return {workload for workload in workloads if workload.partition("/")[0] in namespaces}
