"""What happened in a scenario, minute by minute: steps, faults, alerts, notifications, pods, Events."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from itertools import groupby

from aftershock.clock import format_duration
from aftershock.report.gameday.model import Entry, Minute
from aftershock.report.plots.course import Course
from aftershock.report.plots.sizes import Sizes
from aftershock.report.record import StepRecord
from aftershock.timeline import Event

__all__ = ["minutes_of", "story_of"]

_MOST_A_MINUTE = 40
_MOST_EVENTS = 12
_TELLING = frozenset({"Evicted", "Killing", "NodeNotReady", "NodeReady", "Preempted", "SuccessfulRescale"})
"""Reasons of Events of severity Normal that tell something; all of severity Warning do."""


def story_of(record: Sequence[Event], course: Course, steps: Iterable[StepRecord]) -> list[Entry]:
    """Return what happened, in order of time, from the beginning of the scenario on."""
    found = [
        *_steps(course, steps),
        *_faults(course),
        *_alerts(course),
        *_notifications(record, course),
        *_pods(course),
        *_loads(record, course),
        *_events(record, course),
    ]
    return sorted(found, key=lambda entry: entry.at)


def minutes_of(story: Sequence[Entry], *, by_fault: bool) -> list[Minute]:
    """Return the story cut into minutes, from the fault on if there was one."""
    minutes: list[Minute] = []
    what = "the fault" if by_fault else "the load"
    for number, entries in groupby(story, key=lambda entry: max(int(entry.seconds // 60), -1)):
        found = list(entries)
        title = f"before {what}" if number < 0 else f"minute {number + 1}"
        left_out = max(len(found) - _MOST_A_MINUTE, 0)
        minutes.append(Minute(title=title, entries=tuple(found[:_MOST_A_MINUTE]), left_out=left_out))
    return minutes


def _steps(course: Course, steps: Iterable[StepRecord]) -> Iterator[Entry]:
    for step in steps:
        if step.began is None:
            continue
        took = format_duration(round(step.seconds or 0.0, 1))
        how = f"({took})" if step.outcome == "passed" else f"({step.outcome} after {took})"
        yield Entry(
            at=step.began,
            seconds=course.seconds(step.began),
            kind="step",
            text=f"{step.text} {how}",
            bad=step.outcome != "passed",
        )


def _faults(course: Course) -> Iterator[Entry]:
    for fault in course.faults:
        name = f"{fault.fault} on {fault.subject}"
        told = [(fault.start, f"injected: {fault.blast_radius or name}")]
        if fault.landed:
            after = format_duration(round((fault.landed - fault.start).total_seconds(), 1))
            told.append((fault.landed, f"proof that {name} landed, after {after}"))
        if fault.undone and fault.lasts:
            told.append((fault.undone, f"{name} is over"))
        for at, text in told:
            yield Entry(at=at, seconds=course.seconds(at), kind="fault", text=text)


def _alerts(course: Course) -> Iterator[Entry]:
    for bar in course.alerts:
        for span in bar.spans:
            if span.start < course.start:
                continue
            word = "fires" if span.state == "firing" else "is pending"
            firing = span.state == "firing"
            unasked = "" if bar.expected or not firing else "; no step speaks of it"
            unasked = "; of which scenario is not known" if firing and bar.doubtful else unasked
            labels = ", ".join(f"{k}={v}" for k, v in sorted(span.labels.items()) if k not in _PLAIN)
            about = f" ({labels})" if labels else ""
            yield Entry(
                at=span.start,
                seconds=course.seconds(span.start),
                kind="alert",
                text=f"{bar.alert} {word}{about}{unasked}",
                bad=firing and not bar.expected and not bar.doubtful,
            )
            if firing and span.stop:
                after = format_duration(round((span.stop - span.start).total_seconds()))
                text = f"{bar.alert} no longer fires{about}, after {after}"
                yield Entry(at=span.stop, seconds=course.seconds(span.stop), kind="alert", text=text)


_PLAIN = frozenset({"alertname", "severity", "signal", "category", "prometheus", "job", "instance"})


def _notifications(record: Sequence[Event], course: Course) -> Iterator[Entry]:
    shown = {bar.alert for bar in course.alerts}
    seen = set()  # two looks back may tell of one notification
    for event in record:
        if event.kind != "notification" or event.at < course.start:
            continue
        receiver = event.data["receiver"]
        said = {(alert["status"], alert["labels"].get("alertname", "")) for alert in event.data["alerts"]}
        for status, alert in sorted(said):
            if alert in shown and (event.at, receiver, status, alert) not in seen:
                seen.add((event.at, receiver, status, alert))
                text = f"{receiver} is told: {alert} {status}"
                yield Entry(at=event.at, seconds=course.seconds(event.at), kind="told", text=text)


def _pods(course: Course) -> Iterator[Entry]:
    for one in course.sizes:
        yield from _sizes(course, one)


def _sizes(course: Course, one: Sizes) -> Iterator[Entry]:
    name = one.workload.rpartition("/")[2]
    wanted, lacks_since = one.points[0].wanted, None
    for point in one.points:
        if point.wanted is None:
            continue
        seconds = course.seconds(point.at)
        told = point.at >= course.start
        if wanted is not None and point.wanted != wanted and told:
            text = f"{name}: {wanted} → {point.wanted} replicas wanted"
            yield Entry(at=point.at, seconds=seconds, kind="pods", text=text)
        wanted = point.wanted
        lacks = point.ready < point.wanted
        state = f"{point.ready} of {point.wanted} Ready"
        if lacks and lacks_since is None:
            lacks_since = point.at
            if told:
                yield Entry(at=point.at, seconds=seconds, kind="pods", text=f"{name}: {state}")
        elif lacks_since is not None and not lacks:
            after = format_duration(round((point.at - lacks_since).total_seconds(), 1))
            lacks_since = None
            if told:
                text = f"{name}: {state} again, after {after}"
                yield Entry(at=point.at, seconds=seconds, kind="pods", text=text)


def _loads(record: Sequence[Event], course: Course) -> Iterator[Entry]:
    for event in record:
        if event.kind == "load-started":
            text = f"{event.subject} starts: {event.data['model']} model, on {event.data['host']}"
        elif event.kind == "load-ended":
            text = f"{event.subject} ends: {event.data['failures']} of {event.data['requests']} failed"
        elif event.kind == "load-broken":
            text = f"{event.subject} broke: {event.data['reason']}"
        else:
            continue
        bad = event.kind == "load-broken"
        yield Entry(at=event.at, seconds=course.seconds(event.at), kind="load", text=text, bad=bad)


def _events(record: Sequence[Event], course: Course) -> Iterator[Entry]:
    """Yield the Events that tell something, of several of one reason about one workload the first."""
    seen: set[tuple[str, str]] = set()
    for event in record:
        data = event.data
        if event.source != "kubernetes" or event.kind != "event" or data.get("type") == "LISTED":
            continue
        told = data["severity"] == "Warning" or data["reason"] in _TELLING
        about = event.subject.rpartition("/")[2]
        key = (data["reason"], about.rsplit("-", 2)[0])
        if not told or event.at < course.start or key in seen or len(seen) >= _MOST_EVENTS:
            continue
        seen.add(key)
        message = " ".join(str(data["message"]).split())
        shown = message if len(message) <= 160 else f"{message[:159]}…"  # noqa: PLR2004 - a line or two
        text = f"{data['reason']}, {event.subject}: {shown}"
        yield Entry(at=event.at, seconds=course.seconds(event.at), kind="event", text=text)
