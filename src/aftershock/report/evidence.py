"""What is made of a scenario's record for a reader: a picture, its verdicts, the Events of the target.

It is written into the scenario's folder, from the files there alone; the report attaches what is there.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path

from aftershock.clock import rfc3339
from aftershock.judge.record import beginning
from aftershock.report.gameday.render import verdicts_as_html
from aftershock.report.plots.course import Course, course_of
from aftershock.report.plots.timeline import timeline_plot
from aftershock.report.record import Recorded
from aftershock.report.secrets import redact
from aftershock.timeline import Event

__all__ = ["EVENTS", "PLOT", "TABLE", "write_evidence"]

PLOT, TABLE, EVENTS = "timeline.svg", "verdicts.html", "events.txt"


def write_evidence(folder: Path, *, name: str) -> None:
    """Write timeline.svg, verdicts.html and events.txt, each where the record in `folder` has what it takes.

    Raises:
        UsageError: a file of the record cannot be read.

    """
    verdicts, events = Recorded.verdicts(folder), list(Recorded.events(folder))
    if verdicts:
        (folder / TABLE).write_text(verdicts_as_html(verdicts, name=name), encoding="utf-8")
    course = course_of(events, verdicts)
    if course is None:
        return
    (folder / PLOT).write_text(timeline_plot(course, name=name), encoding="utf-8")
    if lines := list(_events(events, course)):
        (folder / EVENTS).write_text("\n".join([*lines, ""]), encoding="utf-8")


def _events(record: Sequence[Event], course: Course) -> Iterator[str]:
    """Yield the Events of the targets' namespaces, and of nodes, from the fault (or the load) on."""
    begun = beginning(record)
    near = set(_namespaces(course))
    for event in record:
        data = event.data
        if event.source != "kubernetes" or event.kind != "event" or data.get("type") == "LISTED":
            continue
        if begun and event.at < begun.at:
            continue
        if data["namespace"] in near or event.subject.startswith("node/"):
            message = " ".join(str(data["message"]).split())
            count = f" (x{data['count']})" if data["count"] > 1 else ""
            told = f"{data['severity']:<8}{data['reason']}{count}  {event.subject}: {message}"
            yield f"{rfc3339(event.at)}  {redact(told)}"


def _namespaces(course: Course) -> Iterable[str]:
    """Yield the namespaces of what was harmed, and of what a verdict speaks of."""
    for one in course.sizes:
        if one.named or one.lacking_s:
            yield one.workload.split("/")[1]
    for fault in course.faults:
        parts = fault.subject.split("/")
        if len(parts) == 3:  # noqa: PLR2004 - kind, namespace, name
            yield parts[1]
