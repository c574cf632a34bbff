"""The HorizontalPodAutoscaler's arithmetic, from its controller's source (Kubernetes 1.34).

Integers where the controller has integers: usage in millicores, rounded up per container;
utilisation in whole percent, cut off. Pure functions of what the controller could see.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Literal

__all__ = [
    "Behaviour",
    "PodSeen",
    "Policy",
    "Rules",
    "Sample",
    "Spec",
    "admit",
    "read_spec",
    "recommend",
    "stabilise",
    "utilisation",
]


@dataclass(frozen=True, kw_only=True)
class Sample:
    """One pod's CPU usage: millicores over the `window_s` seconds that end at `timestamp`."""

    cpu_m: int
    timestamp: datetime
    window_s: float


@dataclass(frozen=True, kw_only=True)
class PodSeen:
    """What the controller looks at in a pod. `request_m` is None if a container has no CPU request."""

    name: str
    phase: str
    deleting: bool
    ready: bool | None
    ready_since: datetime | None
    started_at: datetime | None
    request_m: int | None


@dataclass(frozen=True, kw_only=True)
class Policy:
    """At most `value` pods, or percent of them, per `period_s` seconds."""

    kind: Literal["Pods", "Percent"]
    value: int
    period_s: int


@dataclass(frozen=True, kw_only=True)
class Rules:
    """Scaling in one direction."""

    window_s: float
    policies: tuple[Policy, ...]
    select: str = "Max"


@dataclass(frozen=True, kw_only=True)
class Behaviour:
    """Both directions. `up` without policies is the rule for an HPA that has no behaviour."""

    up: Rules
    down: Rules


@dataclass(frozen=True, kw_only=True)
class Spec:
    """An HPA on CPU utilisation, with the controller's own settings (their defaults are upstream's)."""

    minimum: int
    maximum: int
    percent: int
    behaviour: Behaviour
    tolerance: float = 0.1
    cpu_initialization_s: float = 300.0
    initial_readiness_s: float = 30.0


# What the controller does with an HPA without a behaviour: twice as many or 4 pods, five minutes down.
_NO_BEHAVIOUR = Behaviour(up=Rules(window_s=0, policies=()), down=Rules(window_s=300, policies=()))
_UP_FACTOR = 2
_UP_LEAST = 4
_DOWN_WINDOW_S = 300.0


def read_spec(hpa: Mapping[str, Any], *, tolerance: float = 0.1) -> Spec:
    """Return the spec from an "hpa" event's data. The API fills in what a behaviour leaves out."""
    raw = hpa["behavior"]
    behaviour = _NO_BEHAVIOUR
    if raw:
        behaviour = Behaviour(
            up=_rules(raw.get("scaleUp") or {}, 0.0), down=_rules(raw.get("scaleDown") or {}, _DOWN_WINDOW_S)
        )
    return Spec(
        minimum=hpa["min"],
        maximum=hpa["max"],
        percent=hpa["cpu_percent"],
        behaviour=behaviour,
        tolerance=tolerance,
    )


def _rules(raw: Mapping[str, Any], window_s: float) -> Rules:
    window = raw.get("stabilizationWindowSeconds")
    policies = tuple(
        Policy(kind=policy["type"], value=policy["value"], period_s=policy["periodSeconds"])
        for policy in raw.get("policies") or ()
    )
    return Rules(
        window_s=window_s if window is None else float(window),
        policies=policies,
        select=raw.get("selectPolicy") or "Max",
    )


def utilisation(usage_m: Mapping[str, int], request_m: Mapping[str, int]) -> int | None:
    """Whole percent of the requests that is used, over the pods that have both; None if none has."""
    both = usage_m.keys() & request_m.keys()
    requested = sum(request_m[name] for name in both)
    return sum(usage_m[name] for name in both) * 100 // requested if requested else None


def recommend(
    spec: Spec, *, pods: Iterable[PodSeen], samples: Mapping[str, Sample], current: int, now: datetime
) -> int | None:
    """Return the replicas that the formula gives, before stabilisation and limits.

    None where the controller would fail and leave things alone: a container without a
    request, no usable sample at all.
    """
    seen = list(pods)
    groups = _group(spec, seen, samples, now)
    usage = {name: samples[name].cpu_m for name in groups["ready"]}
    if not usage or any(pod.request_m is None for pod in seen):
        return None
    requests = {pod.name: pod.request_m or 0 for pod in seen}
    percent = utilisation(usage, requests)
    if percent is None:
        return None
    ratio = percent / spec.percent
    unready, missing = groups["unready"], groups["missing"]
    fill_unready = bool(unready) and ratio > 1
    if not fill_unready and not missing:
        return current if _tolerable(spec, ratio) else math.ceil(ratio * len(groups["ready"]))
    # What cannot be seen counts against the move: idle on the way up, fully used on the way down.
    if ratio < 1:
        usage |= {name: requests[name] * max(100, spec.percent) // 100 for name in missing}
    elif ratio > 1:
        usage |= dict.fromkeys(missing, 0)
    if fill_unready:
        usage |= dict.fromkeys(unready, 0)
    return _second_look(spec, ratio, usage, requests, current=current)


def _second_look(
    spec: Spec, ratio: float, usage: Mapping[str, int], requests: Mapping[str, int], *, current: int
) -> int:
    """Return what remains of a move once the unseen pods count; the direction never turns."""
    again = (utilisation(usage, requests) or 0) / spec.percent
    if _tolerable(spec, again) or (ratio < 1 < again) or (again < 1 < ratio):
        return current
    replicas = math.ceil(again * len(usage))
    turns = (again < 1 and replicas > current) or (again > 1 and replicas < current)
    return current if turns else replicas


def _tolerable(spec: Spec, ratio: float) -> bool:
    return 1.0 - spec.tolerance <= ratio <= 1.0 + spec.tolerance


def _group(
    spec: Spec, pods: Iterable[PodSeen], samples: Mapping[str, Sample], now: datetime
) -> dict[str, list[str]]:
    groups: dict[str, list[str]] = {"ready": [], "unready": [], "missing": [], "ignored": []}
    for pod in pods:
        if pod.deleting or pod.phase == "Failed":
            group = "ignored"
        elif pod.phase == "Pending":
            group = "unready"
        elif pod.name not in samples:
            group = "missing"
        else:
            group = "unready" if _cpu_unready(spec, pod, samples[pod.name], now) else "ready"
        groups[group].append(pod.name)
    return groups


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
