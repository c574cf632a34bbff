"""Whether the HPA scaled to what its formula gives for the metrics that we recorded.

The HPA's own status and events are not asked. Every resize must be one that the formula
admits for a look at that moment, and a resize that the formula demands at every look must
have come.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from aftershock.clock import format_duration
from aftershock.judge.hands import by_hand
from aftershock.judge.hpa_spec import Metric, Spec
from aftershock.judge.record import clock_time, end_of, gaps_within
from aftershock.judge.scaling_looks import DRIFT_S, admissible, broken_rules, demanded, held_by, numbers
from aftershock.judge.scaling_record import LAG_S, Resize, ScalingRecord, Snapshot, read_scaling
from aftershock.judge.scaling_troubles import troubles
from aftershock.timeline import Event
from aftershock.verdict import Verdict, met, unknown, violated

__all__ = ["SYNC_S", "cpu_passed", "scaled_by_formula"]

SYNC_S = 15.0
"""How often the HPA controller looks (its flag's default)."""

_TOLERANCE = 0.1
_GRID_S = 1.0


@dataclass(frozen=True, kw_only=True)
class _Window:
    since: datetime
    until: datetime
    sync_s: float


def scaled_by_formula(  # noqa: PLR0911 - a reason for each thing that can be missing or wrong
    events: Iterable[Event],
    *,
    hpa: str,
    since: datetime,
    until: datetime | None = None,
    sync_s: float = SYNC_S,
    tolerance: float = _TOLERANCE,
    expect_scale_up: bool = True,
) -> Verdict:
    """Judge every resize from `since` on against the formula, and that the demanded ones came.

    `hpa` is "hpa/NS/NAME"; it may go by CPU, memory and metrics of the pods' own. The record should begin one
    scale-up stabilisation window before the load. With `expect_scale_up` a load for which the
    formula never asks for more, or may get no more, is unknown: it proves nothing.
    """
    record = list(events)
    name = f"{hpa} scales as its formula says"
    details: dict[str, Any] = {
        "expected": "every resize is what the formula gives for the recorded CPU, and none is missing",
        "query": f"GET /apis/metrics.k8s.io/v1beta1/namespaces/{hpa.split('/')[1]}/pods; watch deployments",
    }
    look = read_scaling(record, hpa, since=since, until=until, tolerance=tolerance)
    if isinstance(look, str):
        return unknown(name, reason=look, **details)
    window = _Window(since=since, until=_end(record, hpa, until), sync_s=sync_s)
    holes = _holes(record, hpa, since - _memory(look.spec), window.until)
    resizes = [resize for resize in look.resizes if since <= resize.when.at <= window.until]
    details["observed"] = _course(look, resizes, window)
    details["unit"] = "replicas"
    details["resolution_s"] = round(look.poll_s + LAG_S, 3)
    if holes:
        return unknown(name, reason=holes[0], evidence=tuple(holes), **details)
    if strangers := by_hand(record, hpa, resizes):
        first = f"{strangers[0]} at {clock_time(strangers[0].when.at)}"
        reason = f"{first} was not the HPA's: somebody else set it"
        return unknown(name, reason=reason, evidence=tuple(map(str, strangers)), **details)
    checked = [(resize, admissible(look, resize, sync_s)) for resize in resizes]
    lines = [_resize_line(look, resize, allowed, sync_s) for resize, allowed in checked]
    wrong = [(resize, allowed) for resize, allowed in checked if resize.after not in allowed]
    if wrong:
        resize, allowed = wrong[0]
        reason = f"{resize} at {clock_time(resize.when.at)}: the formula admits {numbers(allowed)}"
        broken = broken_rules(look, resize, sync_s)
        reason += f"; it is as if without {' or '.join(broken)}" if broken else ""
        return violated(name, reason=reason, evidence=tuple(lines), **details)
    overdue = _overdue(look, window)
    if overdue:
        return violated(name, reason=overdue, evidence=(*lines, overdue), **details)
    capped = _capped(look, window)
    if expect_scale_up and not any(resize.after > resize.before for resize in resizes):
        wrong_with = troubles(record, hpa=hpa, since=since, until=window.until)
        reason = str(wrong_with[0]) if wrong_with else ""
        reason = reason or capped or f"the formula never asked for more replicas; {_peak_line(look, window)}"
        return unknown(name, reason=reason, evidence=tuple(lines), **details)
    notes = (capped,) if capped else ()
    return met(name, evidence=(*lines, *notes, _peak_line(look, window)), **details)


def cpu_passed(
    events: Iterable[Event],
    *,
    hpa: str,
    percent: float,
    since: datetime,
    until: datetime | None = None,
) -> Verdict:
    """Judge whether the CPU utilisation of the HPA's pods rose above `percent` of their requests."""
    record = list(events)
    name = f"CPU of {hpa} passes {percent:g} %"
    details: dict[str, Any] = {
        "expected": f"above {percent:g} % of the requests",
        "query": f"GET /apis/metrics.k8s.io/v1beta1/namespaces/{hpa.split('/')[1]}/pods",
        "unit": "%",
    }
    look = read_scaling(record, hpa, since=since, until=until, tolerance=_TOLERANCE)
    if isinstance(look, str):
        return unknown(name, reason=look, **details)
    end = _end(record, hpa, until)
    during = [s for s in look.snapshots if since <= s.when.at <= end]
    # A sample from before says nothing of that time, however late it is still served.
    seen = [(s.since(since).percent(), s.when) for s in during]
    known = [(value, when) for value, when in seen if value is not None]
    details["resolution_s"] = round(look.poll_s, 3)
    if not known:
        return unknown(name, reason="no CPU sample was recorded in that time", **details)
    top, top_when = max(known, key=lambda item: item[0])
    above = [(value, when) for value, when in known if value > percent]
    if above:
        value, when = above[0]
        lines = (
            f"{value} % at {clock_time(when.at)}, {(when.at - since).total_seconds():.1f} s after the start",
            f"highest: {top} % at {clock_time(top_when.at)}",
        )
        return met(name, observed=top, evidence=lines, **details)
    holes = _holes(record, hpa, since, end)
    if holes:
        return unknown(name, observed=top, reason=holes[0], evidence=tuple(holes), **details)
    return violated(name, observed=top, reason=f"the highest was {top} %", **details)


def _end(record: Sequence[Event], hpa: str, until: datetime | None) -> datetime:
    """Return where the record of samples and sizes ends."""
    namespace = hpa.split("/")[1]
    ends = [
        end.at
        for resource in ("pod", "deployment", "pod-metrics")
        if (end := end_of(record, observer=("watching", f"{resource}/{namespace}")))
    ]
    return min([*ends, until] if until else ends)


def _holes(record: Sequence[Event], hpa: str, since: datetime, until: datetime) -> list[str]:
    resources = ("pod", "deployment", "hpa", "pod-metrics", "pod-own-metric")
    return gaps_within(record, resources=resources, since=since, until=until, namespace=hpa.split("/")[1])


def _memory(spec: Spec) -> timedelta:
    """How far back a decision to scale up looks."""
    return timedelta(seconds=spec.behaviour.up.window_s)


def _overdue(look: ScalingRecord, window: _Window) -> str:
    """Say that a scale-up which every look demanded did not come in time; "" if there is none.

    Once every look recommends more, and the policies let it, the first look that has seen
    nothing else for a whole stabilisation window must act.
    """
    patience = look.spec.behaviour.up.window_s + window.sync_s + LAG_S + look.poll_s + 4 * DRIFT_S
    run: tuple[datetime, int] | None = None
    at = window.since
    while at <= window.until:
        replicas = look.replicas_at(at)
        least = demanded(look, at, replicas)
        if least <= replicas:
            run = None
        elif run is None or run[1] != replicas:
            run = (at, replicas)
        elif (at - run[0]).total_seconds() > patience:
            return (
                f"from {clock_time(run[0])} on the formula asked for at least {least} replicas; "
                f"{replicas} were still wanted {format_duration((at - run[0]).total_seconds())} later"
            )
        at += timedelta(seconds=_GRID_S)
    return ""


def _capped(look: ScalingRecord, window: _Window) -> str:
    """Say that the formula asked for more than the maximum allows; "" if it never did."""
    most = look.spec.maximum
    for snapshot in look.during(window.since, window.until):
        if snapshot.replicas < most:
            continue
        at = max(snapshot.when.at, window.since)
        sizes = look.recommendations(at, slack_s=0.0, current=snapshot.replicas) or {None}
        least = min((size for size in sizes if size is not None), default=0)
        if None not in sizes and least > most:
            return f"capped: at {clock_time(at)} the formula asked for {least} replicas, of at most {most}"
    return ""


def _course(look: ScalingRecord, resizes: Sequence[Resize], window: _Window) -> str:
    first = resizes[0].before if resizes else look.replicas_at(window.since)
    sizes = [first, *(resize.after for resize in resizes)]
    return " → ".join(map(str, sizes))


def _resize_line(look: ScalingRecord, resize: Resize, allowed: set[int], sync_s: float) -> str:
    found = look.during(resize.when.at, resize.when.at)
    held = held_by(look, resize, sync_s)
    return (
        f"{clock_time(resize.when.at)} {resize}: formula admits {numbers(allowed)}; "
        + "; ".join(_levels(metric, found) for metric in look.spec.metrics)
        + (f"; {held}" if held else "")
    )


def _levels(metric: Metric, snapshots: Iterable[Snapshot]) -> str:
    known = [level for snapshot in snapshots if (level := snapshot.level(metric)) is not None]
    return f"{metric.title} at {', '.join(metric.shown(level) for level in known) or 'no sample'}"


def _peak_line(look: ScalingRecord, window: _Window) -> str:
    peaks = []
    for metric in look.spec.metrics:
        seen = [snapshot.level(metric) for snapshot in look.during(window.since, window.until)]
        top = max((level for level in seen if level is not None), default=None)
        shown = "unknown" if top is None else metric.shown(top)
        peaks.append(f"highest {metric.title} {shown}; target {metric.shown(metric.target)}")
    return f"{'; '.join(peaks)}, from {look.spec.minimum} to {look.spec.maximum} replicas"
