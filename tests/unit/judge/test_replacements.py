"""Replacements: pods of the same owner, in the order they came."""

from __future__ import annotations

import pytest

from aftershock.judge.replacements import replaced_within
from aftershock.verdict import Verdict
from tests.conformance.generator import Story, at, healthy_web


def judge(story: Story) -> Verdict:
    return replaced_within(story.timeline, node="worker", within_s=30, since=at(0))


def moved(ready: float, *, left: float = 2.0, end: float = 90.0) -> Story:
    story = healthy_web().pod(left, "web-1", deleting=True)
    story.pod(left + 0.1, "web-9", change="ADDED", ready=False, node="worker2")
    return story.pod(ready, "web-9", node="worker2").end(end)


@pytest.mark.parametrize(
    ("ready", "status"),
    [(5.0, "met"), (31.7, "met"), (31.9, "unknown"), (32.1, "unknown"), (32.3, "violated")],
)
def test_bound(ready: float, status: str) -> None:
    verdict = judge(moved(ready))
    assert verdict.status == status
    assert verdict.observed == pytest.approx(ready - 2.0)


def test_pod_of_another_owner_is_no_replacement() -> None:
    story = healthy_web().deployment(-60, 1, name="other").pod(2, "web-1", deleting=True)
    verdict = judge(story.pod(3, "other-9", change="ADDED", workload="other").end(90))
    assert verdict.status == "violated"
    assert "no replacement" in verdict.reason


def test_slowest_of_several_counts_and_each_has_its_own() -> None:
    story = healthy_web().pod(2, "web-1", deleting=True).pod(10, "web-2", deleting=True)
    story.pod(2.1, "web-8", change="ADDED", ready=False).pod(4, "web-8")
    story.pod(10.1, "web-9", change="ADDED", ready=False).pod(17, "web-9").end(90)
    verdict = judge(story)
    assert verdict.observed == pytest.approx(7.0)
    assert len(verdict.evidence) == 2


def test_pods_elsewhere_daemons_and_bare_pods_are_not_counted() -> None:
    story = (
        healthy_web(1)
        .pod(-60, "web-5", change="LISTED", node="worker2")
        .pod(3, "web-5", node="worker2", deleting=True)
    )
    daemon = {"kind": "DaemonSet", "name": "agent", "uid": "ds"}
    story.pod(-60, "agent", change="LISTED", owner=daemon).pod(3, "agent", owner=daemon, deleting=True)
    story.pod(-60, "bare", change="LISTED", workload=None).pod(
        3, "bare", workload=None, change="DELETED"
    ).end(90)
    assert judge(story).status == "unknown"


def test_owner_that_wants_fewer_needs_none() -> None:
    story = healthy_web().deployment(1.5, 2, change="MODIFIED").pod(2, "web-1", deleting=True)
    verdict = judge(story.pod(4, "web-1", change="DELETED").end(90))
    assert verdict.status == "met"
    assert "needed no replacement" in verdict.evidence[0]


def test_record_that_ends_early_is_unknown() -> None:
    story = healthy_web().pod(2, "web-1", deleting=True).end(20)
    assert judge(story).status == "unknown"


def test_gap_and_empty_record_are_unknown() -> None:
    assert judge(moved(5).gap(3, 4)).status == "unknown"
    assert judge(Story()).status == "unknown"
