"""Where the time of a scale-up went, from the load's first request to an answer of the slowest new pod."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import pairwise
from typing import Any

from aftershock.judge.hpa_spec import Metric, Spec
from aftershock.judge.record import Instant, clock_time, elapsed, end_of, gaps_within
from aftershock.judge.scaling_record import ScalingRecord, Snapshot, read_scaling
from aftershock.judge.serving import Added, added_pods
from aftershock.timeline import Event
from aftershock.verdict import Verdict, met, unknown

__all__ = ["Stage", "scaling_accounted_for", "scaling_stages"]

SUM_WITHIN = 0.02
"""The stages have to sum to the whole within this share of it."""


@dataclass(frozen=True, kw_only=True)
class Stage:
    """A stage that was reached at `when`, `took_s` seconds after the one before it."""

    name: str
    when: Instant
    took_s: float
    by: str

    def __str__(self) -> str:
        return (
            f"{self.name:<26} {clock_time(self.when.at)}  {self.took_s:8.3f} s  "
            f"± {self.when.resolution_s:.3f} s  {self.by}"
        )


def scaling_accounted_for(events: Iterable[Event], *, hpa: str, service: str, since: datetime) -> Verdict:
    """Judge whether every stage of the first scale-up after `since` was seen, and they sum to the whole.

    `since` is the load's start, `service` the name of the service of the HPA's target.
    """
    record = list(events)
    name = f"every stage of {hpa}'s scale-up is accounted for"
    details: dict[str, Any] = {
        "expected": f"each stage seen, their sum within {SUM_WITHIN:.0%} of the whole",
        "query": f"watch -n {hpa.split('/')[1]}; metrics.k8s.io; requests by pod",
    }
    found = scaling_stages(record, hpa=hpa, service=service, since=since)
    if isinstance(found, str):
        return unknown(name, reason=found, **details)
    stages, whole_s = found, elapsed(found[0].when, found[-1].when)
    total_s = sum(stage.took_s for stage in stages)
    details |= {
        "evidence": (*map(str, stages), f"sum {total_s:.3f} s, whole {whole_s:.3f} s"),
        "observed": round(whole_s, 3),
        "unit": "s",
        "resolution_s": round(found[0].when.resolution_s + found[-1].when.resolution_s, 3),
    }
    if abs(total_s - whole_s) > SUM_WITHIN * whole_s:
        return unknown(name, reason="the stages do not sum to the whole", **details)
    holes = gaps_within(
        record,
        resources=("hpa", "deployment", "pod", "endpointslice", "pod-metrics"),
        since=since,
        until=stages[-1].when.at,
        namespace=hpa.split("/")[1],
    )
    if holes:
        return unknown(name, reason=holes[0], **details)
    return met(name, **details)


def scaling_stages(
    events: Sequence[Event], *, hpa: str, service: str, since: datetime, tolerance: float = 0.1
) -> list[Stage] | str:
    """Return the stages, of the last of the first scale-up's pods to serve; a text says what is missing."""
    end = end_of(events)
    look = read_scaling(events, hpa, since=since, until=since, tolerance=tolerance)
    if isinstance(look, str) or end is None:
        return look if isinstance(look, str) else "the record is empty"
    load = next((Instant.of(e) for e in events if e.kind == "load-started" and e.at >= since), None)
    if load is None:
        return f"the record shows no load from {clock_time(since)} on"
    resize = next((r for r in look.resizes if r.when.at >= load.at and r.after > r.before), None)
    if resize is None:
        return f"{look.workload} was not scaled up"
    crossed = _crossed(look, load, resize.when)
    if crossed is None:
        return "no sample above the target was seen before the replicas were set"
    pods = [pod for pod in added_pods(events, look.workload, service, since, end) if pod.asked == resize.when]
    pod = _slowest(pods)
    if isinstance(pod, str):
        return pod
    decided = _decided(events, hpa, look.spec, crossed[1], resize.when)
    points = [
        ("load starts", load, "the first request"),
        *zip(
            (f"{crossed[2].title} above the target", "metrics-server shows it"),
            crossed[:2],
            ("the end of the sample", "our poll of the metrics API"),
            strict=True,
        ),
        ("the HPA decides", *decided),
        ("replicas set", resize.when, f"watch: {resize}"),
        *_points(pod),
    ]
    return _in_order(points)


