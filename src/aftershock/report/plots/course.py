"""What a record shows over time, as data to draw: faults, alerts, pods, answers, recoveries."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from aftershock.clock import format_duration, from_rfc3339
from aftershock.judge.alert_record import Span, read_alerts
from aftershock.judge.alert_table import wanted_alerts
from aftershock.judge.episodes import Episode, find_episodes
from aftershock.judge.expected_alerts import sort_out
from aftershock.judge.record import beginning, end_of, injection
from aftershock.judge.recovery import CONFIRM_S
from aftershock.judge.workload_health import workload_changes
from aftershock.report.plots.answers import Answers, answers_of
from aftershock.report.plots.sizes import Sizes, sizes_of
from aftershock.timeline import Event
from aftershock.verdict import Verdict

__all__ = ["AlertBar", "Course", "FaultBar", "Recovery", "course_of"]

_LEAST_BEFORE_S, _MOST_BEFORE_S = 10.0, 60.0
_SHARE_BEFORE = 0.2
_OF_FAULTS = frozenset({"planned", "injecting", "injected", "landed", "undoing", "undone"})
_SETTING = "setting-"


@dataclass(frozen=True, kw_only=True)
class FaultBar:
    """A fault: from its injection to the proof that it is undone; None is what the record does not show.

    `lasts` is False for one that is over at once (a kill), whose undo only looks after it. `setting` is
    true of a setting that the scenario gave an object.
    """

    fault: str
    subject: str
    blast_radius: str
    start: datetime
    landed: datetime | None
    undone: datetime | None
    lasts: bool
    setting: bool = False


@dataclass(frozen=True, kw_only=True)
class AlertBar:
    """All times through which alerts of one name were pending or firing.

    `doubtful` is one of which nobody can say to which of the scenarios side by side it belongs.
    """

    alert: str
    expected: bool
    doubtful: bool
    spans: tuple[Span, ...]


@dataclass(frozen=True, kw_only=True)
class Recovery:
    """A workload's degradations, and in `words` what the verdict on them says."""

    workload: str
    status: str
    words: str
    episodes: tuple[Episode, ...]


@dataclass(frozen=True, kw_only=True)
class Course:
    """What is drawn, from `start` to `end`. `origin` is the injection, else the load's first second."""

    start: datetime
    end: datetime
    origin: datetime | None
    by_fault: bool
    faults: tuple[FaultBar, ...]
    alerts: tuple[AlertBar, ...]
    sizes: tuple[Sizes, ...]
    answers: tuple[Answers, ...]
    recoveries: tuple[Recovery, ...]

    def seconds(self, at: datetime) -> float:
        """Return `at` in seconds from the origin, or from the start where there is none."""
        return (at - (self.origin or self.start)).total_seconds()


def course_of(events: Iterable[Event], verdicts: Sequence[Verdict]) -> Course | None:
    """Return what the record shows, or None of an empty one."""
    record = list(events)
    end = end_of(record)
    if end is None:
        return None
    begun = beginning(record)
    start = _start(record, begun.at if begun else None, end.at)
    recoveries = tuple(_recoveries(record, verdicts))
    faults = tuple(_faults(record))
    hit = (fault.subject for fault in faults if not fault.setting)
    wanted = dict.fromkeys([*(recovery.workload for recovery in recoveries), *hit])
    return Course(
        start=start,
        end=end.at,
        origin=begun.at if begun else None,
        by_fault=injection(record) is not None,
        faults=faults,
        alerts=tuple(_alerts(record, verdicts, start)),
        sizes=tuple(sizes_of(record, since=begun.at if begun else start, wanted=wanted)),
        answers=tuple(answers_of(record, start=start, end=end.at)),
        recoveries=recoveries,
    )


