"""Reads a recorded run into the data of its report."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from aftershock.collect.tags import SEVERITIES, owner_of
from aftershock.errors import UsageError
from aftershock.history.share import share_of
from aftershock.judge.alert_table import AlertRow, alert_rows
from aftershock.report.gameday.earlier import EarlierRuns, NoEarlierRuns
from aftershock.report.gameday.findings import findings_of, read_findings
from aftershock.report.gameday.intent import Intent, read_intent
from aftershock.report.gameday.model import Day, Minute, Page, Surprise, Word
from aftershock.report.gameday.story import minutes_of, story_of
from aftershock.report.gameday.surprises import Seen, surprises_of
from aftershock.report.plots.course import Course, course_of
from aftershock.report.progress import Outcome
from aftershock.report.record import TIMELINE, Recorded, ScenarioRecord, read_run
from aftershock.timeline import Event
from aftershock.verdict import Verdict

__all__ = ["Observed", "build_day", "observe"]

_UNTOLD = "what was observed cannot be told"
_WORDS: dict[Outcome, Word] = {
    "passed": "held",
    "violated": "not held",
    "inconclusive": "not known",
    "broken": "broken",
    "interrupted": "interrupted",
}


@dataclass(frozen=True, kw_only=True)
class Observed:
    """What of a scenario's page comes from what was observed and judged of it."""

    verdicts: tuple[Verdict, ...]
    alerts: tuple[AlertRow, ...]
    surprises: tuple[Surprise, ...]
    course: Course | None = None
    blast: tuple[str, ...] = ()
    minutes: tuple[Minute, ...] = ()


def build_day(
    folder: Path, *, earlier: EarlierRuns | None = None, observed: Mapping[str, Observed] | None = None
) -> Day:
    """Return what is told of the run in `folder`; a scenario that had no turn is told as such.

    Of a scenario whose folder is in `observed` the timeline is not read again.

    Raises:
        UsageError: there is no recorded run, or a file of it (but for what was observed) cannot be read.

    """
    recorded = read_run(folder)
    intent = read_intent(folder)
    ended = {path.name: record for path, record in recorded.scenarios()}
    history = earlier or NoEarlierRuns()
    pages = tuple(
        _page(folder / slug, ended[slug], intent, history, (observed or {}).get(slug))
        if slug in ended
        else _without_record(folder / slug)
        for slug in recorded.run.planned
    )
    return Day(
        title=intent.name or recorded.run.gameday or "Game day",
        run=recorded.run,
        owners=intent.owners,
        pages=pages,
        findings=findings_of(pages, read_findings(folder)),
        repeated=tuple(_repeated(ended.values())),
    )


def _page(
    folder: Path, record: ScenarioRecord, intent: Intent, earlier: EarlierRuns, observed: Observed | None
) -> Page:
    said = intent.hypothesis(record)
    plain = Page(
        slug=folder.name,
        name=_name(record),
        word=_WORDS[record.outcome],
        feature=record.feature,
        file=f"{record.file}:{record.line}",
        severity=next((tag for tag in SEVERITIES if tag in record.tags), "normal"),
        owner=owner_of(record.tags) or ", ".join(intent.owners),
        hypothesis=(said,) if said else _hypothesis(record),
        stated=bool(said),
        example=record.example,
        began=record.began,
        seconds=(record.ended - record.began).total_seconds(),
        message=record.message,
        steps=record.steps,
        budget=tuple(_budget(folder / "budget.txt")),
        forecast=_read(folder / "forecast.txt"),
        compared=tuple(earlier.compared(record)),
    )
    try:
        if observed is None:
            observed = observe(folder, record, tuple(Recorded.events(folder)), Recorded.verdicts(folder))
        return replace(plain, **vars(observed))
    except (UsageError, KeyError, TypeError, ValueError) as error:
        # One record of another time, or a torn one, must not hide the others.
        why = error.message if isinstance(error, UsageError) else repr(error)
        told = Surprise(slug=plain.slug, scenario=plain.name, kind="gap", text=f"{_UNTOLD}: {why}")
        return replace(plain, surprises=(told,))


def observe(
    folder: Path, record: ScenarioRecord, events: Sequence[Event], verdicts: Sequence[Verdict]
) -> Observed:
    """Return what is told of what was observed and judged of the scenario in `folder`.

    Raises:
        KeyError, TypeError, ValueError: an event is not as this version writes it.

    """
    course = course_of(events, verdicts)
    alerts = tuple(alert_rows(events, verdicts))
    seen = Seen(
        slug=folder.name, record=record, events=events, verdicts=verdicts, alerts=alerts, course=course
    )
    judged = Observed(verdicts=tuple(verdicts), alerts=alerts, surprises=tuple(surprises_of(seen)))
    if course is None:
        return judged
    story = story_of(events, course, record.steps)
    return replace(
        judged,
        course=course,
        blast=tuple(dict.fromkeys(fault.blast_radius for fault in course.faults if fault.blast_radius)),
        minutes=tuple(minutes_of(story, by_fault=course.by_fault)),
    )


def _without_record(folder: Path) -> Page:
    """Return a scenario that did not end: one that had no turn, or in which the run was killed."""
    name = folder.name.replace("-", " ")
    if not (folder / TIMELINE).is_file():
        return Page(slug=folder.name, name=name, word="not run", message="it had no turn")
    told = "the run ended in it; what it had seen is in its folder"
    return Page(slug=folder.name, name=name, word="interrupted", message=told)


def _name(record: ScenarioRecord) -> str:
    which = f" ({record.repetition} of {record.repetitions})" if record.repetitions > 1 else ""
    return f"{record.name}{which}"


def _repeated(records: Iterable[ScenarioRecord]) -> Iterator[tuple[str, str]]:
    """Yield each scenario that was to run more than once, and how often it held of how often it ran."""
    turns: dict[tuple[object, ...], list[ScenarioRecord]] = {}
    for record in records:
        if record.repetitions > 1:
            turns.setdefault((record.file, record.template, record.example), []).append(record)
    for found in turns.values():
        held = sum(record.outcome == "passed" for record in found)
        yield found[0].name, str(share_of(held, len(found)))


def _hypothesis(record: ScenarioRecord) -> tuple[str, ...]:
    """Return what the scenario itself expects: its Then steps, with the Ands that belong to them."""
    said: list[str] = []
    expecting = False
    for step in record.steps:
        keyword, _, text = step.text.partition(" ")
        if keyword in {"Given", "When", "Then"}:
            expecting = keyword == "Then"
        if expecting:
            said.append(text)
    return tuple(said)


def _budget(path: Path) -> Iterator[tuple[str, tuple[str, ...]]]:
    """Yield each service's objective with the lines below it, which are indented."""
    head, below = "", []
    for line in [*_read(path).splitlines(), ""]:
        if line.startswith(" "):
            below.append(line.strip())
            continue
        if head:
            yield head, tuple(below)
        head, below = line, []


def _read(path: Path) -> str:
    return path.read_text(encoding="utf-8", errors="replace") if path.is_file() else ""
