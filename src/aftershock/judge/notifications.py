"""Whether those were told of an alert who have to be, and who was not to be told was not.

From the notifications that the webhook received, at its own clock. That one is missing counts only while
Alertmanager and the webhook could be asked, and no receiver failed.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime
from typing import Any

from aftershock.clock import format_duration
from aftershock.judge.alert_record import AlertRecord, Span, read_alerts, subset
from aftershock.judge.concern import admits
from aftershock.judge.record import beginning, clock_time, within_bound
from aftershock.timeline import Event
from aftershock.verdict import Verdict, met, unknown, violated

__all__ = ["heard_of_the_end_within", "held_back", "notified_within", "told_of"]

_NO_LOOK = "the record has no look back at Prometheus' alerts"


def notified_within(
    events: Iterable[Event], *, alert: str, receiver: str, within_s: float, of: str = ""
) -> Verdict:
    """Judge whether `receiver` was told that `alert` fires within `within_s` of its firing.

    The firing that counts is the first one since the injection that speaks of what the faults hit, or of
    the workload `of`.
    """
    return _told(list(events), alert=alert, receiver=receiver, within_s=within_s, of=of, status="firing")


def heard_of_the_end_within(
    events: Iterable[Event], *, alert: str, receiver: str, within_s: float, of: str = ""
) -> Verdict:
    """Judge whether `receiver` was told that `alert` is over within `within_s` of its end."""
    return _told(list(events), alert=alert, receiver=receiver, within_s=within_s, of=of, status="resolved")


def held_back(events: Iterable[Event], *, alert: str, of: str = "") -> Verdict:
    """Judge whether `alert` fired and nobody was told, because Alertmanager inhibited it."""
    record = list(events)
    name = f"{_shown(alert, of)} is held back"
    details: dict[str, Any] = {
        "expected": "firing, inhibited in Alertmanager, and no notification",
        "query": "GET /api/v2/alerts; the webhook's log",
    }
    span, reason = _firing(record, alert, of)
    if span is None:
        return unknown(name, reason=reason, **details)
    told = [event for event in _notifications(record) if _speaks_of(event, span, "firing")]
    held = [
        event
        for event in record
        if event.kind == "am-alerts"
        and any(
            subset(span.labels, known["labels"]) and known["inhibited_by"] for known in event.data["alerts"]
        )
    ]
    details["evidence"] = (str(span), *(_line(event) for event in told))
    if told:
        receivers = ", ".join(sorted({event.data["receiver"] for event in told}))
        return violated(name, observed=f"told: {receivers}", reason=_line(told[0]), **details)
    doubts = list(_doubts(record))
    if doubts or not held:
        reason = doubts[0] if doubts else "Alertmanager was not seen to inhibit it"
        return unknown(name, reason=reason, **details)
    return met(name, observed=f"inhibited, seen {clock_time(held[0].at)}", **details)


def told_of(record: Iterable[Event], span: Span) -> dict[str, datetime]:
    """Return who was told that `span` fires, and when first."""
    told: dict[str, datetime] = {}
    for event in _notifications(record):
        if _speaks_of(event, span, "firing"):
            told.setdefault(event.data["receiver"], event.at)
    return told


def _told(
    record: Sequence[Event], *, alert: str, receiver: str, within_s: float, of: str, status: str
) -> Verdict:
    what = "is told" if status == "firing" else "hears of the end"
    name = f"{receiver} {what} of {_shown(alert, of)} within {format_duration(within_s)}"
    details: dict[str, Any] = {
        "expected": f"a notification, {status}, within {format_duration(within_s)}",
        "query": "the webhook's log",
    }
    span, reason = _firing(record, alert, of)
    start = None if span is None else span.start if status == "firing" else span.stop
    if span is None or start is None:
        return unknown(name, reason=reason or "it is still firing", **details)
    all_told = [event for event in _notifications(record) if _speaks_of(event, span, status)]
    told = [event for event in all_told if event.data["receiver"] == receiver]
    details["evidence"] = (str(span), *(_line(event) for event in all_told))
    look = read_alerts(record)
    resolution_s = look.resolution_s if look else 0.0
    resolution_s += span.interval_s / 2 if status == "resolved" else 0.0
    if told:
        took = (told[0].at - start).total_seconds()
        return within_bound(name, observed=took, limit_s=within_s, resolution_s=resolution_s, **details)
    doubts = list(_doubts(record))
    known_s = (record[-1].at - start).total_seconds()
    if not doubts and known_s < within_s + resolution_s:
        doubts.append(f"the record ends after {format_duration(known_s)}")
    if doubts:
        return unknown(name, reason=doubts[0], **details)
    others = ", ".join(sorted({event.data["receiver"] for event in all_told}))
    reason = f"only {others} was told" if others else "nobody was told"
    return violated(name, observed="not told", reason=reason, **details)


def _firing(record: Sequence[Event], alert: str, of: str) -> tuple[Span | None, str]:
    """Return the firing that counts, or why there is none."""
    look, begun = read_alerts(record), beginning(record)
    if look is None:
        return None, _NO_LOOK
    if not look.rules(alert):
        return None, f"no loaded rule is called {alert}"
    admit = admits(record, of=of)
    spans = [span for span in look.firing(alert) if admit(span.labels)]
    spans = [span for span in spans if begun is None or span.start > begun.at]
    if not spans:
        return None, f"{alert} did not fire, so nobody could be told"
    return _first_told(record, look, spans), ""


def _first_told(record: Sequence[Event], look: AlertRecord, spans: Sequence[Span]) -> Span:
    """Return the first of several; of those that began together, one that somebody was told of."""
    together = [span for span in spans if (span.start - spans[0].start).total_seconds() <= look.resolution_s]
    told = [span for span in together if any(_speaks_of(e, span, "firing") for e in _notifications(record))]
    return (told or together)[0]


def _notifications(record: Iterable[Event]) -> Iterator[Event]:
    yield from (event for event in record if event.source == "alertmanager" and event.kind == "notification")


def _speaks_of(event: Event, span: Span, status: str) -> bool:
    return event.at >= span.start and any(
        alert["status"] == status and subset(span.named_labels, alert["labels"])
        for alert in event.data["alerts"]
    )


def _doubts(record: Iterable[Event]) -> Iterator[str]:
    """Say why a notification that is missing may have been sent, or could not be."""
    looks = [event for event in record if event.kind == "deliveries"]
    if not looks:
        yield "the record does not show whether the webhook could be asked"
        return
    seen: dict[str, str] = {}
    for look in looks:
        seen |= look.data["problems"]
    # The last look decides whether the log was read to its end; a failure counts whenever it was.
    now = looks[-1].data["problems"]
    yield from (seen[what] for what in ("prometheus", "receivers") if what in seen)
    yield from (now[what] for what in ("webhook", "alertmanager") if what in now)


def _line(event: Event) -> str:
    return f"{event.data['receiver']} was told {event.data['status']} at {clock_time(event.at)}"


def _shown(alert: str, of: str) -> str:
    return f"{alert} for {of}" if of else alert
