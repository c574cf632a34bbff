"""Forecast against true: errors, and whether the range held."""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from statistics import median

from aftershock.forecast.alerts import Firing
from benchmarks.honest_times.errors import percentile

__all__ = ["Accuracy", "Reading", "accuracy_of", "read"]


@dataclass(frozen=True, kw_only=True)
class Reading:
    """One forecast beside what happened, in seconds from the change (or the injection).

    `true_s` is None where the alert did not fire, `point_s` and `latest_s` where the forecast
    gives none. `known` says when what it was made from had been read.
    """

    known: str
    kind: str
    alert: str
    true_s: float | None
    earliest_s: float
    point_s: float | None
    latest_s: float | None
    made_of: str = ""

    @property
    def error_s(self) -> float | None:
        """Point minus true: positive if it fired sooner than forecast."""
        return None if self.point_s is None or self.true_s is None else self.point_s - self.true_s

    @property
    def inside(self) -> bool:
        """Whether it fired from the earliest to the latest; a range without end is none that holds."""
        if self.true_s is None or self.latest_s is None:
            return False
        return self.earliest_s <= self.true_s <= self.latest_s

    @property
    def width_s(self) -> float:
        """From the earliest to the latest."""
        return math.inf if self.latest_s is None else self.latest_s - self.earliest_s


@dataclass(frozen=True, kw_only=True)
class Accuracy:
    """Of `count` forecasts: absolute errors in seconds (NaN without any), and how the ranges did.

    `silent` have no error: there was no point, or the alert did not fire. `held` is the share,
    0 to 1, that fired inside of the range.
    """

    count: int
    silent: int
    median_s: float
    p95_s: float
    worst_s: float
    held: float
    width_s: float


def read(
    firing: Firing,
    *,
    start: datetime,
    fired: datetime | None,
    known: str,
    kind: str,
    alert: str,
    made_of: str = "",
) -> Reading:
    """Return what was forecast and what was, counted from `start`."""
    bounds = firing.since(start)
    return Reading(
        known=known,
        kind=kind,
        alert=alert,
        true_s=None if fired is None else (fired - start).total_seconds(),
        earliest_s=bounds.earliest_s,
        point_s=bounds.point_s,
        latest_s=bounds.latest_s,
        made_of=made_of,
    )


def accuracy_of(readings: Iterable[Reading]) -> Accuracy:
    """Compare."""
    readings = list(readings)
    errors = [abs(reading.error_s) for reading in readings if reading.error_s is not None]
    return Accuracy(
        count=len(readings),
        silent=len(readings) - len(errors),
        median_s=median(errors) if errors else math.nan,
        p95_s=percentile(errors, 95),
        worst_s=max(errors, default=math.nan),
        held=sum(reading.inside for reading in readings) / len(readings) if readings else math.nan,
        width_s=median(reading.width_s for reading in readings) if readings else math.nan,
    )
