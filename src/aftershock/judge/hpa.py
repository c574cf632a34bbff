"""The HorizontalPodAutoscaler's arithmetic, from the documentation of Kubernetes 1.34.

Integers where the controller has integers: usage in milli-units, rounded up per container;
utilisation in whole percent, averages in whole milli-units, cut off. Pure functions of what
the controller could see.
"""

from __future__ import annotations

import math
from collections.abc import Collection, Iterable, Mapping, Sequence
from datetime import datetime, timedelta

from aftershock.judge.hpa_spec import MILLI, Metric, PodSeen, Rules, Sample, Spec

__all__ = [
    "admit",
    "average",
    "level_of",
    "propose",
    "recommend",
    "requests_of",
    "stabilise",
    "utilisation",
    "values_of",
]

_UP_FACTOR = 2
_UP_LEAST = 4

Values = Mapping[str, int]


def utilisation(usage_m: Values, request_m: Values) -> int | None:
    """Whole percent of the requests that is used, over the pods that have both; None if none has."""
    both = usage_m.keys() & request_m.keys()
    requested = sum(request_m[name] for name in both)
    return sum(usage_m[name] for name in both) * 100 // requested if requested else None


def average(values: Values) -> int | None:
    """Return the mean over the pods, cut off; None without pods."""
    return sum(values.values()) // len(values) if values else None


def recommend(
    spec: Spec,
    *,
    pods: Iterable[PodSeen],
    samples: Mapping[str, Sample],
    current: int,
    now: datetime,
    own: Mapping[str, Values] | None = None,
) -> int | None:
    """Return the replicas that the formula gives, before stabilisation and limits.

    Of several metrics the one that asks for most counts. One that cannot be had is left out
    on the way up; on the way down nothing happens then. None where the controller would fail and
    leave things alone. `own` are the pods' own metrics: milli-units by metric and pod.
    """
    seen = list(pods)
    proposals = [
        propose(spec, metric, pods=seen, samples=samples, current=current, now=now, own=own or {})
        for metric in spec.metrics
    ]
    had = [proposal for proposal in proposals if proposal is not None]
    if not had or (len(had) < len(proposals) and max(had) < current):
        return None
    return max(had)


def propose(
    spec: Spec,
    metric: Metric,
    *,
    pods: Sequence[PodSeen],
    samples: Mapping[str, Sample],
    current: int,
    now: datetime,
    own: Mapping[str, Values],
) -> int | None:
    """Return the replicas for one metric; None where it cannot be had."""
    values = values_of(metric, samples, own)
    trusted = {pod.name for pod in pods if _trusted(spec, metric, pod, samples, now)}
    groups = _group(pods, values, trusted)
    usage = {name: values[name] for name in groups["ready"]}
    requests = requests_of(metric, pods)
    if not usage or requests is None:
        return None
    level = level_of(metric, usage, requests)
    if level is None:
        return None
    ratio = level / metric.target
    unready, missing = (groups["unready"], groups["missing"]) if spec.count_unseen else ([], [])
    fill_unready = bool(unready) and ratio > 1
    if not fill_unready and not missing:
        return current if _tolerable(spec, ratio) else math.ceil(ratio * len(groups["ready"]))
    # What cannot be seen counts against the move: idle on the way up, fully used on the way down.
    if ratio < 1:
        usage |= {name: _full(metric, requests.get(name, 0)) for name in missing}
    elif ratio > 1:
        usage |= dict.fromkeys(missing, 0)
    if fill_unready:
        usage |= dict.fromkeys(unready, 0)
    return _second_look(spec, ratio, (level_of(metric, usage, requests) or 0) / metric.target, usage, current)


def values_of(metric: Metric, samples: Mapping[str, Sample], own: Mapping[str, Values]) -> dict[str, int]:
    """Return each pod's value of `metric`, in milli-units; a pod without one is left out."""
    if metric.source == "Pods":
        return dict(own.get(metric.name, {}))
    if metric.name == "cpu":
        return {name: sample.cpu_m for name, sample in samples.items() if sample.cpu_m is not None}
    return {name: sample.memory * MILLI for name, sample in samples.items() if sample.memory is not None}


def requests_of(metric: Metric, pods: Iterable[PodSeen]) -> dict[str, int] | None:
    """Return each pod's request in milli-units; None if one has none, and the metric goes by requests."""
    if metric.by == "average":
        return {}
    found = {
        pod.name: pod.request_m
        if metric.name == "cpu"
        else (None if pod.memory_request is None else pod.memory_request * MILLI)
        for pod in pods
    }
    known = {name: request for name, request in found.items() if request is not None}
    return known if len(known) == len(found) else None


def level_of(metric: Metric, usage: Values, requests: Values) -> int | None:
    """Return what is compared with the target: whole percent of the requests, or the mean."""
    return average(usage) if metric.by == "average" else utilisation(usage, requests)


