"""What happens at intervals, and ranges of time."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Literal, Protocol, runtime_checkable

from aftershock.clock import format_duration

__all__ = ["Beat", "Bounds", "Delay", "Delayed", "Mode", "rounds"]

_ROUNDING_S = 1e-6
"""Below a microsecond two instants are the same: that is as far as datetimes go."""

Mode = Literal["earliest", "point", "latest"]
"""Which of the three a calculation is for."""


@dataclass(frozen=True, kw_only=True)
class Beat:
    """Something done every `every_s` seconds.

    `last` is an instant at which it was begun, None where that is not known; `takes_s` is
    how long it took then, until its result could be seen.
    """

    what: str
    every_s: float
    last: datetime | None = None
    takes_s: float = 0.0

    def next(self, at: datetime, mode: Mode = "point") -> datetime | None:
        """Return when it is begun next, at `at` or later.

        Where the phase is unknown: `at` for the earliest, a whole interval later for the
        latest, None for the point.
        """
        if self.last is None:
            wait = {"earliest": 0.0, "point": None, "latest": self.every_s}[mode]
            return None if wait is None else at + timedelta(seconds=wait)
        beats = math.ceil((at - self.last).total_seconds() / self.every_s - _ROUNDING_S)
        return self.last + timedelta(seconds=beats * self.every_s)

    def __str__(self) -> str:
        """Return what, and how often."""
        return f"{self.what} every {format_duration(self.every_s)}"


def rounds(wait_s: float, every_s: float) -> float:
    """Return `wait_s` rounded up to whole intervals: what is looked at every `every_s` ends only then."""
    return math.ceil(wait_s / every_s - _ROUNDING_S) * every_s if wait_s > 0 else 0.0


@dataclass(frozen=True, kw_only=True)
class Bounds:
    """A range of time in seconds.

    `point_s` is what is expected, None where that cannot be said; `latest_s` is None where
    nothing that is known bounds it.
    """

    earliest_s: float
    point_s: float | None = None
    latest_s: float | None = None

    def __str__(self) -> str:
        """Say it for a person: "4.2 s (3.1 s to 11 s)", "3.1 s to 11 s", "3.1 s or later"."""
        low = format_duration(round(self.earliest_s, 1))
        span = (
            f"{low} or later"
            if self.latest_s is None
            else f"{low} to {format_duration(round(self.latest_s, 1))}"
        )
        return span if self.point_s is None else f"{format_duration(round(self.point_s, 1))} ({span})"


@dataclass(frozen=True, kw_only=True)
class Delay:
    """How long after the harness begins to act a fault shows at an exporter, in seconds.

    `by` is the way there, for a reader: "carrier, kill, kubelet's status, kube-state-metrics".
    """

    earliest_s: float
    usual_s: float
    latest_s: float
    by: str = ""

    def __str__(self) -> str:
        """Say it for a person."""
        way = f" ({self.by})" if self.by else ""
        return f"{self.earliest_s:g} to {self.latest_s:g} s, usually {self.usual_s:g} s{way}"


@runtime_checkable
class Delayed(Protocol):
    """A fault that says how soon it shows, by the metric in which it does."""

    shows_after: Mapping[str, Delay]
