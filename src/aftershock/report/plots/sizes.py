"""How many pods of each workload were wanted, and how many Ready, at every change."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime

from aftershock.judge.world import Owners, healthy
from aftershock.timeline import Event

__all__ = ["Size", "Sizes", "sizes_of"]

_GONE = frozenset({"DELETED", "GONE"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Size:
    """From `at` on; `wanted` is None for what has no deployment."""

    at: datetime
    ready: int
    wanted: int | None


@dataclass(frozen=True, kw_only=True)
class Sizes:
    """A workload ("deployment/NS/NAME") over time. `lacking` seconds it had fewer Ready than wanted.

    `named` says that a verdict or a fault speaks of it.
    """

    workload: str
    points: tuple[Size, ...]
    lacking_s: float
    named: bool


def sizes_of(record: Sequence[Event], *, since: datetime, wanted: Iterable[str]) -> list[Sizes]:
    """Return the workloads that are named in `wanted`, or changed from `since` on: named ones first."""
    tally = _Tally(record)
    end = max((event.at for event in record), default=since)
    named = {tally.workload_of.get(name, name) for name in wanted}
    found = [
        Sizes(
            workload=workload,
            points=tuple(points),
            lacking_s=sum(_lacking(points, since, end)),
            named=workload in named,
        )
        for workload, points in tally.points.items()
        if workload in named or _changed(points, since)
    ]
    return sorted(found, key=lambda one: (not one.named, -one.lacking_s, one.workload))


class _Tally:
    """Counts pods by their owners through the record."""

    def __init__(self, record: Sequence[Event]) -> None:
        self.points: dict[str, list[Size]] = {}
        self.workload_of: dict[str, str] = {}
        self._wanted: dict[str, int] = {}
        self._ready: dict[str, dict[str, bool]] = {}
        owners = Owners(record)
        for event in record:
            if event.source != "kubernetes":
                continue
            if event.kind == "deployment":
                gone = event.data["type"] in _GONE
                self._wanted[event.subject] = 0 if gone else int(event.data["replicas"])
                self._note(event.subject, event)
            elif event.kind == "pod":
                workload = owners.workload(event.data)
                self.workload_of[event.subject] = workload
                pods = self._ready.setdefault(workload, {})
                gone = event.data["type"] in _GONE
                pods[event.data["uid"]] = not gone and healthy(event.data)
                self._note(workload, event)

    def _note(self, workload: str, event: Event) -> None:
        ready = sum(self._ready.get(workload, {}).values())
        now = Size(at=event.at, ready=ready, wanted=self._wanted.get(workload))
        points = self.points.setdefault(workload, [])
        if event.data["type"] == "LISTED" and len(points) == 1:
            points[:] = [now]  # one after the other, they are one state
        elif not points or (points[-1].ready, points[-1].wanted) != (now.ready, now.wanted):
            points.append(now)


def _changed(points: Sequence[Size], since: datetime) -> bool:
    return any(point.at >= since for point in points[1:]) and not points[0].at >= since


def _lacking(points: Sequence[Size], since: datetime, end: datetime) -> Iterator[float]:
    for number, point in enumerate(points):
        until = points[number + 1].at if number + 1 < len(points) else end
        if point.wanted is not None and point.ready < point.wanted and until > since:
            yield (until - max(point.at, since)).total_seconds()
