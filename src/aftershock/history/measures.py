"""The figures of a scenario that have a trend, from its record and its verdicts.

A figure counts where the verdict on it is met or violated, and where it is unknown for nothing but the
bound: so close that the error decides. Other unknown verdicts say that the figure itself is in doubt. What
was spent of an error budget counts where the client watched without a hole, or where only a load asked.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Mapping, Sequence

from aftershock.history.facts import Kind, Measure
from aftershock.judge.alert_record import read_alerts
from aftershock.judge.alert_table import alert_rows
from aftershock.timeline import Event
from aftershock.verdict import Verdict

__all__ = ["measures_of"]

# Judge → what kind of figure it gives, and which of its arguments is the subject.
_JUDGES: Mapping[str, tuple[Kind, str]] = {
    "recovered_within": ("recovery", "workload"),
    "replaced_within": ("recovery", "node"),
    "service_recovered_within": ("recovery", "url"),
    "fired_within": ("alert", "alert"),
}


def measures_of(events: Iterable[Event], verdicts: Iterable[Verdict]) -> list[Measure]:
    """Return the figures of one scenario, at most one of a kind and subject: the worst.

    An alert that somebody expected but that no step held to a time is measured as well.
    """
    record, given = list(events), list(verdicts)
    judged = list(_judged(given))
    seen = _alerts(record, given, but={m.subject for m in judged if m.kind == "alert"})
    found: dict[tuple[Kind, str], Measure] = {}
    for measure in (*judged, *seen, *_budgets(record)):
        key = measure.kind, measure.subject
        if key not in found or _size(measure) > _size(found[key]):
            found[key] = measure
    return list(found.values())


def _judged(verdicts: Iterable[Verdict]) -> Iterator[Measure]:
    for verdict in verdicts:
        question = verdict.question or {}
        kind, argument = _JUDGES.get(question.get("judge", ""), (None, ""))
        if kind is None:
            continue
        subject = f"{'pods of ' if argument == 'node' else ''}{question['arguments'][argument]}"
        if isinstance(verdict.observed, int | float):
            if verdict.status != "unknown" or _only_too_close(verdict, question["arguments"]["within_s"]):
                value, error = float(verdict.observed), verdict.resolution_s
                yield Measure(kind=kind, subject=subject, value=value, unit="s", resolution=error)
        elif verdict.status == "violated":
            # "not recovered …", "did not fire"; where there was "no impact seen" it is not violated.
            yield Measure(kind=kind, subject=subject, value=None, unit="s")


def _only_too_close(verdict: Verdict, within_s: float) -> bool:
    """Say whether nothing is unknown but the side of the bound; both figures are rounded to 1 ms."""
    assert isinstance(verdict.observed, int | float)
    return abs(verdict.observed - within_s) <= verdict.resolution_s + 0.001


def _alerts(record: Sequence[Event], verdicts: Sequence[Verdict], *, but: set[str]) -> Iterator[Measure]:
    look = read_alerts(record)
    for row in alert_rows(record, verdicts) if look else ():
        if look and row.expected and row.fired_s is not None and row.alert not in but:
            value, error = round(row.fired_s, 3), round(look.resolution_s, 3)
            yield Measure(kind="alert", subject=row.alert, value=value, unit="s", resolution=error)


def _budgets(record: Iterable[Event]) -> Iterator[Measure]:
    for event in record:
        if event.kind == "budget" and event.source == "harness" and not event.data["hole"]:
            value, error = event.data["percent"], event.data["error_percent"]
            yield Measure(kind="budget", subject=event.subject, value=value, unit="%", resolution=error)


def _size(measure: Measure) -> float:
    return math.inf if measure.value is None else measure.value
