"""What nobody asked for: alerts, missing proof, undos that did not go well, damage beside the target."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from aftershock.clock import format_duration
from aftershock.judge.alert_table import AlertRow
from aftershock.judge.attribution import Attribution
from aftershock.judge.record import not_landed
from aftershock.report.gameday.model import Surprise
from aftershock.report.plots.course import Course
from aftershock.report.record import ScenarioRecord
from aftershock.timeline import Event
from aftershock.verdict import Verdict

__all__ = ["Seen", "surprises_of"]

_OUTSIDE = "outside of it"
_LEAST_LACK_S = 0.5  # what lasted less may be the order in which two watches told of it


@dataclass(frozen=True, kw_only=True)
class Seen:
    """What there is to read of a scenario that ended."""

    slug: str
    record: ScenarioRecord
    events: Sequence[Event]
    verdicts: Sequence[Verdict]
    alerts: Sequence[AlertRow]
    course: Course | None


def surprises_of(seen: Seen) -> list[Surprise]:
    """Return everything of a scenario that its steps did not ask for."""
    told = [
        *_alerts(seen.alerts),
        *_doubtful(seen.course),
        *_verdicts(seen.verdicts),
        *(("proof", line) for line in not_landed(seen.events)),
        *_undo(seen),
        *_beside(seen),
        *_gaps(seen.events),
    ]
    return [
        Surprise(slug=seen.slug, scenario=seen.record.name, kind=kind, text=text)
        for kind, text in dict.fromkeys(told)
    ]


def _alerts(rows: Sequence[AlertRow]) -> Iterator[tuple[str, str]]:
    for row in rows:
        if row.expected:
            continue
        after = "" if row.fired_s is None else f", {format_duration(round(row.fired_s, 1))} after the fault"
        told = f"; told: {', '.join(sorted(row.told))}" if row.told else "; nobody was told"
        yield "alert", f"{row.alert} fired{after}, and no step speaks of it{told}"


def _doubtful(course: Course | None) -> Iterator[tuple[str, str]]:
    for bar in course.alerts if course else ():
        if bar.doubtful:
            yield "alert", f"{bar.alert} fired, and of which of the scenarios side by side is not known"


def _verdicts(verdicts: Sequence[Verdict]) -> Iterator[tuple[str, str]]:
    for verdict in verdicts:
        if verdict.status == "unknown":
            yield "not known", f"{verdict.name}: {verdict.reason or 'the evidence allows no verdict'}"
        for line in verdict.evidence:
            if line.startswith("forecast") and line.endswith(_OUTSIDE):
                yield "forecast", f"{verdict.name}: {line}"


def _undo(seen: Seen) -> Iterator[tuple[str, str]]:
    if seen.record.outcome == "broken":
        yield "broken", seen.record.message.partition("\n")[0] or "the harness, not the objective"
    for fault in seen.course.faults if seen.course else ():
        if fault.undone is None:
            yield "undo", f"there is no proof that {fault.fault} on {fault.subject} was undone"


def _beside(seen: Seen) -> Iterator[tuple[str, str]]:
    """Yield the workloads that were hurt though neither a fault nor a verdict names them, nor a node."""
    course = seen.course
    hit = [fault for fault in course.faults if not fault.setting] if course else []
    if course is None or not hit or any(fault.subject.startswith("node/") for fault in hit):
        return
    beside = [needs for found in Attribution.of(seen.events).others.values() for needs in found]
    for one in course.sizes:
        short, plain = one.workload.rpartition("/")[2], one.workload.partition("/")[2]
        if one.named or one.lacking_s < _LEAST_LACK_S or _named(short, seen):
            continue
        if any(needs.names(plain) for needs in beside):
            continue  # what another scenario did at the time
        lacked = format_duration(round(one.lacking_s, 1))
        yield "beside", f"{one.workload} had fewer pods Ready than wanted for {lacked}, and is no target"


def _named(workload: str, seen: Seen) -> bool:
    """Whether a step, a fault's blast radius or a verdict speaks of the workload."""
    texts = [step.text for step in seen.record.steps]
    texts += [fault.blast_radius for fault in seen.course.faults] if seen.course else []
    texts += [verdict.name for verdict in seen.verdicts]
    return any(workload in text for text in texts)


def _gaps(events: Sequence[Event]) -> Iterator[tuple[str, str]]:
    for event in events:
        if event.kind == "gap":
            yield "gap", f"nothing is known of {event.subject} for a while: {event.data['reason']}"
