"""The look back at Prometheus' alerts, as the judges read it.

The spans come from raw ALERTS samples: an alert turns firing at the evaluation that wrote
its first firing sample, to Prometheus' own millisecond, and stops at the first evaluation
that writes none, one interval after its last sample.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from aftershock.clock import from_rfc3339
from aftershock.judge.record import clock_time
from aftershock.timeline import Event

__all__ = ["AlertRecord", "Labels", "Span", "read_alerts", "subset"]

Labels = Mapping[str, str]

# What the rules on objects of the cluster go by, and the job that alone has it: while it is down, such a
# rule is evaluated all the same, over nothing or over what was.
_OF_OBJECTS = "kube_"
_OBJECTS_JOB = "kube-state-metrics"

_LATE = 1.5
"""An evaluation is late by less than half its interval; beyond that it did not happen."""


@dataclass(frozen=True, kw_only=True)
class Span:
    """A time through which one alert was pending or firing.

    `start` is exact in Prometheus' clock. `stop` is the evaluation that ended it, at most
    `interval_s` off; None while it had not ended in the record.
    """

    alert: str
    labels: Labels
    state: str
    start: datetime
    last: datetime
    stop: datetime | None
    interval_s: float
    active_at: datetime | None

    @property
    def named_labels(self) -> dict[str, str]:
        """Its labels, its name among them."""
        return {**self.labels, "alertname": self.alert}

    def __str__(self) -> str:
        labels = ((name, value) for name, value in sorted(self.labels.items()) if name != "alertname")
        shown = ", ".join(f'{name}="{value}"' for name, value in labels)
        end = clock_time(self.stop) if self.stop else "the end of the record"
        return f"{self.alert}{{{shown}}} {self.state} from {clock_time(self.start)} to {end}"


class AlertRecord:
    """One look back, and what was firing before."""

    def __init__(self, event: Event, before: Sequence[Labels]) -> None:
        data = event.data
        self.since = from_rfc3339(data["since"])
        self.until = from_rfc3339(data["until"])
        self.resolution_s = event.resolution_s
        self.groups: Sequence[Mapping[str, Any]] = data["groups"]
        self.before = [dict(labels) for labels in before]
        self.down: Sequence[str] = data["down"]
        self.warnings: Sequence[str] = data["warnings"]
        self.spans = list(self._read(data["alerts"]))

    def _read(self, alerts: Iterable[Mapping[str, Any]]) -> Iterator[Span]:
        for alert in alerts:
            interval = float(alert["interval_s"])
            for span in alert["spans"]:
                last = from_rfc3339(span["until"])
                ended = (self.until - last).total_seconds() > _LATE * interval
                yield Span(
                    alert=alert["alert"],
                    labels=alert["labels"],
                    state=alert["state"],
                    start=from_rfc3339(span["from"]),
                    last=last,
                    stop=last + timedelta(seconds=interval) if ended else None,
                    interval_s=interval,
                    active_at=from_rfc3339(span["active_at"]) if span["active_at"] else None,
                )

    def firing(self, alert: str | None = None, labels: Labels | None = None) -> list[Span]:
        """Return the firing spans of that alert whose labels include `labels`, oldest first."""
        found = (
            span
            for span in self.spans
            if span.state == "firing"
            and (alert is None or span.alert == alert)
            and subset(labels or {}, span.labels)
        )
        return sorted(found, key=lambda span: (span.start, span.alert))

    def rules(self, alert: str) -> list[tuple[Mapping[str, Any], Mapping[str, Any]]]:
        """Return the loaded rules of that name, each with its group."""
        return [(group, rule) for group in self.groups for rule in group["rules"] if rule["alert"] == alert]

    def doubts(self, groups: Iterable[Mapping[str, Any]] | None = None) -> list[str]:
        """Why silence in the window is no proof: evaluations missed, failed, or not known to have been."""
        chosen = self.groups if groups is None else groups
        return [line for group in chosen if group["rules"] for line in self._doubts_of(group)]

    def _down(self, job: str) -> str:
        """Return the target of that job that was down at some time in the window, if there is one."""
        return next((target for target in self.down if target.split(" ")[0] == job), "")

    def _doubts_of(self, group: Mapping[str, Any]) -> Iterator[str]:
        for rule in group["rules"]:
            if rule["health"] != "ok":
                yield f"rule {rule['alert']} is {rule['health']}: {rule['error'] or 'never evaluated'}"
        yield from self._evaluation_doubts(group)
        for rule in group["rules"]:
            if _OF_OBJECTS in rule["query"] and (silent := self._down(_OBJECTS_JOB)):
                yield f"rule {rule['alert']} had no fresh data for some time: {silent} was down"

    def _evaluation_doubts(self, group: Mapping[str, Any]) -> Iterator[str]:
        name, interval = group["group"], float(group["interval_s"])
        if group["evaluations"] is None:
            yield f"how often group {name} was evaluated is not known: Prometheus does not scrape itself"
            return
        if group["missed"]:
            yield f"group {name} missed {group['missed']:g} evaluations"
        if group["failures"]:
            yield f"{group['failures']:g} evaluations of rules in group {name} failed"
        # One more or less depends on where the window begins. Not a number is not enough either.
        if not group["evaluations"] >= group["expected"] - 1:
            yield f"group {name} was evaluated {group['evaluations']:g} times, not {group['expected']:g}"
        last = from_rfc3339(group["last_evaluation"]) if group["last_evaluation"] else None
        if last is None or (self.until - last).total_seconds() > 2 * interval:
            yield f"group {name} was last evaluated at {clock_time(last) if last else 'no time'}"


def read_alerts(events: Iterable[Event]) -> AlertRecord | None:
    """Return the latest look back in the record, or None if none was taken."""
    latest: Event | None = None
    before: Sequence[Labels] = ()
    snapshots = 0
    for event in events:
        if event.kind == "alerts" and event.source == "prometheus":
            latest = event
        elif event.kind == "firing-before" and not snapshots:
            before, snapshots = event.data["alerts"], 1
    return AlertRecord(latest, before) if latest else None


def subset(wanted: Labels, labels: Labels) -> bool:
    """Whether `labels` has everything that `wanted` has."""
    return all(labels.get(name) == value for name, value in wanted.items())
