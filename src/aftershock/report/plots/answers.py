"""What users and probes were answered, second by second: how many failed, and how late the others were."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

from aftershock.timeline import Event

__all__ = ["Answers", "Bucket", "answers_of"]

_MOST_BUCKETS = 160


@dataclass(frozen=True, slots=True, kw_only=True)
class Bucket:
    """A time from `at` on, as long as the series' `every_s`; milliseconds are of the good answers alone."""

    at: datetime
    asked: int
    failed: int
    p50_ms: float | None
    p95_ms: float | None

    @property
    def failed_share(self) -> float:
        """Return how many of those that were asked failed, 0 … 1."""
        return self.failed / self.asked if self.asked else 0.0


@dataclass(frozen=True, kw_only=True)
class Answers:
    """One load ("load/NAME"), or the probes of one URL."""

    subject: str
    every_s: float
    buckets: tuple[Bucket, ...]

    @property
    def asked(self) -> int:
        """How many were asked in all."""
        return sum(bucket.asked for bucket in self.buckets)

    @property
    def failed(self) -> int:
        """How many of them failed."""
        return sum(bucket.failed for bucket in self.buckets)


def answers_of(record: Iterable[Event], *, start: datetime, end: datetime) -> list[Answers]:
    """Return a series for each load and each URL that was probed; requests count when they were due."""
    every = max(1.0, math.ceil((end - start).total_seconds() / _MOST_BUCKETS))
    cells: dict[str, dict[int, list[float | None]]] = {}
    first = start.timestamp()
    for event in record:
        for due, took in _answers(event):
            place = int((due - first) // every)
            if 0 <= place <= _MOST_BUCKETS:
                cells.setdefault(event.subject, {}).setdefault(place, []).append(took)
    return [
        Answers(
            subject=subject,
            every_s=every,
            buckets=tuple(_bucket(first + place * every, found) for place, found in sorted(places.items())),
        )
        for subject, places in sorted(cells.items(), key=lambda item: not item[0].startswith("load/"))
    ]


def _answers(event: Event) -> Iterator[tuple[float, float | None]]:
    """Yield when a request was due and how many ms its answer took, None for a failure."""
    data = event.data
    if event.source == "client" and event.kind == "probe":
        yield event.at.timestamp(), float(data["ms"]) if data["ok"] else None
    elif event.source == "load" and event.kind == "requests":
        second = event.at.timestamp()
        failed = {place for places in data["failures"].values() for place in places}
        for place, (due, ms) in enumerate(zip(data["due_ms"], data["ms"], strict=True)):
            yield second + due / 1000, None if place in failed else ms


def _bucket(at: float, found: Sequence[float | None]) -> Bucket:
    good = sorted(took for took in found if took is not None)
    return Bucket(
        at=datetime.fromtimestamp(at, UTC),
        asked=len(found),
        failed=len(found) - len(good),
        p50_ms=_quantile(good, 0.50),
        p95_ms=_quantile(good, 0.95),
    )


def _quantile(values: Sequence[float], share: float) -> float | None:
    """Return the smallest value that so large a share of them is not above."""
    return values[max(math.ceil(share * len(values)) - 1, 0)] if values else None
