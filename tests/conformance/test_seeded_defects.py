"""Ways in which a system can be wrong, each with the verdict stated beforehand and a healthy twin."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from aftershock.judge.alerts import fired_within, nothing_else_fired, resolved_within
from aftershock.judge.maintenance import budget_respected, node_schedulable, service_answered
from aftershock.judge.recovery import recovered_within
from aftershock.judge.replacements import replaced_within
from aftershock.verdict import Verdict
from tests.conformance.generator import URL, Story, at, healthy_web

Judge = Callable[[Story], Verdict]
OOM = "PodOOMKilled"
POD = {"labels": {"pod": "web-1"}}


def recovers(story: Story) -> Verdict:
    return recovered_within(story.timeline, workload="deployment/demo/web", within_s=30)


def fires(story: Story) -> Verdict:
    return fired_within(story.timeline, alert=OOM, within_s=20, labels={"pod": "web-1"})


def resolves(story: Story) -> Verdict:
    return resolved_within(story.timeline, alert=OOM, within_s=60)


def alone(story: Story) -> Verdict:
    return nothing_else_fired(story.timeline, expected=[OOM])


def budget(story: Story) -> Verdict:
    return budget_respected(story.timeline, budget="pdb/demo/web", since=at(0))


def answers(story: Story) -> Verdict:
    return service_answered(story.timeline, url=URL, since=at(0))


def replaced(story: Story) -> Verdict:
    return replaced_within(story.timeline, node="worker", within_s=30, since=at(0))


def open_again(story: Story) -> Verdict:
    return node_schedulable(story.timeline, node="worker")


def hurt() -> Story:
    return healthy_web().injected(0).pod(1, "web-1", ready=False)


def faulted() -> Story:
    return Story().injected(0)


def drained() -> Story:
    return healthy_web().pdb(-60, min_available=2).node(-60).node(0.5, cordoned=True)


HEALTHY: list[tuple[str, Judge, Story]] = [
    ("restart", recovers, hurt().pod(3, "web-1", restarts=1).end(30)),
    ("recovery of 29.7 s", recovers, hurt().pod(30.7, "web-1").end(60)),
    ("replacement of its own", recovers, hurt().pod(2, "web-1", change="DELETED").pod(4, "web-9").end(30)),
    ("alert in time", fires, faulted().alerts(-5, 90, (OOM, 6, 60, POD))),
    ("alert that resolves", resolves, faulted().alerts(-5, 90, (OOM, 6, 50, POD))),
    ("only the expected", alone, faulted().alerts(-5, 90, (OOM, 6, 50, POD))),
    ("one by one", budget, drained().pod(1, "web-1", deleting=True).pod(3, "web-9").end(30)),
    ("no failed probe", answers, faulted().probes(-1, 30).end(30)),
    ("moved", replaced, drained().pod(1, "web-1", deleting=True).pod(3, "web-9", node="other").end(40)),
    ("uncordoned", open_again, drained().node(20).end(30)),
]

DEFECTS: list[tuple[str, Judge, str, Story]] = [
    ("readiness stuck", recovers, "violated", hurt().end(60)),
    ("recovery of 30.3 s", recovers, "violated", hurt().pod(31.3, "web-1").end(60)),
    ("recovery on the edge", recovers, "unknown", hurt().pod(31.05, "web-1").end(60)),
    (
        "replacement of another deployment",
        recovers,
        "violated",
        hurt().pod(2, "web-1", change="DELETED").pod(4, "other-1", workload="other").end(60),
    ),
    ("fault without effect", recovers, "unknown", healthy_web().injected(0).end(60)),
    ("flap that never settles", recovers, "violated", _flapping := hurt()),
    ("watch lost in the outage", recovers, "unknown", hurt().gap(1.5, 2.5).pod(3, "web-1").end(60)),
    ("record ends in the outage", recovers, "unknown", hurt().end(10)),
    ("sick before", recovers, "unknown", healthy_web().pod(-1, "web-1", ready=False).injected(0).end(60)),
    ("alert with the wrong label", fires, "violated", faulted().alerts(-5, 90, (OOM, 6, 60))),
    ("alert too late", fires, "violated", faulted().alerts(-5, 90, (OOM, 26, 60, POD))),
    (
        "alert only pending",
        fires,
        "violated",
        faulted().alerts(-5, 90, (OOM, 6, 60, POD | {"state": "pending"})),
    ),
    ("rule missing", fires, "unknown", faulted().alerts(-5, 90, rules=["NodeNotReady"])),
    ("rule broken", fires, "unknown", faulted().alerts(-5, 90, health="err")),
    ("already firing", fires, "unknown", faulted().alerts(-5, 90, (OOM, -4, 60, POD))),
    ("evaluation skipped", fires, "unknown", faulted().alerts(-5, 90, missed=2)),
    ("Prometheus restarted", fires, "unknown", faulted().alerts(-5, 90, evaluations=11)),
    ("Prometheus stopped evaluating", fires, "unknown", faulted().alerts(-5, 90, last_evaluation=None)),
    (
        "clock skewed by more than the margin",
        fires,
        "unknown",
        faulted().alerts(-5, 90, (OOM, 19, 60, POD), resolution_s=3.0),
    ),
    ("alert that never resolves", resolves, "violated", faulted().alerts(-5, 90, (OOM, 6, 89, POD))),
    (
        "alert that comes back",
        resolves,
        "violated",
        faulted().alerts(-5, 120, (OOM, 6, 20, POD), (OOM, 80, 90, POD)),
    ),
    ("false alarm", alone, "violated", faulted().alerts(-5, 90, (OOM, 6, 50, POD), ("NodeNotReady", 30, 30))),
    ("silence without evaluation", alone, "unknown", faulted().alerts(-5, 90, evaluations=0)),
    ("look back too short", alone, "unknown", faulted().alerts(20, 90)),
    (
        "two at once",
        budget,
        "violated",
        drained().pod(1, "web-1", deleting=True).pod(1.01, "web-2", deleting=True).end(30),
    ),
    ("budget not seen", budget, "unknown", healthy_web().end(30)),
    ("one lost request", answers, "violated", faulted().probes(-1, 30, down=[(9, 9.02)]).end(30)),
    ("probe that hung", answers, "unknown", faulted().probes(-1, 9).end(30)),
    (
        "replacement never Ready",
        replaced,
        "violated",
        drained().pod(1, "web-1", deleting=True).pod(3, "web-9", ready=False).end(60),
    ),
    ("cordon left behind", open_again, "violated", drained().end(30)),
]

for _second in range(2, 60, 4):
    _flapping.pod(_second, "web-1").pod(_second + 2, "web-1", ready=False)
_flapping.end(62)


@pytest.mark.parametrize(("name", "judge", "story"), HEALTHY, ids=[name for name, *_ in HEALTHY])
def test_healthy_twin_is_met(name: str, judge: Judge, story: Story) -> None:
    verdict = judge(story)
    assert verdict.status == "met", "\n".join(verdict.lines())


@pytest.mark.parametrize(("name", "judge", "status", "story"), DEFECTS, ids=[name for name, *_ in DEFECTS])
def test_defect_gets_its_verdict_and_its_reason(name: str, judge: Judge, status: str, story: Story) -> None:
    verdict = judge(story)
    assert verdict.status == status, "\n".join(verdict.lines())
    assert verdict.reason


def test_every_judge_with_a_defect_has_a_healthy_twin() -> None:
    assert {judge for _, judge, _, _ in DEFECTS} <= {judge for _, judge, _ in HEALTHY}
