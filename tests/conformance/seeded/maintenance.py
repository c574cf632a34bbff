"""Drains that hurt, and nodes that are not given back."""

from __future__ import annotations

from collections.abc import Iterable

from aftershock.judge.maintenance import budget_respected, node_emptied, node_schedulable
from aftershock.judge.replacements import replaced_within
from aftershock.judge.steady_state import steady_state_held
from aftershock.timeline import Event
from aftershock.verdict import Verdict
from tests.conformance.generator import Story, at, healthy_web
from tests.conformance.seeded.case import Defect


def budget(events: Iterable[Event]) -> Verdict:
    return budget_respected(events, budget="pdb/demo/web", since=at(0))


def replaced(events: Iterable[Event]) -> Verdict:
    return replaced_within(events, node="worker", within_s=30, since=at(0))


def emptied(events: Iterable[Event]) -> Verdict:
    return node_emptied(events, node="worker", since=at(0))


def open_again(events: Iterable[Event]) -> Verdict:
    return node_schedulable(events, node="worker")


def steady(events: Iterable[Event]) -> Verdict:
    return steady_state_held(events, experiment="drain")


def drained(*, min_available: int | str | None = 2) -> Story:
    """Three pods, one of them on the worker that is cordoned."""
    story = Story().deployment(-60, 3).deployment(-60, 3, name="other").node(-60)
    story.pod(-60, "web-1", change="LISTED")
    for name in ("web-2", "web-3"):
        story.pod(-60, name, change="LISTED", node="worker2")
    if min_available is not None:
        story.pdb(-60, min_available=min_available)
    return story.node(0.5, cordoned=True)


def evicted_again_at(second: float) -> Story:
    story = drained().pod(1, "web-1", deleting=True).pod(3, "web-4", change="ADDED", node="worker2")
    return story.pod(second, "web-2", deleting=True, node="worker2").end(60)


def budgeted(demand: int | None) -> Story:
    return drained(min_available=demand).pod(1, "web-1", deleting=True).end(60)


def moved(after: float | None, *, workload: str = "web") -> Story:
    story = drained().pod(1, "web-1", deleting=True)
    story.pod(1.2, "web-9", change="ADDED", ready=False, node="worker2", workload=workload)
    if after is not None:
        story.pod(1 + after, "web-9", node="worker2", workload=workload)
    return story.pod(2, "web-1", change="DELETED").end(70)


def moved_with(gap: tuple[float, float]) -> Story:
    return moved(3).gap(*gap)


def left(pod: str | None) -> Story:
    """All go but this one."""
    story = drained().pod(-60, "web-8", change="LISTED")
    for name in ("web-1", "web-8"):
        if name != pod:
            story.pod(2, name, change="DELETED")
    return story.end(60)


def held_before(node: str) -> Story:
    return drained().pod(-30, "web-1", node=node).pod(2, "web-1", change="DELETED", node=node).end(60)


def given_back(*, cordoned: bool = False, ready: bool = True, until: float = 30) -> Story:
    return drained().node(20, cordoned=cordoned, ready=ready).end(until)


def experiment(deviated: bool) -> Story:
    probe = {"name": "web answers", "output": 503 if deviated else 200, "tolerance": 200}
    facts = {"hypothesis": "web answers", "journal": "drain.journal.json", "probes": [probe]}
    return healthy_web().add(30, "harness", "experiment", "drain", deviated=deviated, **facts).end(40)


DEFECTS = [
    Defect(
        name="two evicted at once",
        judge=budget, verdict="violated", says="1 of 2",
        story=evicted_again_at, healthy=4.0, wrong=1.01,
    ),
    Defect(
        name="budget that nobody set",
        judge=budget, verdict="unknown", says="does not show pdb/demo/web",
        story=budgeted, healthy=2, wrong=None,
    ),
    Defect(
        name="eviction that the budget forbade",
        judge=budget, verdict="violated", says="2 of 3",
        story=budgeted, healthy=2, wrong=3,
    ),
    Defect(
        name="watch lost while evicting",
        judge=budget, verdict="unknown", says="nothing is known of pod/demo",
        story=moved_with, healthy=(-9.0, -8.0), wrong=(1.5, 1.6),
    ),
    Defect(
        name="replacement never Ready",
        judge=replaced, verdict="violated", says="web-9 not Ready",
        story=moved, healthy=3.0, wrong=None,
    ),
    Defect(
        name="replacement after 30.5 s",
        judge=replaced, verdict="violated", says="too late",
        story=moved, healthy=29.5, wrong=30.5,
    ),
    Defect(
        name="replacement of another deployment on the other node",
        judge=replaced, verdict="violated", says="no replacement not Ready",
        story=lambda workload: moved(3, workload=workload), healthy="web", wrong="other",
    ),
    Defect(
        name="watch lost while replacing",
        judge=replaced, verdict="unknown", says="nothing is known of pod/demo",
        story=moved_with, healthy=(-9.0, -8.0), wrong=(1.5, 1.6),
    ),
    Defect(
        name="pod left on the node",
        judge=emptied, verdict="violated", says="still there: web-8",
        story=left, healthy=None, wrong="web-8",
    ),
    Defect(
        name="node that held nothing",
        judge=emptied, verdict="unknown", says="it held no movable pod before",
        story=held_before, healthy="worker", wrong="worker2",
    ),
    Defect(
        name="cordon left behind",
        judge=open_again, verdict="violated", says="it is Ready, cordoned",
        story=lambda cordoned: given_back(cordoned=cordoned), healthy=False, wrong=True,
    ),
    Defect(
        name="node that does not come back",
        judge=open_again, verdict="violated", says="it is not Ready, open",
        story=lambda ready: given_back(ready=ready), healthy=True, wrong=False,
    ),
    Defect(
        name="node's watch lost at the end",
        judge=open_again, verdict="unknown", says="nothing is known of node/",
        story=lambda gap: given_back().gap(*gap, resource="node", ns=""),
        healthy=(10.0, 11.0), wrong=(25.0, None),
    ),
    Defect(
        name="steady state lost",
        judge=steady, verdict="violated", says="the steady state was lost",
        story=experiment, healthy=False, wrong=True,
    ),
]  # fmt: skip
