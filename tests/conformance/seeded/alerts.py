"""Alerts that are wrong, late, left over, or of which nothing can be said."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from aftershock.judge.alerts import fired_within, nothing_else_fired, resolved_within
from aftershock.timeline import Event
from aftershock.verdict import Verdict
from tests.conformance.generator import Story
from tests.conformance.prometheus_simulator import PrometheusSimulation
from tests.conformance.seeded.case import Defect

OOM = "PodOOMKilled"
POD = {"labels": {"pod": "web-1"}}


def fires(events: Iterable[Event]) -> Verdict:
    return fired_within(events, alert=OOM, within_s=20, labels={"pod": "web-1"})


def resolves(events: Iterable[Event]) -> Verdict:
    return resolved_within(events, alert=OOM, within_s=60)


def alone(events: Iterable[Event]) -> Verdict:
    return nothing_else_fired(events, expected=[OOM])


def fires_for_the_target(events: Iterable[Event]) -> Verdict:
    return fired_within(events, alert=OOM, within_s=20)


def target_down(events: Iterable[Event]) -> Verdict:
    return fired_within(events, alert="TargetDown", within_s=20, labels={"instance": "10.0.0.1:80"})


def look(
    first: float = 6,
    last: float = 60,
    *others: tuple[Any, ...],
    more: dict[str, Any] = POD,
    landed: bool = True,
    since: float = -5,
    until: float = 120,
    before: Iterable[dict[str, str]] = (),
    **facts: Any,
) -> Story:
    """An alert that fires from `first` to `last`, and what else the look back says."""
    story = Story().injected(0, landed=landed)
    story.add(-4.5, "prometheus", "firing-before", alerts=list(before))
    mine = [] if first is None else [(OOM, first, last, more)]
    return story.alerts(since, until, *mine, *others, **facts)


def silent(**facts: Any) -> Story:
    """Nobody fires, as the look back has it, or (with `first`) the alert does."""
    return look(facts.pop("first", None), 60, **facts)


def also(*other: tuple[Any, ...]) -> Story:
    return look(6, 50, *other)


def of(pod: str, *, ns: str = "demo") -> Story:
    """The alert for one pod; the fault was on web-1, and web-2 took its place."""
    story = Story().deployment(-4, 1).deployment(-4, 1, name="shop")
    story.pod(-4, "web-1", change="LISTED").pod(-4, "shop-1", workload="shop", change="LISTED")
    story.injected(0).pod(3, "web-2", change="ADDED")
    return story.alerts(-5, 120, (OOM, 6, 60, {"labels": {"namespace": ns, "pod": pod}}))


NEVER: dict[str, Any] = {}
IN_TIME = {"first": 6.0}

FIRES = [
    Defect(
        name="rule with the wrong label",
        judge=fires, verdict="violated", says="fired with other labels",
        story=lambda pod: look(more={"labels": {"pod": pod}}), healthy="web-1", wrong="web-2",
    ),
    Defect(
        name="rule that drops the label",
        judge=fires, verdict="violated", says="fired with other labels",
        story=lambda labels: look(more={"labels": labels}), healthy={"pod": "web-1"}, wrong={},
    ),
    Defect(
        name="alert for another workload's pod",
        judge=fires_for_the_target, verdict="violated", says="fired with other labels",
        story=of, healthy="web-1", wrong="shop-1",
    ),
    Defect(
        name="alert for a namesake in another namespace",
        judge=fires_for_the_target, verdict="violated", says="fired with other labels",
        story=lambda ns: of("web-1", ns=ns), healthy="demo", wrong="prod",
    ),
    Defect(
        name="alert too late",
        judge=fires, verdict="violated", says="6 s too late",
        story=look, healthy=6.0, wrong=26.0,
    ),
    Defect(
        name="alert that never fires",
        judge=fires, verdict="violated", says="no firing sample",
        story=look, healthy=6.0, wrong=None,
    ),
    Defect(
        name="alert only pending",
        judge=fires, verdict="violated", says="no firing sample",
        story=lambda state: look(more=POD | {"state": state}), healthy="firing", wrong="pending",
    ),
    Defect(
        name="rule missing",
        judge=fires, verdict="unknown", says="no loaded rule is called PodOOMKilled",
        story=lambda facts: look(facts.pop("first", 6.0), **facts),
        healthy={}, wrong={"first": None, "rules": ["NodeNotReady"]},
    ),
    Defect(
        name="rule broken",
        judge=fires, verdict="unknown", says="rule PodOOMKilled is err",
        story=lambda facts: silent(**facts), healthy=IN_TIME, wrong={"health": "err"},
    ),
    Defect(
        name="rule never evaluated",
        judge=fires, verdict="unknown", says="rule PodOOMKilled is unknown: never evaluated",
        story=lambda facts: silent(**facts), healthy=IN_TIME, wrong={"health": "unknown"},
    ),
    Defect(
        name="alert already firing",
        judge=fires, verdict="unknown", says="it was firing already",
        story=look, healthy=6.0, wrong=-4.0,
    ),
    Defect(
        name="evaluation skipped",
        judge=fires, verdict="unknown", says="group pods missed 2 evaluations",
        story=lambda facts: silent(**facts), healthy=IN_TIME, wrong={"missed": 2},
    ),
    Defect(
        name="evaluation skipped, alert late",
        judge=fires, verdict="unknown", says="group pods missed 2 evaluations",
        story=lambda missed: look(26 if missed else 6, missed=missed), healthy=0, wrong=2,
    ),
    Defect(
        name="evaluations failed",
        judge=fires, verdict="unknown", says="3 evaluations of rules in group pods failed",
        story=lambda facts: silent(**facts), healthy=IN_TIME, wrong={"failures": 3},
    ),
    Defect(
        name="group evaluated too rarely",
        judge=fires, verdict="unknown", says="evaluated 11 times, not 25",
        story=lambda facts: silent(**facts), healthy=IN_TIME, wrong={"evaluations": 11},
    ),
    Defect(
        name="evaluations not a number",
        judge=fires, verdict="unknown", says="evaluated nan times",
        story=lambda facts: silent(**facts), healthy=IN_TIME, wrong={"evaluations": float("nan")},
    ),
    Defect(
        name="evaluations not counted",
        judge=fires, verdict="unknown", says="is not known",
        story=lambda facts: silent(**facts), healthy=IN_TIME, wrong={"evaluations": None},
    ),
    Defect(
        name="Prometheus stopped evaluating",
        judge=fires, verdict="unknown", says="was last evaluated at",
        story=lambda facts: silent(**facts),
        healthy=IN_TIME, wrong={"last_evaluation": "2026-03-01T12:00:04.000000Z"},
    ),
    Defect(
        name="stale data under the rule",
        judge=fires, verdict="unknown", says="had no fresh data for some time: kube-state-metrics",
        story=lambda facts: silent(query="kube_pod_info == 1", **facts),
        healthy=IN_TIME, wrong={"down": ["kube-state-metrics 10.0.0.7:8080"]},
    ),
    Defect(
        name="Prometheus' clock off by more than the margin",
        judge=fires, verdict="unknown", says="within the error of 3 s",
        story=lambda off: look(18, resolution_s=off), healthy=0.02, wrong=3.0,
    ),
    Defect(
        name="look back too short for silence",
        judge=fires, verdict="unknown", says="the look back ends after 15 s",
        story=lambda facts: silent(**facts), healthy=IN_TIME, wrong={"until": 15},
    ),
    Defect(
        name="alert without a fault that landed",
        judge=fires, verdict="unknown", says="no proof that the fault",
        story=lambda landed: look(landed=landed), healthy=True, wrong=False,
    ),
]  # fmt: skip

RESOLVES = [
    Defect(
        name="alert that never resolves",
        judge=resolves, verdict="violated", says="still firing after",
        story=lambda last: look(6, last), healthy=50, wrong=119,
    ),
    Defect(
        name="alert that comes back",
        judge=resolves, verdict="violated", says="too late",
        story=lambda again: look(6, 20, *again), healthy=(), wrong=((OOM, 80, 90, POD),),
    ),
    Defect(
        name="intervals too coarse for the margin",
        judge=resolves, verdict="unknown", says="within the error of 15",
        story=lambda interval: look(6, 56 - interval, interval_s=interval), healthy=5.0, wrong=30.0,
    ),
    Defect(
        name="alert that never fired cannot resolve",
        judge=resolves, verdict="unknown", says="it never fired",
        story=lambda first: look(first, 40), healthy=6.0, wrong=None,
    ),
    Defect(
        name="alert that ended with its evaluations",
        judge=resolves, verdict="unknown", says="was last evaluated at",
        story=lambda last: look(6, 30, last_evaluation=last),
        healthy="2026-03-01T12:01:58.000000Z", wrong="2026-03-01T12:00:30.000000Z",
    ),
    Defect(
        name="alert that ended with its data",
        judge=resolves, verdict="unknown", says="had no fresh data",
        story=lambda down: look(6, 30, query="kube_pod_info == 1", down=down),
        healthy=["shop 10.0.0.9:80"], wrong=["kube-state-metrics 10.0.0.7:8080"],
    ),
]  # fmt: skip

ALONE = [
    Defect(
        name="expected alert, but for somebody else",
        judge=alone, verdict="violated", says="also firing: PodOOMKilled",
        story=of, healthy="web-2", wrong="shop-1",
    ),
    Defect(
        name="false alarm",
        judge=alone, verdict="violated", says="also firing: NodeNotReady",
        story=lambda others: also(*others), healthy=(), wrong=(("NodeNotReady", 30, 60),),
    ),
    Defect(
        name="false alarm of one evaluation",
        judge=alone, verdict="violated", says="also firing: NodeNotReady",
        story=lambda others: also(*others), healthy=(), wrong=(("NodeNotReady", 30, 30),),
    ),
    Defect(
        name="false alarm of an alert that fired before, for another pod",
        judge=alone, verdict="violated", says="also firing: PodNotReady",
        story=lambda pod: look(
            6, 50, ("PodNotReady", -5, 60, {"labels": {"pod": pod}}),
            before=[{"alertname": "PodNotReady", "pod": "old-1"}],
        ),
        healthy="old-1", wrong="web-2",
    ),
    Defect(
        name="silence without evaluation",
        judge=alone, verdict="unknown", says="evaluated 0 times",
        story=lambda evaluations: look(6, 50, evaluations=evaluations), healthy=25, wrong=0,
    ),
    Defect(
        name="silence over stale data",
        judge=alone, verdict="unknown", says="had no fresh data",
        story=lambda down: look(6, 50, query="kube_pod_info == 1", down=down),
        healthy=[], wrong=["kube-state-metrics 10.0.0.7:8080"],
    ),
    Defect(
        name="look back that begins too late",
        judge=alone, verdict="unknown", says="the look back covers",
        story=lambda since: look(25, 50, since=since), healthy=-5, wrong=20,
    ),
    Defect(
        name="expected alert whose rule is gone",
        judge=alone, verdict="unknown", says="no loaded rule is called PodOOMKilled",
        story=lambda rules: look(None, rules=rules), healthy=[OOM, "B"], wrong=["B"],
    ),
]  # fmt: skip

PROMETHEUS = [
    Defect(
        name=f"up == 0: Prometheus {defect}",
        judge=target_down, verdict=verdict, says=says,
        story=PrometheusSimulation, healthy="", wrong=defect,
    )
    for defect, verdict, says in (
        ("takes the value 0 for false", "violated", "no firing sample"),
        ("labels the alert wrongly", "violated", "fired with other labels"),
        ("loses the rule", "unknown", "no loaded rule is called TargetDown"),
        ("restarts in the fault", "unknown", "was evaluated"),
        ("comes back with nothing", "unknown", "was evaluated"),
        ("skips evaluations", "unknown", "missed 4 evaluations"),
        ("answers with nothing", "unknown", "is not known"),
        ("has nothing but NaN", "unknown", "is not known"),
        ("fires already", "unknown", "it was firing already"),
    )
]  # fmt: skip

DEFECTS = [*FIRES, *RESOLVES, *ALONE, *PROMETHEUS]