def _start(record: Sequence[Event], origin: datetime | None, end: datetime) -> datetime:
    """Return where the picture begins: a little before the fault, not where the scenario began to wait."""
    first = min(event.at for event in record if event.mono is not None)
    if origin is None:
        return first
    before = min(max(_SHARE_BEFORE * (end - origin).total_seconds(), _LEAST_BEFORE_S), _MOST_BEFORE_S)
    return max(first, origin - timedelta(seconds=before))


def _faults(record: Sequence[Event]) -> Iterator[FaultBar]:
    by_fault: dict[str, dict[str, Event]] = {}
    for event in record:
        kind = event.kind.removeprefix(_SETTING)
        if event.source == "harness" and kind in _OF_FAULTS:
            seen = by_fault.setdefault(str(event.data.get("fault_id", event.subject)), {})
            seen.setdefault(kind, event)
    for seen in by_fault.values():
        acted = seen.get("injecting") or seen.get("injected")
        if acted is None:
            continue
        plan = seen.get("planned", acted)
        landed, undone = seen.get("landed"), seen.get("undone")
        over = _over(plan, undone, seen.get("undoing"))
        yield FaultBar(
            fault=str(acted.data.get("fault", "fault")),
            subject=acted.subject,
            blast_radius=str(plan.data.get("blast_radius", "")),
            start=acted.at,
            landed=landed.at if landed else None,
            undone=over,
            lasts=bool(plan.data.get("lasts_until")) or acted.kind.startswith(_SETTING),
            setting=acted.kind.startswith(_SETTING),
        )


def _over(plan: Event, undone: Event | None, undoing: Event | None) -> datetime | None:
    """Return when a fault ended, as `effect_end` counts: its own expiry, if that came before the undo."""
    if undone is None:
        return None
    until = plan.data.get("lasts_until")
    begun = undoing.at if undoing else undone.at
    return min(from_rfc3339(until), begun) if until else undone.at


def _alerts(record: Sequence[Event], verdicts: Sequence[Verdict], start: datetime) -> Iterator[AlertBar]:
    look = read_alerts(record)
    if look is None:
        return
    fired = sort_out(record, look, expected=wanted_alerts(verdicts), start=look.since, end=look.until)
    beside = {(span.alert, frozenset(span.labels.items())) for span, _ in fired.others}
    shown = [
        span
        for span in look.spans
        if (span.stop is None or span.stop >= start)
        and (span.alert, frozenset(span.labels.items())) not in beside
    ]
    for name in sorted({span.alert for span in shown}):
        spans = sorted((span for span in shown if span.alert == name), key=lambda span: span.start)
        before = all(span in fired.exempt or span in fired.costs for span in spans if span.state == "firing")
        pending_before = all(span.start < start or span.labels.get("category") == "cost" for span in spans)
        if before if any(span.state == "firing" for span in spans) else pending_before:
            continue  # it was there before, or tells of cost: nothing of this scenario
        expected = any(span.alert == name for span in fired.expected)
        doubtful = any(span.alert == name for span in fired.open)
        yield AlertBar(alert=name, expected=expected, doubtful=doubtful, spans=tuple(spans))


def _recoveries(record: Sequence[Event], verdicts: Sequence[Verdict]) -> Iterator[Recovery]:
    start, end = injection(record), end_of(record)
    for verdict in verdicts:
        question = verdict.question or {}
        if question.get("judge") != "recovered_within" or start is None or end is None:
            continue
        arguments = question["arguments"]
        _, changes = workload_changes(record, arguments["workload"], start, end, arguments.get("wanted"))
        yield Recovery(
            workload=arguments["workload"],
            status=verdict.status,
            words=_said(verdict, float(arguments["within_s"])),
            episodes=tuple(find_episodes(changes, until=end, confirm_s=CONFIRM_S)),
        )


def _said(verdict: Verdict, limit_s: float) -> str:
    objective = f"(objective {format_duration(limit_s)})"
    if isinstance(verdict.observed, (int, float)):
        return f"recovered in {format_duration(round(verdict.observed, 2))} {objective}"
    return f"{verdict.observed or verdict.status} {objective}"
