"""What the history keeps of a run, as plain facts: no folder is needed any more to read them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Literal

from aftershock.judge.reliability import Figures
from aftershock.verdict import Verdict

__all__ = ["KINDS", "Kind", "Measure", "RunFacts", "ScenarioFacts", "title_of"]

Kind = Literal["recovery", "alert", "budget"]
KINDS: dict[Kind, str] = {
    "recovery": "recovery of",
    "alert": "time to",
    "budget": "error budget spent of",
}
"""Each kind of figure that has a trend, as a reader is told of it before its subject."""


@dataclass(frozen=True, kw_only=True)
class Measure:
    """One figure of a scenario that should not grow.

    recovery  seconds; the subject is what was judged: a workload, a node's pods, a URL
    alert     seconds from the injection to the firing; the subject is the alert's name
    budget    percent of an error budget; the subject is its service

    `value` is None where it did not recover, or did not fire: worse than any figure. `resolution` is the
    largest error of the value, in its unit.
    """

    kind: Kind
    subject: str
    value: float | None
    unit: str
    resolution: float = 0.0


@dataclass(frozen=True, kw_only=True)
class ScenarioFacts:
    """How one scenario went. `file`, `template` and `example` are what makes it the same in another run.

    `name` is its title, with the values of its example.

    `alarms` and `false_alarms` are None where it does not say which alerts may fire.
    """

    folder: str
    file: str
    template: str
    example: Mapping[str, str]
    name: str
    feature: str
    outcome: str
    message: str
    began: datetime
    ended: datetime
    verdicts: tuple[Verdict, ...] = ()
    measures: tuple[Measure, ...] = ()
    alarms: int | None = None
    false_alarms: int | None = None


@dataclass(frozen=True, kw_only=True)
class RunFacts:
    """A run, its scenarios and its sums."""

    id: str
    began: datetime
    ended: datetime | None
    state: str
    why: str
    profile: str
    cluster: str
    gameday: str
    environment: Mapping[str, str]
    planned: int
    scenarios: tuple[ScenarioFacts, ...]
    figures: Figures


def title_of(name: str, example: Iterable[tuple[str, str]]) -> str:
    """Return a scenario's name with the values of its example that are not in it: no two have the same."""
    more = [value for _, value in example if value not in name]
    return f"{name} [{', '.join(more)}]" if more else name
