"""Measured against true: errors, what was missed, what was made up."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from statistics import median

__all__ = ["Errors", "Reading", "errors_of", "percentile"]


@dataclass(frozen=True, kw_only=True)
class Reading:
    """One outage by one method: seconds it took in truth, and as measured.

    `true_s` is None where there was nothing to be seen by that clock (the readiness probe did
    not notice), `measured_s` where nothing was said; then `refused` is the reason if the method
    declared that it does not know, "" if it took the outage for health. `resolution_s` is the
    largest error that the method admits, None where it admits none.
    """

    condition: str
    method: str
    kind: str
    pod: str
    true_s: float | None
    measured_s: float | None
    resolution_s: float | None = None
    refused: str = ""


@dataclass(frozen=True, kw_only=True)
class Errors:
    """Of `count` true outages: errors in seconds (NaN without any), and how many have none.

    `missed` were taken for health, `refused` declared unknown, `invented` measured where there
    was none, `beyond` further off than the method itself admits, None where it admits nothing.
    """

    count: int
    median_s: float
    p95_s: float
    worst_s: float
    missed: int
    refused: int
    invented: int
    beyond: int | None


def errors_of(readings: Iterable[Reading]) -> Errors:
    """Compare."""
    readings = list(readings)
    true = [reading for reading in readings if reading.true_s is not None]
    wrong = [
        (abs(reading.measured_s - reading.true_s), reading.resolution_s)
        for reading in true
        if reading.measured_s is not None and reading.true_s is not None
    ]
    errors = [error for error, _ in wrong]
    admitted = [(error, bar) for error, bar in wrong if bar is not None]
    silent = [reading for reading in true if reading.measured_s is None]
    return Errors(
        count=len(true),
        median_s=median(errors) if errors else math.nan,
        p95_s=percentile(errors, 95),
        worst_s=max(errors, default=math.nan),
        missed=sum(1 for reading in silent if not reading.refused),
        refused=sum(1 for reading in silent if reading.refused),
        invented=sum(1 for r in readings if r.true_s is None and r.measured_s is not None),
        beyond=sum(1 for error, bar in admitted if error > bar) if admitted else None,
    )


def percentile(values: Sequence[float], percent: float) -> float:
    """Return the smallest value that at least `percent` of `values` do not exceed; NaN without any."""
    ordered = sorted(values)
    return ordered[max(0, math.ceil(len(ordered) * percent / 100) - 1)] if ordered else math.nan
