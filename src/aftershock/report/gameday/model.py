"""A run as it is told: what stands in the report, as data. No HTML, no Markdown."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Literal

from aftershock.judge.alert_table import AlertRow
from aftershock.report.gameday.earlier import Compared
from aftershock.report.plots.course import Course
from aftershock.report.record import RunRecord, StepRecord
from aftershock.verdict import Verdict

__all__ = ["WORDS", "Day", "Entry", "Finding", "Minute", "Page", "Surprise", "Word"]

Word = Literal["held", "not held", "not known", "broken", "interrupted", "not run"]
WORDS: tuple[Word, ...] = ("held", "not held", "not known", "broken", "interrupted", "not run")


@dataclass(frozen=True, kw_only=True)
class Entry:
    """One thing that happened. `seconds` count from the fault, else the load, else the beginning.

    `kind` is the word that stands before it: step, fault, alert, told, pods, event, load.
    """

    at: datetime
    seconds: float
    kind: str
    text: str
    bad: bool = False


@dataclass(frozen=True, kw_only=True)
class Minute:
    """What happened in one minute; `left_out` is how much more it was."""

    title: str
    entries: tuple[Entry, ...]
    left_out: int = 0


@dataclass(frozen=True, kw_only=True)
class Surprise:
    """What nobody asked for, in the scenario of that folder."""

    slug: str
    scenario: str
    kind: str
    text: str


@dataclass(frozen=True, kw_only=True)
class Finding:
    """Something to do: who, where it is tracked, and when it is to be tested again. `drafted` by us."""

    id: str
    scenario: str
    what: str
    owner: str = ""
    ticket: str = ""
    again: str = ""
    drafted: bool = False


@dataclass(frozen=True, kw_only=True)
class Page:
    """One scenario. `slug` is its folder; `stated` says whether people wrote the hypothesis themselves."""

    slug: str
    name: str
    word: Word
    feature: str = ""
    file: str = ""
    severity: str = ""
    owner: str = ""
    hypothesis: tuple[str, ...] = ()
    stated: bool = False
    example: tuple[tuple[str, str], ...] = ()
    began: datetime | None = None
    seconds: float | None = None
    message: str = ""
    blast: tuple[str, ...] = ()
    steps: tuple[StepRecord, ...] = ()
    verdicts: tuple[Verdict, ...] = ()
    alerts: tuple[AlertRow, ...] = ()
    budget: tuple[tuple[str, tuple[str, ...]], ...] = ()
    forecast: str = ""
    course: Course | None = None
    minutes: tuple[Minute, ...] = ()
    surprises: tuple[Surprise, ...] = ()
    compared: tuple[Compared, ...] = ()

    @property
    def faults(self) -> tuple[str, ...]:
        """Return what was done to whom, each once: "node-drain on worker2"."""
        done = [fault for fault in self.course.faults if not fault.setting] if self.course else []
        return tuple(dict.fromkeys(f"{one.fault} on {one.subject.rpartition('/')[2]}" for one in done))

    @property
    def trouble(self) -> str:
        """Return why it did not pass, where that is not what one of its verdicts says anyway."""
        told = any(self.message.startswith(f"{verdict.name}: {verdict.status}") for verdict in self.verdicts)
        return "" if told else self.message

    @property
    def quiet(self) -> bool:
        """Whether there is nothing to look into."""
        return self.word == "held" and not self.surprises

    @property
    def recovery(self) -> str:
        """Return the longest recovery, as a figure with its error; "" where none was judged."""
        found = [
            verdict
            for verdict in self.verdicts
            if (verdict.question or {}).get("judge") in {"recovered_within", "service_recovered_within"}
            and isinstance(verdict.observed, (int, float))
        ]
        if not found:
            return ""
        worst = max(found, key=lambda verdict: float(verdict.observed or 0))
        return f"{float(worst.observed or 0):.2f} s ± {worst.resolution_s:.2g} s"


@dataclass(frozen=True, kw_only=True)
class Day:
    """The whole run. `repeated` are scenarios that ran more than once, each with how often it held."""

    title: str
    run: RunRecord
    owners: tuple[str, ...]
    pages: tuple[Page, ...]
    findings: tuple[Finding, ...]
    repeated: tuple[tuple[str, str], ...] = ()

    @property
    def surprises(self) -> Sequence[Surprise]:
        """Return those of all scenarios."""
        return [surprise for page in self.pages for surprise in page.surprises]

    @property
    def counts(self) -> list[tuple[Word, int]]:
        """Return how many scenarios went how, in the order of the words, none that did not occur."""
        counted = Counter(page.word for page in self.pages)
        return [(word, counted[word]) for word in WORDS if counted[word]]

    @property
    def seconds(self) -> float | None:
        """Return how long it took; None of a run that has not ended, or was killed."""
        return (self.run.ended - self.run.began).total_seconds() if self.run.ended else None
