"""What users and probes were answered, second by second: how many failed, and how late the others were."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

from aftershock.timeline import Event

__all__ = ["Answers", "Bucket", "answers_of", "stretches"]

_MOST_BUCKETS = 160
_KINDS = frozenset({"probe", "requests"})


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
    first = start.timestamp()
    good: dict[str, dict[int, list[float]]] = {}
    bad: dict[str, Counter[int]] = {}
    for event in record:
        if event.kind not in _KINDS:
            continue
        took, failed = good.setdefault(event.subject, {}), bad.setdefault(event.subject, Counter())
        for place, ms in _answers(event, first, every):
            if not 0 <= place <= _MOST_BUCKETS:
                continue
            if ms is None:
                failed[place] += 1
            else:
                took.setdefault(place, []).append(ms)
    return [
        Answers(
            subject=subject,
            every_s=every,
            buckets=tuple(
                _bucket(first + place * every, good[subject].get(place, []), bad[subject][place])
                for place in sorted(good[subject].keys() | bad[subject].keys())
            ),
        )
        for subject in sorted(good, key=lambda subject: not subject.startswith("load/"))
        if good[subject] or bad[subject]
    ]


def _answers(event: Event, first: float, every: float) -> Iterator[tuple[int, float | None]]:
    """Yield the bucket in which a request was due, and how many ms its answer took, None for a failure."""
    data = event.data
    since = event.at.timestamp() - first
    if event.kind == "probe":
        yield int(since // every), float(data["ms"]) if data["ok"] else None
        return
    failed = {place for places in data["failures"].values() for place in places}
    for number, (due, ms) in enumerate(zip(data["due_ms"], data["ms"], strict=True)):
        yield int((since + due / 1000) // every), None if number in failed else ms


def _bucket(at: float, good: list[float], failed: int) -> Bucket:
    good.sort()
    return Bucket(
        at=datetime.fromtimestamp(at, UTC),
        asked=len(good) + failed,
        failed=failed,
        p50_ms=_quantile(good, 0.50),
        p95_ms=_quantile(good, 0.95),
    )


def _quantile(values: Sequence[float], share: float) -> float | None:
    """Return the smallest value that so large a share of them is not above."""
    return values[max(math.ceil(share * len(values)) - 1, 0)] if values else None


def stretches(
    points: Iterable[tuple[datetime, float]], every_s: float
) -> Iterator[list[tuple[datetime, float]]]:
    """Cut a series where a bucket is missing: nobody was asked there, which is no zero."""
    stretch: list[tuple[datetime, float]] = []
    for at, value in points:
        if stretch and (at - stretch[-1][0]).total_seconds() > 1.5 * every_s:
            yield stretch
            stretch = []
        stretch.append((at, value))
    if stretch:
        yield stretch
