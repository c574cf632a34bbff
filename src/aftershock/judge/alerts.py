"""Whether the expected alerts fired and resolved, and nothing else did.

Judged from raw ALERTS samples over the whole window. Silence counts only where the rule is
loaded, sound, and was evaluated throughout; otherwise the verdict is unknown, never "did
not fire".
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Any

from aftershock.clock import format_duration
from aftershock.judge.alert_record import AlertRecord, Labels, Span, read_alerts
from aftershock.judge.alert_times import latency_lines
from aftershock.judge.attribution import Attribution
from aftershock.judge.concern import admits
from aftershock.judge.expected_alerts import sort_out
from aftershock.judge.forecast_record import forecast_lines
from aftershock.judge.record import beginning, clock_jumps, clock_time, not_landed, within_bound
from aftershock.timeline import Event
from aftershock.verdict import Verdict, met, unknown, violated

__all__ = ["fired_within", "nothing_else_fired", "resolved_within"]

_NO_LOOK = "the record has no look back at Prometheus' alerts"
_NOBODYS = "other scenarios ran at the same time, and its labels do not tell whose it is"
_NO_START = "the record shows no injection to count from, and no load"


def fired_within(
    events: Iterable[Event],
    *,
    alert: str,
    within_s: float,
    of: str = "",
    labels: Labels | None = None,
    since: datetime | None = None,
) -> Verdict:
    """Judge whether `alert`, with at least those labels, fired within `within_s` of `since`.

    It counts where it speaks of the workload `of`, else of what the faults hit
    (`aftershock.judge.concern`). `since` defaults to the injection, without one to the first load.
    An alert that was firing by then already proves nothing.
    """
    record = list(events)
    name = f"{_shown(alert, labels, of)} fires within {format_duration(within_s)}"
    details: dict[str, Any] = {
        "expected": f"firing within {format_duration(within_s)}",
        "query": f"{_selector(alert, labels)} (raw samples)",
    }
    look, start = read_alerts(record), _start(record, since)
    if look is None or start is None:
        return unknown(name, reason=_NO_LOOK if look is None else _NO_START, **details)
    loaded = look.rules(alert)
    unsure = not_landed(record) + clock_jumps(record, since=start)
    unsure += [] if loaded else [f"no loaded rule is called {alert}"]
    admit = admits(record, of=of)
    spans, unclear = _ours(record, [s for s in look.firing(alert, labels) if admit(s.labels)], of=of)
    unsure += [unclear] if unclear else []
    if unsure:
        return unknown(name, reason=unsure[0], evidence=tuple(unsure), **details)
    old = [span for span in spans if span.start <= start and (span.stop is None or span.stop > start)]
    new = [span for span in spans if span.start > start]
    if old and not new:
        reason = f"it was firing already: {old[0]}"
        return unknown(name, reason=reason, evidence=tuple(map(str, old)), **details)
    if not new:
        return _silent(name, look, alert=alert, start=start, within_s=within_s, details=details)
    took = (new[0].start - start).total_seconds()
    foreseen = forecast_lines(record, alert=alert, start=start, observed_s=took)
    lines = (*map(str, new), *latency_lines(record, new[0], start), *foreseen)
    verdict = within_bound(
        name, observed=took, limit_s=within_s, resolution_s=look.resolution_s, evidence=lines, **details
    )
    doubts = look.doubts(group for group, _ in loaded)
    if verdict.status == "violated" and doubts:
        return unknown(name, observed=round(took, 3), unit="s", reason=doubts[0], evidence=lines, **details)
    return verdict


def _silent(
    name: str, look: AlertRecord, *, alert: str, start: datetime, within_s: float, details: dict[str, Any]
) -> Verdict:
    """Judge an alert that has no firing sample since `start`."""
    doubts = look.doubts(group for group, _ in look.rules(alert))
    known_s = (look.until - start).total_seconds()
    if look.since > start:
        doubts.append(f"the look back begins {clock_time(look.since)}, after {clock_time(start)}")
    if known_s < within_s + look.resolution_s:
        doubts.append(f"the look back ends after {format_duration(known_s)}")
    others = tuple(str(span) for span in look.firing(alert))
    pending = tuple(str(span) for span in look.spans if span.alert == alert and span.state == "pending")
    if doubts:
        return unknown(name, reason=doubts[0], evidence=(*doubts, *others, *pending), **details)
    reason = f"no firing sample in {format_duration(known_s)}"
    if others:
        reason += "; it fired with other labels"
    return violated(name, observed="did not fire", reason=reason, evidence=(*others, *pending), **details)


def resolved_within(
    events: Iterable[Event],
    *,
    alert: str,
    within_s: float,
    of: str = "",
    labels: Labels | None = None,
    since: datetime | None = None,
) -> Verdict:
    """Judge whether `alert` stopped firing within `within_s`, counted from its firing or from `since`.

    The firing that counts is the first one after the injection that `fired_within` would
    count. An alert that never fired cannot resolve: unknown.
    """
    record = list(events)
    name = f"{_shown(alert, labels, of)} resolves within {format_duration(within_s)}"
    details: dict[str, Any] = {
        "expected": f"no longer firing {format_duration(within_s)} after "
        + (clock_time(since) if since else "it fired"),
        "query": f"{_selector(alert, labels)} (raw samples)",
    }
    look, start = read_alerts(record), beginning(record)
    if look is None:
        return unknown(name, reason=_NO_LOOK, **details)
    admit = admits(record, of=of)
    spans = [
        span
        for span in look.firing(alert, labels)
        if (start is None or span.start > start.at) and admit(span.labels)
    ]
    spans, unclear = _ours(record, spans, of=of)
    if not spans:
        return unknown(name, reason=unclear or "it never fired, so it could not resolve", **details)
    first, last = spans[0], spans[-1]
    stages = latency_lines(record, first, start.at if start else first.start)
    details["evidence"] = (*map(str, spans), *stages)
    begin = since or first.start
    doubts = not_landed(record) + look.doubts(group for group, _ in look.rules(alert))
    if doubts:
        return unknown(name, reason=doubts[0], **details)
    open_spans = [span for span in spans if span.stop is None]
    known_s = (look.until - begin).total_seconds()
    resolution_s = last.interval_s / 2 + look.resolution_s
    if not open_spans and last.stop:
        took = (last.stop - begin).total_seconds()
        return within_bound(name, observed=took, limit_s=within_s, resolution_s=resolution_s, **details)
    if known_s - resolution_s > within_s:
        reason = f"still firing after {format_duration(known_s)}"
        return violated(name, observed=reason, reason=reason, **details)
    reason = f"still firing when the look back ends, after {format_duration(known_s)}"
    return unknown(name, reason=reason, **details)


def nothing_else_fired(
    events: Iterable[Event],
    *,
    expected: Iterable[str | Labels] = (),
    since: datetime | None = None,
    until: datetime | None = None,
) -> Verdict:
    """Judge whether only `expected` alerts fired from `since` (the injection) to `until`.

    An expected alert is a name, or labels that it must have (`alertname` among them; `of` is
    no label but the workload that it must speak of). It is expected where `fired_within`
    would count it: the same alert for something else is another alert. Pending ones do not
    count, nor do those that were firing before, nor matters of cost (`expected_alerts.Fired`);
    the evidence names them.
    """
    record = list(events)
    wanted = [{"alertname": item} if isinstance(item, str) else dict(item) for item in expected]
    named = ", ".join(sorted({labels.get("alertname", "?") for labels in wanted}))
    name = f"no alert other than {named} fires" if named else "no alert fires"
    details: dict[str, Any] = {
        "expected": f"only {named}" if named else "none",
        "query": 'ALERTS{alertstate="firing"} (raw samples over the whole window)',
    }
    look, start = read_alerts(record), _start(record, since)
    if look is None or start is None:
        return unknown(name, reason=_NO_LOOK if look is None else _NO_START, **details)
    end = until or look.until
    details["resolution_s"] = round(look.resolution_s, 3)
    fired = sort_out(record, look, expected=wanted, start=start, end=end)
    notes = (
        *(f"exempt, was firing before: {span}" for span in fired.exempt),
        *(f"a matter of cost: {span}" for span in fired.costs),
        *(f"of another scenario at that time ({scenario}): {span}" for span, scenario in fired.others),
        *_blind_spots(look),
    )
    if fired.foreign:
        names = ", ".join(sorted({span.alert for span in fired.foreign}))
        return violated(
            name,
            observed=names,
            reason=f"also firing: {names}",
            evidence=(*map(str, fired.foreign), *notes),
            **details,
        )
    doubts = [f"{_NOBODYS}: {span}" for span in fired.open]
    doubts += clock_jumps(record, since=start) + look.doubts()
    if look.since > start or look.until < end:
        doubts.append(
            f"the look back covers {clock_time(look.since)} to {clock_time(look.until)}, "
            f"not {clock_time(start)} to {clock_time(end)}"
        )
    doubts += [f"no loaded rule is called {item['alertname']}" for item in wanted if _stray(look, item)]
    if doubts:
        return unknown(name, reason=doubts[0], evidence=(*doubts, *notes), **details)
    rules = sum(len(group["rules"]) for group in look.groups)
    return met(
        name,
        observed=", ".join(sorted({span.alert for span in fired.expected})) or "none",
        evidence=(
            f"{clock_time(start)} to {clock_time(end)}, {rules} alert rules evaluated throughout",
            *map(str, fired.expected),
            *notes,
        ),
        **details,
    )


def _ours(record: Sequence[Event], spans: list[Span], *, of: str) -> tuple[list[Span], str]:
    """Return the spans that count where scenarios ran side by side; and why not, where nobody can say.

    What labels say of a workload that the step has named needs no attribution.
    """
    sides = Attribution.of(record)
    if of or not sides:
        return spans, ""
    own = [span for span in spans if sides.whose(span.labels) == "own"]
    unclear = [span for span in spans if sides.whose(span.labels) == "open"]
    return own, "" if own or not unclear else f"{_NOBODYS}: {unclear[0]}"


def _stray(look: AlertRecord, labels: Labels) -> bool:
    return "alertname" in labels and not look.rules(labels["alertname"])


def _blind_spots(look: AlertRecord) -> Sequence[str]:
    lines = [f"target down at some time in the window: {target}" for target in look.down]
    return [*lines, *(f"Prometheus warned: {warning}" for warning in look.warnings)]


def _start(record: Sequence[Event], since: datetime | None) -> datetime | None:
    begun = beginning(record)
    return since or (begun.at if begun else None)


def _shown(alert: str, labels: Labels | None, of: str) -> str:
    shown = f"{alert} {dict(labels)}" if labels else alert
    return f"{shown} for {of}" if of else shown


def _selector(alert: str, labels: Labels | None) -> str:
    pairs = {"alertname": alert, "alertstate": "firing", **(labels or {})}
    return "ALERTS{" + ",".join(f'{name}="{value}"' for name, value in pairs.items()) + "}"
