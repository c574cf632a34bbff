"""What fired in a scenario, as rows: when, against the forecast, who was told, when it was over.

A false alarm is a firing that no step of the scenario expected, in a scenario that says which may fire.
Matters of cost and what was firing before are neither alarms nor false ones (`expected_alerts.Fired`).
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import groupby

from aftershock.clock import from_rfc3339
from aftershock.forecast.beat import Bounds
from aftershock.judge.alert_record import AlertRecord, Labels, Span, read_alerts
from aftershock.judge.expected_alerts import sort_out
from aftershock.judge.forecast_record import foreseen
from aftershock.judge.notifications import told_of
from aftershock.judge.record import beginning
from aftershock.timeline import Event
from aftershock.verdict import Verdict

__all__ = ["Alarms", "AlertRow", "alarms_of", "alert_rows", "wanted_alerts"]

_OF_AN_ALERT = frozenset(
    {"fired_within", "resolved_within", "notified_within", "heard_of_the_end_within", "held_back"}
)
_OF_SILENCE = "nothing_else_fired"


@dataclass(frozen=True, kw_only=True)
class AlertRow:
    """One alert in one scenario: the first of its firings that somebody expected, or nobody did.

    `fired_s` counts from the injection, without one from the load; `forecast` likewise. `told`, by
    receiver, and `ended_s` count from the firing. None is what the record does not show.
    """

    alert: str
    expected: bool
    fired_s: float | None
    forecast: Bounds | None
    told: Mapping[str, float]
    ended_s: float | None
    firings: int


@dataclass(frozen=True, kw_only=True)
class Alarms:
    """How many firings there were, and how many of them nobody expected."""

    all: int
    false: int


def alert_rows(events: Iterable[Event], verdicts: Iterable[Verdict]) -> list[AlertRow]:
    """Return a row for every alert that fired in the record, in order of time."""
    record = list(events)
    look = read_alerts(record)
    if look is None:
        return []
    wanted = list(wanted_alerts(verdicts))
    fired = sort_out(record, look, expected=wanted, start=look.since, end=look.until)
    rows = [
        _row(record, list(spans), expected=expected)
        for expected, found in ((True, fired.expected), (False, [*fired.foreign, *fired.open]))
        for _, spans in groupby(sorted(found, key=lambda span: span.alert), key=lambda span: span.alert)
    ]
    return sorted(rows, key=lambda row: (row.fired_s is None, row.fired_s or 0.0, row.alert))


def alarms_of(events: Iterable[Event], verdicts: Iterable[Verdict]) -> Alarms | None:
    """Count the alarms of a scenario that says which alerts may fire; None of another, or without a look."""
    record, given = list(events), list(verdicts)
    look = read_alerts(record)
    silence = [verdict for verdict in given if _judge(verdict) == _OF_SILENCE]
    if look is None or not silence:
        return None
    start, end = _window(silence[-1], look)
    fired = sort_out(record, look, expected=list(wanted_alerts(given)), start=start, end=end)
    return Alarms(all=len(fired.expected) + len(fired.foreign), false=len(fired.foreign))


def _row(record: Sequence[Event], spans: Sequence[Span], *, expected: bool) -> AlertRow:
    first = min(spans, key=lambda span: span.start)
    begun = beginning(record)
    after = begun is not None and first.start >= begun.at
    return AlertRow(
        alert=first.alert,
        expected=expected,
        fired_s=(first.start - begun.at).total_seconds() if begun and after else None,
        forecast=foreseen(record, alert=first.alert, start=begun.at) if begun and after else None,
        told={name: (at - first.start).total_seconds() for name, at in told_of(record, first).items()},
        ended_s=(first.stop - first.start).total_seconds() if first.stop else None,
        firings=len(spans),
    )


def wanted_alerts(verdicts: Iterable[Verdict]) -> Iterator[Labels]:
    """Yield what the steps expected, as `sort_out` takes it."""
    for verdict in verdicts:
        arguments = (verdict.question or {}).get("arguments", {})
        if _judge(verdict) in _OF_AN_ALERT:
            yield {"alertname": arguments["alert"], "of": arguments.get("of", "")}
        elif _judge(verdict) == _OF_SILENCE:
            for item in arguments.get("expected", ()):
                yield {"alertname": item} if isinstance(item, str) else item


def _window(verdict: Verdict, look: AlertRecord) -> tuple[datetime, datetime]:
    arguments = (verdict.question or {}).get("arguments", {})
    since, until = arguments.get("since"), arguments.get("until")
    return (from_rfc3339(since) if since else look.since, from_rfc3339(until) if until else look.until)


def _judge(verdict: Verdict) -> str:
    return str((verdict.question or {}).get("judge", ""))
