"""A run as OpenMetrics (1.0): for a Prometheus that keeps the figures of runs beside those of services.

Every sample has the time at which its scenario ended. Written by hand: the format is small, and the package
needs no client library for it.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime

from aftershock.history.facts import Kind, Measure, RunFacts, ScenarioFacts

__all__ = ["as_openmetrics"]


@dataclass(frozen=True, kw_only=True)
class _Sample:
    family: str
    labels: Mapping[str, str]
    value: float
    at: datetime


@dataclass(frozen=True, kw_only=True)
class _Family:
    """A metric; `unit` is the last word of its name, or ""."""

    help: str
    unit: str = ""
    type: str = "gauge"


_FAMILIES: Mapping[str, _Family] = {
    "aftershock_run": _Family(type="info", help="A run of scenarios, at its end."),
    "aftershock_run_duration_seconds": _Family(unit="seconds", help="How long a run took."),
    "aftershock_scenario_outcome": _Family(help="1 for how a scenario went."),
    "aftershock_scenario_duration_seconds": _Family(unit="seconds", help="How long a scenario took."),
    "aftershock_verdict_status": _Family(help="1 for each verdict, by its status: met, violated, unknown."),
    "aftershock_verdict_observed": _Family(help="What a verdict is on, where it is a number, by its unit."),
    "aftershock_verdict_resolution_seconds": _Family(
        unit="seconds", help="The largest error that the clocks behind a verdict allow."
    ),
    "aftershock_recovery_seconds": _Family(
        unit="seconds",
        help="From the first degradation to health that lasted; +Inf where it did not recover.",
    ),
    "aftershock_recovery_error_seconds": _Family(
        unit="seconds", help="The largest error of a recovery's time."
    ),
    "aftershock_alert_latency_seconds": _Family(
        unit="seconds", help="From the injection to an alert that was expected; +Inf where it did not fire."
    ),
    "aftershock_alert_latency_error_seconds": _Family(
        unit="seconds", help="The largest error of an alert's time."
    ),
    "aftershock_error_budget_spent_ratio": _Family(
        unit="ratio", help="The share of a service's error budget that a scenario spent; 1 is all."
    ),
    "aftershock_error_budget_spent_error_ratio": _Family(
        unit="ratio", help="The largest error of the share of an error budget."
    ),
    "aftershock_alarms": _Family(help="How many alerts fired, where a scenario says which may."),
    "aftershock_false_alarms": _Family(help="How many alerts fired that a scenario did not expect."),
}

# Kind → the metric, that of its error, the label of its subject, and what its unit is divided by.
_MEASURES: Mapping[Kind, tuple[str, str, str, float]] = {
    "recovery": ("aftershock_recovery_seconds", "aftershock_recovery_error_seconds", "subject", 1.0),
    "alert": (
        "aftershock_alert_latency_seconds",
        "aftershock_alert_latency_error_seconds",
        "alertname",
        1.0,
    ),
    "budget": (
        "aftershock_error_budget_spent_ratio",
        "aftershock_error_budget_spent_error_ratio",
        "service",
        100.0,
    ),
}


def as_openmetrics(run: RunFacts) -> str:
    """Return the exposition of `run`: each family once, its samples together, "# EOF" at the end."""
    samples = [*_of_run(run), *(sample for one in run.scenarios for sample in _of_scenario(run, one))]
    lines: list[str] = []
    for name, family in _FAMILIES.items():
        mine = [sample for sample in samples if sample.family == name]
        if mine:
            lines += [f"# TYPE {name} {family.type}"]
            lines += [f"# UNIT {name} {family.unit}"] if family.unit else []
            lines += [f"# HELP {name} {_escaped(family.help)}"]
            lines += [_line(sample, suffix="_info" if family.type == "info" else "") for sample in mine]
    return "\n".join([*lines, "# EOF", ""])


def _of_run(run: RunFacts) -> Iterator[_Sample]:
    common = {"run": run.id, "profile": run.profile, "cluster": run.cluster}
    at = run.ended or max((one.ended for one in run.scenarios), default=run.began)
    more = {"state": run.state, **({"gameday": run.gameday} if run.gameday else {})}
    yield _Sample(family="aftershock_run", labels={**common, **more}, value=1.0, at=at)
    if run.ended:
        took = (run.ended - run.began).total_seconds()
        yield _Sample(family="aftershock_run_duration_seconds", labels=common, value=took, at=at)


def _of_scenario(run: RunFacts, one: ScenarioFacts) -> Iterator[_Sample]:
    common = {
        "run": run.id,
        "profile": run.profile,
        "cluster": run.cluster,
        "file": one.file,
        "scenario": one.name,
        "folder": one.folder,
    }

    def sample(family: str, value: float, **labels: str) -> _Sample:
        return _Sample(family=family, labels={**common, **labels}, value=value, at=one.ended)

    yield sample("aftershock_scenario_outcome", 1.0, feature=one.feature, outcome=one.outcome)
    yield sample("aftershock_scenario_duration_seconds", (one.ended - one.began).total_seconds())
    for place, verdict in enumerate(one.verdicts):
        which = {"verdict": verdict.name, "place": str(place)}
        yield sample("aftershock_verdict_status", 1.0, **which, status=verdict.status)
        if isinstance(verdict.observed, int | float):
            unit = {"unit": verdict.unit} if verdict.unit else {}
            yield sample("aftershock_verdict_observed", float(verdict.observed), **which, **unit)
            yield sample("aftershock_verdict_resolution_seconds", verdict.resolution_s, **which)
    for measure in one.measures:
        yield from (sample(name, value, **labels) for name, value, labels in _measured(measure))
    if one.alarms is not None and one.false_alarms is not None:
        yield sample("aftershock_alarms", one.alarms)
        yield sample("aftershock_false_alarms", one.false_alarms)


def _measured(measure: Measure) -> Iterable[tuple[str, float, dict[str, str]]]:
    family, of_error, label, unit = _MEASURES[measure.kind]
    labels = {label: measure.subject}
    if measure.value is None:
        return [(family, math.inf, labels)]
    return [(family, measure.value / unit, labels), (of_error, measure.resolution / unit, labels)]


def _line(sample: _Sample, *, suffix: str) -> str:
    labels = ",".join(f'{name}="{_escaped(value)}"' for name, value in sample.labels.items())
    value = "+Inf" if sample.value == math.inf else repr(float(sample.value))
    return f"{sample.family}{suffix}{{{labels}}} {value} {sample.at.timestamp():.3f}"


def _escaped(text: str) -> str:
    return text.replace("\\", r"\\").replace("\n", r"\n").replace('"', r"\"")
