"""Where an alert's time went: from the injection to the notification that it has resolved."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime

from aftershock.judge.alert_record import Labels, Span, read_alerts, subset
from aftershock.judge.record import clock_time
from aftershock.timeline import Event

__all__ = ["AlertTimes", "alert_times", "latency_lines"]


@dataclass(frozen=True, kw_only=True)
class AlertTimes:
    """The stages of one alert; None where the record does not show one.

    `condition` is the proof that the fault landed: from then on what the rule asks for is so
    in the cluster. `active` is the first evaluation that found it so; between the two lie the
    scrape and the evaluation. The notifications are at the webhook's own clock.
    """

    since: datetime
    condition: datetime | None
    active: datetime | None
    firing: datetime
    notified: datetime | None
    resolved: datetime | None
    resolution_notified: datetime | None

    def stages(self) -> list[tuple[str, datetime, float]]:
        """Return (stage, when, seconds since the stage before) for what is known."""
        found: list[tuple[str, datetime, float]] = []
        before = self.since
        for stage, when in (
            ("condition true", self.condition),
            ("active", self.active),
            ("firing", self.firing),
            ("notified", self.notified),
            ("resolved", self.resolved),
            ("resolution notified", self.resolution_notified),
        ):
            if when is not None:
                found.append((stage, when, (when - before).total_seconds()))
                before = when
        return found


def alert_times(events: Sequence[Event], span: Span, since: datetime) -> AlertTimes:
    """Return the stages of the firing `span`, counted from `since`."""
    look = read_alerts(events)
    pending = [
        other
        for other in (look.spans if look else ())
        if other.state == "pending"
        and other.alert == span.alert
        and other.labels == span.labels
        and other.start <= span.start
    ]
    # Without a pending sample (`for: 0`) it was active when it fired.
    active = max(pending, key=lambda other: other.start).start if pending else span.start
    labels = span.named_labels
    return AlertTimes(
        since=since,
        condition=_landed(events, since, active),
        active=active,
        firing=span.start,
        notified=_notified(events, labels, "firing", span.start),
        resolved=span.stop,
        resolution_notified=_notified(events, labels, "resolved", span.stop) if span.stop else None,
    )


def latency_lines(events: Sequence[Event], span: Span, since: datetime) -> list[str]:
    """Return the stages as evidence lines."""
    stages = alert_times(events, span, since).stages()
    return [f"{stage} {clock_time(when)}, {after:+.3f} s" for stage, when, after in stages]


def _landed(events: Iterable[Event], since: datetime, active: datetime) -> datetime | None:
    """When there was first proof of a fault, if that was before the alert became active.

    A proof that took longer than Prometheus to see it says nothing of when it became so.
    """
    proofs = [event.at for event in events if event.source == "harness" and event.kind == "landed"]
    return min((at for at in proofs if since <= at <= active), default=None)


def _notified(events: Iterable[Event], labels: Labels, status: str, after: datetime) -> datetime | None:
    """When the webhook first heard of the alert in that state."""
    heard = [
        event.at
        for event in events
        if event.kind == "notification"
        and event.at >= after
        and any(
            alert["status"] == status and subset(labels, alert["labels"]) for alert in event.data["alerts"]
        )
    ]
    return min(heard, default=None)
