"""What a HorizontalPodAutoscaler is told to do, and what its controller sees of the pods.

Amounts are whole milli-units, as the controller counts: millicores, thousandths of a byte,
thousandths of whatever a custom metric counts.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal

__all__ = [
    "MILLI",
    "Behaviour",
    "Metric",
    "PodSeen",
    "Policy",
    "Rules",
    "Sample",
    "Spec",
    "read_spec",
    "unreadable",
]

MILLI = 1000
"""So many milli-units are one."""


@dataclass(frozen=True, kw_only=True)
class Sample:
    """One pod's usage over the `window_s` seconds that end at `timestamp`: millicores and bytes."""

    cpu_m: int | None
    timestamp: datetime
    window_s: float
    memory: int | None = None


@dataclass(frozen=True, kw_only=True)
class PodSeen:
    """What the controller looks at in a pod. A request is None if a container has none.

    `request_m` is of CPU in millicores, `memory_request` in bytes.
    """

    name: str
    phase: str
    deleting: bool
    ready: bool | None
    ready_since: datetime | None
    started_at: datetime | None
    request_m: int | None
    memory_request: int | None = None


@dataclass(frozen=True, kw_only=True)
class Metric:
    """One metric of an HPA: a resource ("cpu", "memory") or one that pods export (source Pods).

    `target` is whole percent of the requests `by` utilisation, milli-units per pod `by` average.
    """

    name: str
    target: int
    by: Literal["utilisation", "average"] = "utilisation"
    source: Literal["Resource", "Pods"] = "Resource"

    def shown(self, level: int) -> str:
        """Write `level`, in the unit of the target, for a reader."""
        if self.by == "utilisation":
            return f"{level} %"
        if self.name == "memory":
            return f"{level / MILLI / 2**20:.0f} MiB a pod"
        return f"{level / MILLI:g} a pod"

    @property
    def title(self) -> str:
        """Its name as people write it."""
        return {"cpu": "CPU"}.get(self.name, self.name)


@dataclass(frozen=True, kw_only=True)
class Policy:
    """At most `value` pods, or percent of them, per `period_s` seconds."""

    kind: Literal["Pods", "Percent"]
    value: int
    period_s: int


@dataclass(frozen=True, kw_only=True)
class Rules:
    """Scaling in one direction. A `tolerance` of None is the controller's own."""

    window_s: float
    policies: tuple[Policy, ...]
    select: str = "Max"
    tolerance: float | None = None


@dataclass(frozen=True, kw_only=True)
class Behaviour:
    """Both directions. `up` without policies is the rule for an HPA that has no behaviour."""

    up: Rules
    down: Rules


@dataclass(frozen=True, kw_only=True)
class Spec:
    """An HPA, with the controller's own settings (their defaults are upstream's).

    Without `count_unseen` pods without metrics are left out, which the controller never does: it is
    for finding out what difference that rule makes.
    """

    minimum: int
    maximum: int
    metrics: tuple[Metric, ...]
    behaviour: Behaviour
    tolerance: float = 0.1
    cpu_initialization_s: float = 300.0
    initial_readiness_s: float = 30.0
    count_unseen: bool = True

    @property
    def cpu_percent(self) -> int | None:
        """The target of CPU utilisation, in whole percent of the requests."""
        found = (metric.target for metric in self.metrics if _is_cpu_utilisation(metric))
        return next(found, None)

    @property
    def own_metrics(self) -> tuple[Metric, ...]:
        """The metrics that pods export."""
        return tuple(metric for metric in self.metrics if metric.source == "Pods")


def _is_cpu_utilisation(metric: Metric) -> bool:
    return metric.source == "Resource" and metric.name == "cpu" and metric.by == "utilisation"


# What the controller does with an HPA without a behaviour: twice as many or 4 pods, five minutes down.
_NO_BEHAVIOUR = Behaviour(up=Rules(window_s=0, policies=()), down=Rules(window_s=300, policies=()))
_DOWN_WINDOW_S = 300.0


def unreadable(hpa: Mapping[str, Any]) -> str:
    """Say why the metrics of an "hpa" event's data cannot be followed; empty where they can."""
    targets = _targets(hpa)
    if targets is None:
        if hpa["cpu_percent"] is None:
            return "has no target for CPU utilisation"
        return f"goes by {hpa['metrics']} metrics; only CPU was recorded"
    strange = [target for target in targets if target["type"] not in {"Resource", "Pods"}]
    if strange:
        return f"goes by a metric of type {strange[0]['type']}, which is not recorded"
    named = [t["name"] for t in targets if t["type"] == "Resource" and t["name"] not in {"cpu", "memory"}]
    if named:
        return f"goes by the resource {named[0]}, which is not recorded"
    return "" if targets else "has no metric"


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
        metrics=tuple(_metric(target) for target in _targets(hpa) or ()),
        behaviour=behaviour,
        tolerance=tolerance,
    )


def _targets(hpa: Mapping[str, Any]) -> list[Mapping[str, Any]] | None:
    """Return the targets; None where the record is too old to hold them and more than CPU is meant."""
    if "targets" in hpa:
        return list(hpa["targets"])
    if hpa["cpu_percent"] is None or hpa["metrics"] > 1:
        return None
    return [{"type": "Resource", "name": "cpu", "percent": hpa["cpu_percent"], "average_m": None}]


def _metric(target: Mapping[str, Any]) -> Metric:
    by_share = target["percent"] is not None
    return Metric(
        name=target["name"],
        target=target["percent"] if by_share else target["average_m"],
        by="utilisation" if by_share else "average",
        source=target["type"],
    )


def _rules(raw: Mapping[str, Any], window_s: float) -> Rules:
    window, tolerance = raw.get("stabilizationWindowSeconds"), raw.get("tolerance")
    policies = tuple(
        Policy(kind=policy["type"], value=policy["value"], period_s=policy["periodSeconds"])
        for policy in raw.get("policies") or ()
    )
    return Rules(
        window_s=window_s if window is None else float(window),
        policies=policies,
        select=raw.get("selectPolicy") or "Max",
        tolerance=None if tolerance is None else _number(tolerance),
    )


def _number(quantity: str | float) -> float:
    """Read a tolerance: the API writes "0.05" as "50m"."""
    text = str(quantity)
    return float(text[:-1]) / MILLI if text.endswith("m") else float(text)