def _full(metric: Metric, request: int) -> int:
    """Return what a pod without a value counts for on the way down."""
    return metric.target if metric.by == "average" else request * max(100, metric.target) // 100


def _second_look(spec: Spec, ratio: float, again: float, usage: Values, current: int) -> int:
    """Return what remains of a move once the unseen pods count; the direction never turns."""
    if _tolerable(spec, again) or (ratio < 1 < again) or (again < 1 < ratio):
        return current
    replicas = math.ceil(again * len(usage))
    turns = (again < 1 and replicas > current) or (again > 1 and replicas < current)
    return current if turns else replicas


def _tolerable(spec: Spec, ratio: float) -> bool:
    up, down = spec.behaviour.up.tolerance, spec.behaviour.down.tolerance
    low = 1.0 - (spec.tolerance if down is None else down)
    return low <= ratio <= 1.0 + (spec.tolerance if up is None else up)


def _group(pods: Iterable[PodSeen], values: Values, trusted: Collection[str]) -> dict[str, list[str]]:
    groups: dict[str, list[str]] = {"ready": [], "unready": [], "missing": [], "ignored": []}
    for pod in pods:
        if pod.deleting or pod.phase == "Failed":
            group = "ignored"
        elif pod.phase == "Pending":
            group = "unready"
        elif pod.name not in values:
            group = "missing"
        else:
            group = "ready" if pod.name in trusted else "unready"
        groups[group].append(pod.name)
    return groups


def _trusted(spec: Spec, metric: Metric, pod: PodSeen, samples: Mapping[str, Sample], now: datetime) -> bool:
    """Whether the value of a pod counts yet: only CPU is not believed while a pod starts."""
    of_cpu = metric.source == "Resource" and metric.name == "cpu"
    sample = samples.get(pod.name)
    return not of_cpu or (sample is not None and not _cpu_unready(spec, pod, sample, now))


def _cpu_unready(spec: Spec, pod: PodSeen, sample: Sample, now: datetime) -> bool:
    """Whether a pod's CPU sample does not count yet."""
    if pod.ready is None or pod.ready_since is None or pod.started_at is None:
        return True
    if pod.started_at + timedelta(seconds=spec.cpu_initialization_s) > now:
        # Young: the whole sample must lie after it became ready.
        return not pod.ready or sample.timestamp < pod.ready_since + timedelta(seconds=sample.window_s)
    # Old: unready counts only if it has never been ready.
    return not pod.ready and pod.started_at + timedelta(seconds=spec.initial_readiness_s) > pod.ready_since


def stabilise(*, current: int, desired: int, up: Sequence[int], down: Sequence[int]) -> int:
    """Apply the stabilisation windows: `up` and `down` are the recommendations inside each window.

    On the way up the lowest counts, on the way down the highest; both include `desired`.
    """
    lowest, highest = min((desired, *up)), max((desired, *down))
    return min(max(current, lowest), highest)


def admit(spec: Spec, *, current: int, desired: int, changes: Sequence[tuple[float, int]]) -> int:
    """Apply policies, minimum and maximum.

    `changes` are (seconds ago, replicas added or, below zero, removed).
    """
    if desired > current:
        limit = _up_limit(spec.behaviour.up, current, changes)
        return min(desired, spec.maximum, max(limit, current))
    if desired < current:
        floor = _down_limit(spec.behaviour.down, current, changes)
        return max(desired, spec.minimum, min(floor, current))
    return min(max(desired, spec.minimum), spec.maximum)


def _up_limit(rules: Rules, current: int, changes: Sequence[tuple[float, int]]) -> int:
    if rules.select == "Disabled":
        return current
    if not rules.policies:
        return max(_UP_FACTOR * current, _UP_LEAST)
    proposals = []
    for policy in rules.policies:
        base = current - _changed_within(changes, policy.period_s)
        pods, factor = base + policy.value, 1 + policy.value / 100
        proposals.append(pods if policy.kind == "Pods" else math.ceil(base * factor))
    return min(proposals) if rules.select == "Min" else max(proposals)


def _down_limit(rules: Rules, current: int, changes: Sequence[tuple[float, int]]) -> int:
    if rules.select == "Disabled":
        return current
    if not rules.policies:
        return 0
    proposals = []
    for policy in rules.policies:
        base = current - _changed_within(changes, policy.period_s)
        pods, factor = base - policy.value, 1 - policy.value / 100
        proposals.append(pods if policy.kind == "Pods" else int(base * factor))
    # The smallest change leaves the most pods.
    return max(proposals) if rules.select == "Min" else min(proposals)


def _changed_within(changes: Sequence[tuple[float, int]], period_s: float) -> int:
    return sum(change for ago, change in changes if ago < period_s)
