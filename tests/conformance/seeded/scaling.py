"""Autoscalers that miscount, are held back or blind, and replicas that do not help."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from aftershock.judge.scaling import cpu_passed, scaled_by_formula
from aftershock.judge.serving import added_replicas_serve
from aftershock.timeline import Event
from aftershock.verdict import Verdict
from tests.conformance.cluster_simulator import Simulation
from tests.conformance.generator import Story, at, healthy_web
from tests.conformance.seeded.case import Defect


def by_formula(events: Iterable[Event]) -> Verdict:
    return scaled_by_formula(events, hpa="hpa/demo/web", since=at(-1))


def passes(events: Iterable[Event]) -> Verdict:
    return cpu_passed(events, hpa="hpa/demo/web", percent=50, since=at(0))


def serve(events: Iterable[Event]) -> Verdict:
    return added_replicas_serve(
        events, workload="deployment/demo/web", service="web", within_s=30, since=at(0)
    )


def scaled(**settings: Any) -> Story:
    return Simulation(**{"seed": 1, "demand": 420.0} | settings).run()


def blind(gap: tuple[float, float]) -> Story:
    return scaled().gap(*gap, resource="pod-metrics")


def sampled(when: float) -> Story:
    """80 % of what is requested, once; afterwards a pod changes, so that the state is looked at again."""
    story = healthy_web().hpa(-60).metrics(when, {f"web-{number}": 80 for number in (1, 2, 3)})
    return story.pod(12, "web-1").end(60)


def grown(
    *, to: int = 4, ready: float | None = 4.0, routed: bool = True, requests: int | None = 17, gap: float = -9
) -> Story:
    """At 10 a fourth pod is asked for; `ready` seconds later it is, and then gets its share."""
    three = ["web-1", "web-2", "web-3"]
    story = healthy_web().endpoints(-60, three).deployment(10, to, change="MODIFIED").gap(gap, gap + 1)
    if to == 4:
        story.pod(10.1, "web-4", change="ADDED", ready=False)
        if ready is not None:
            story.pod(10 + ready, "web-4")
            story.endpoints(10 + ready + 0.1, [*three, "web-4"] if routed else three)
    if requests is not None:
        story.add(80, "client", "served", "pod/demo/web-4", requests=requests, by="status page")
    return story.end(90)


WRONG = [
    Defect(
        name=f"autoscaler: {defect}",
        judge=by_formula, verdict="violated", says=says,
        story=lambda defect, settings=settings: scaled(defect=defect, **settings), healthy="", wrong=defect,
    )
    for defect, says, settings in (
        ("off by one", "the formula admits", {"demand": 230.0}),
        ("stuck", "the formula asked for at least", {}),
        ("late", "the formula asked for at least", {}),
        ("ignores the maximum", "the formula admits", {"demand": 900.0, "maximum": 5}),
        ("ignores the policy", "the formula admits", {"demand": 700.0, "policy": 34}),
        ("ignores the window", "the formula admits", {"window": 30}),
    )
]  # fmt: skip

DEFECTS = [
    *WRONG,
    Defect(
        name="HPA capped",
        judge=by_formula, verdict="unknown", says="capped: at",
        story=lambda maximum: scaled(maximum=maximum), healthy=10, wrong=3,
    ),
    Defect(
        name="load too small to scale",
        judge=by_formula, verdict="unknown", says="never asked for more replicas",
        story=lambda demand: scaled(demand=demand), healthy=420.0, wrong=120.0,
    ),
    Defect(
        name="metrics lost under load",
        judge=by_formula, verdict="unknown", says="nothing is known of pod-metrics/demo",
        story=blind, healthy=(-50.0, -49.0), wrong=(20.0, 40.0),
    ),
    Defect(
        name="metrics server stuck",
        judge=by_formula, verdict="unknown", says="never asked for more replicas",
        story=lambda last: scaled(last_scrape=last), healthy=99.0, wrong=-1.0,
    ),
    Defect(
        name="HPA on a second metric",
        judge=by_formula, verdict="unknown", says="goes by 2 metrics",
        story=lambda metrics: scaled(metrics=metrics), healthy=1, wrong=2,
    ),
    Defect(
        name="CPU that never passes",
        judge=passes, verdict="violated", says="the highest was",
        story=lambda demand: scaled(demand=demand), healthy=420.0, wrong=120.0,
    ),
    Defect(
        name="CPU of before the load",
        judge=passes, verdict="unknown", says="no CPU sample was recorded in that time",
        story=sampled, healthy=8.0, wrong=-8.0,
    ),
    Defect(
        name="CPU without requests",
        judge=passes, verdict="unknown", says="no CPU sample",
        story=lambda request: scaled(request_m=request, maximum=3), healthy=100, wrong=None,
    ),
    Defect(
        name="added pod never Ready",
        judge=serve, verdict="violated", says="does not serve",
        story=lambda ready: grown(ready=ready), healthy=4.0, wrong=None,
    ),
    Defect(
        name="added pod Ready after 31 s",
        judge=serve, verdict="violated", says="too late",
        story=lambda ready: grown(ready=ready), healthy=29.0, wrong=31.0,
    ),
    Defect(
        name="added pod never routed to",
        judge=serve, verdict="violated", says="does not serve",
        story=lambda routed: grown(routed=routed), healthy=True, wrong=False,
    ),
    Defect(
        name="added pod that nobody reaches",
        judge=serve, verdict="violated", says="answered no request",
        story=lambda requests: grown(requests=requests), healthy=17, wrong=0,
    ),
    Defect(
        name="requests not counted",
        judge=serve, verdict="unknown", says="does not show whether",
        story=lambda requests: grown(requests=requests), healthy=17, wrong=None,
    ),
    Defect(
        name="no pod added",
        judge=serve, verdict="unknown", says="no pod was added",
        story=lambda to: grown(to=to), healthy=4, wrong=3,
    ),
    Defect(
        name="watch lost while growing",
        judge=serve, verdict="unknown", says="nothing is known of pod/demo",
        story=lambda gap: grown(gap=gap), healthy=-9.0, wrong=12.0,
    ),
]  # fmt: skip