def _points(pod: Added) -> list[tuple[str, Instant, str]]:
    seen = (
        ("scheduled", pod.scheduled, f"watch of {pod.subject}"),
        ("started", pod.started, "watch: its containers run"),
        ("Ready", pod.ready, "watch"),
        ("in the endpoints", pod.routed, "watch of the endpoint slices"),
        ("serving", pod.served, "its own count of requests"),
    )
    return [(name, when, by) for name, when, by in seen if when is not None]


def _slowest(pods: Sequence[Added]) -> Added | str:
    """Return the pod that served last; a text if one has not."""
    if not pods:
        return "no pod came of the resize"
    for pod in pods:
        if len(_points(pod)) < len(_STAGES_OF_A_POD):
            names = [name for name, _, _ in _points(pod)]
            missing = next(name for name in _STAGES_OF_A_POD if name not in names)
            return f"{pod.subject} was not seen to be {missing}"
    return max(pods, key=lambda pod: pod.served.at if pod.served else pod.asked.at)


_STAGES_OF_A_POD = ("scheduled", "started", "Ready", "in the endpoints", "serving")


def _crossed(look: ScalingRecord, load: Instant, until: Instant) -> tuple[Instant, Instant, Metric] | None:
    """Return when usage was above what the HPA tolerates, when the metrics API showed it, of which metric.

    The usage of a sample is that of a whole window: the instant is its end, the window its error.
    """
    margin = look.poll_s  # the controller may see a sample before our poll does
    last = until.plus(margin).at
    for snapshot in look.snapshots:
        if not load.at <= snapshot.when.at <= last:
            continue
        fresh = snapshot.since(load.at)
        for metric in look.spec.metrics:
            level = fresh.level(metric)
            if level is not None and level > metric.target * (1 + look.spec.tolerance):
                shown = snapshot.when.plus(0.0, resolution_s=look.poll_s)
                return _measured(fresh, metric, shown), shown, metric
    return None


def _measured(snapshot: Snapshot, metric: Metric, shown: Instant) -> Instant:
    if metric.source == "Pods" or not snapshot.samples:
        return shown
    last = max(snapshot.samples.values(), key=lambda sample: sample.timestamp)
    # Timestamps of the API are whole seconds.
    return Instant(at=last.timestamp, resolution_s=last.window_s + 1.0)


def _decided(
    events: Iterable[Event], hpa: str, spec: Spec, shown: Instant, resized: Instant
) -> tuple[Instant, str]:
    """Return when the HPA's own status first had the new level, or it acted, whichever came first."""
    for event in events:
        if event.kind != "hpa" or event.subject != hpa or event.at < shown.at:
            continue
        if event.at >= resized.at:
            break
        if any(_above(spec, value) for value in event.data.get("measured", ())):
            return Instant.of(event), "its status; then it waits for its stabilisation window"
    return resized, "it acts at the look that sees it"


def _above(spec: Spec, value: dict[str, Any]) -> bool:
    for metric in spec.metrics:
        level = value["percent"] if metric.by == "utilisation" else value["average_m"]
        if value["name"] == metric.name and level is not None:
            return bool(level > metric.target * (1 + spec.tolerance))
    return False


def _in_order(points: Sequence[tuple[str, Instant, str]]) -> list[Stage] | str:
    """Return the stages; one seen before the one before it, within their errors, took no time."""
    ordered: list[tuple[str, Instant, str]] = [points[0]]
    for name, when, by in points[1:]:
        before = ordered[-1][1]
        early = -elapsed(before, when)
        if early > before.resolution_s + when.resolution_s:
            return f"{name} was seen {early:.3f} s before: {ordered[-1][0]}"
        # Put where the one before it was seen, it is off by as much as it was early.
        at = before.plus(0.0, resolution_s=when.resolution_s + early) if early > 0 else when
        ordered.append((name, at, by))
    took = [0.0, *(elapsed(a[1], b[1]) for a, b in pairwise(ordered))]
    return [
        Stage(name=name, when=when, took_s=seconds, by=by)
        for (name, when, by), seconds in zip(ordered, took, strict=True)
    ]
