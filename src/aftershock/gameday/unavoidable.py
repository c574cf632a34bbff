"""How long a scenario has to take: what configuration makes unavoidable, step by step. Pure.

A fault that lasts, a load, an alert's `for` with its scrapes and evaluations, probes, the streak that
confirms a recovery. What is usual is counted: the forecast's point where it has one, else the middle of
its range. Nothing is counted for what we ourselves need: to connect, to bring a fault about, to prove it,
to undo it.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

from aftershock.collect.meaning import Meaning
from aftershock.forecast.beat import Bounds
from aftershock.forecast.objectives import AlertFires, AlertResolves, Expectation, Objective, Recovers
from aftershock.judge.recovery import CONFIRM_S
from aftershock.scene.acts import Breaks, Ends, Loads

__all__ = ["Part", "unavoidable"]

SCRAPE_S = 5.0
"""The stack's interval. A scrape shows a recovery, half of it later as a rule, and one more that it lasts."""


@dataclass(frozen=True, kw_only=True)
class Part:
    """A step, the seconds that it cannot be without, and why."""

    step: str
    seconds: float
    because: str

    def __str__(self) -> str:
        """Say it for a person."""
        return f"{self.seconds:6.1f} s  {self.step}  ({self.because})"


@dataclass(kw_only=True)
class _Course:
    """A scenario's course: seconds since it began, since its last act, and when that is over."""

    now: float = 0.0
    act: float = 0.0
    over: float = 0.0
    load: float = 0.0
    fired: dict[str, float] = field(default_factory=dict)


def unavoidable(
    meanings: Sequence[Meaning],
    expectations: Sequence[Expectation],
    lasting: Sequence[float],
    *,
    cut: bool = False,
) -> Iterator[Part]:
    """Yield the parts of a scenario, in the order of its steps.

    `expectations` are those of its objectives and `lasting` how long each of its faults lasts (0 for one
    that is over at once), both in the same order. A load that was `cut` short was not waited for.
    """
    course = _Course()
    foreseen, lasts = iter(expectations), iter(lasting)
    for meaning in meanings:
        what = meaning.what
        if isinstance(what, Breaks):
            course.act = course.now
            course.over = course.act + next(lasts, 0.0)
        elif isinstance(what, Loads):
            course.load = course.now + what.duration_s
        until, because = _until(what, course, foreseen)
        if until > course.now:
            yield Part(step=str(meaning.step), seconds=until - course.now, because=because)
            course.now = until
    if course.load > course.now and not cut:
        yield Part(step="the load", seconds=course.load - course.now, because="it was asked for")


def _until(what: object, course: _Course, foreseen: Iterator[Expectation]) -> tuple[float, str]:
    """Return when a step can be over at the soonest, and why."""
    if isinstance(what, Ends) and what.waits:
        return course.over, "the fault lasts"
    if not isinstance(what, Objective):
        return course.now, ""
    expectation = next(foreseen, None)
    if expectation is None:
        return course.now, ""
    until = _since(what, course) + _usual(expectation.bounds)
    if isinstance(what, AlertFires):
        course.fired[what.alert] = until
    if isinstance(what, Recovers):
        seen = max(CONFIRM_S, 1.5 * SCRAPE_S)
        return until + seen, f"{expectation.because}, then health that lasts, by two of Prometheus' samples"
    return until, expectation.because


def _since(what: Objective, course: _Course) -> float:
    """Return from when an objective counts: its act, or the end of that; the alert's firing."""
    if isinstance(what, AlertResolves):
        return course.fired.get(what.alert, course.now)
    return max(course.act, min(course.over, course.now)) if isinstance(what, Recovers) else course.act


def _usual(bounds: Bounds) -> float:
    if bounds.point_s is not None:
        return bounds.point_s
    return bounds.earliest_s if bounds.latest_s is None else (bounds.earliest_s + bounds.latest_s) / 2
