"""What steps promise, and what the forecast says of each: possible, in danger, or not to be verified."""

from __future__ import annotations

from dataclasses import dataclass

from aftershock.clock import format_duration
from aftershock.forecast.beat import Bounds

__all__ = [
    "AlertFires",
    "AlertResolves",
    "Expectation",
    "HpaScales",
    "Objective",
    "Recovers",
    "Replaced",
    "Serves",
]


@dataclass(frozen=True, kw_only=True)
class AlertFires:
    """`alert`, of what the fault hits or of the workload `of`, fires within so many seconds of it."""

    alert: str
    within_s: float
    of: str = ""


@dataclass(frozen=True, kw_only=True)
class AlertResolves:
    """`alert` stops firing within so many seconds of its firing."""

    alert: str
    within_s: float
    of: str = ""


@dataclass(frozen=True, kw_only=True)
class Recovers:
    """What a fault broke of `workload` is Ready again within so many seconds of its degradation."""

    workload: str
    within_s: float


@dataclass(frozen=True, kw_only=True)
class Replaced:
    """Every evicted pod has a Ready replacement within so many seconds of its eviction."""

    within_s: float


@dataclass(frozen=True, kw_only=True)
class Serves:
    """Every added replica of `workload` serves within so many seconds of being wanted."""

    workload: str
    within_s: float


@dataclass(frozen=True, kw_only=True)
class HpaScales:
    """The HPA of `workload` acts while the load lasts, or within so many seconds of its start."""

    workload: str
    within_s: float | None = None


Objective = AlertFires | AlertResolves | Recovers | Replaced | Serves | HpaScales


@dataclass(frozen=True, kw_only=True)
class Expectation:
    """One promise of a scenario beside what the cluster's intervals allow, in seconds.

    `what` is the promise without its bound ("PodOOMKilled fires"), `limit_s` the bound, `place`
    where the step stands. `because` says what the time consists of, `unknown` what could not
    be read or is not modelled, `notes` what else there is to know.
    """

    what: str
    bounds: Bounds
    limit_s: float | None = None
    resolution_s: float = 0.0
    because: str = ""
    unknown: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()
    place: str = ""

    def impossible(self, profile: str) -> str:
        """Say why no observation could ever meet the bound; empty where one could.

        A figure meets its bound only if it is below it by more than its resolution.
        """
        if self.limit_s is None:
            return ""
        margin_s = self.limit_s - self.bounds.earliest_s
        where = f"{self.place}: " if self.place else ""
        promise = f"{where}{self.what} within {format_duration(self.limit_s)}"
        floor = f"{self.because}; profile {profile}, earliest {_shown(self.bounds.earliest_s)}"
        if margin_s < 0:
            return f"{promise} cannot be: {floor}"
        if margin_s <= self.resolution_s:
            return (
                f"{promise} cannot be verified: {floor}, "
                f"and the resolution is {format_duration(self.resolution_s)}"
            )
        return ""

    def lines(self) -> list[str]:
        """Return the expectation for a person: one line, and one for each thing that is not known."""
        limit = f", objective {format_duration(self.limit_s)}" if self.limit_s is not None else ""
        because = f"  ({self.because})" if self.because else ""
        lines = [f"{self.what}: {self.bounds}{limit}{because}"]
        if self.limit_s is not None and (self.bounds.latest_s or 0.0) > self.limit_s:
            lines.append("  may miss its objective by the cluster's own intervals alone")
        lines += [f"  unknown: {reason}" for reason in self.unknown]
        return lines + [f"  {note}" for note in self.notes]


def _shown(seconds: float) -> str:
    """Write seconds so that they can be compared with a bound: people say 305 s, not 5 min 5 s, there."""
    return f"{seconds:.1f}".removesuffix(".0") + " s"
