"""Added replicas: Ready, in the endpoints, and answering."""

from __future__ import annotations

from typing import Any

import pytest

from aftershock.judge.serving import added_replicas_serve
from aftershock.verdict import Verdict
from tests.conformance.generator import Story, at, healthy_web


def grown(ready: float | None = 14.0, routed: float | None = 14.5, *, end: float = 90.0) -> Story:
    """Three become four at 10; web-4 is Ready and routed then."""
    story = healthy_web().endpoints(-60, ["web-1", "web-2", "web-3"])
    story.deployment(10.0, 4, change="MODIFIED").pod(10.1, "web-4", change="ADDED", ready=False)
    if ready is not None:
        story.pod(ready, "web-4")
    if routed is not None:
        story.endpoints(routed, ["web-1", "web-2", "web-3", "web-4"])
    return story.end(end)


def judge(story: Story, **options: Any) -> Verdict:
    return added_replicas_serve(
        story.timeline, workload="deployment/demo/web", service="web", within_s=30, since=at(0), **options
    )


def served(story: Story, requests: int) -> Story:
    return story.add(80, "client", "served", "pod/demo/web-4", requests=requests, by="status page")


def test_ready_routed_and_answering_is_met() -> None:
    verdict = judge(served(grown(), 17))
    assert verdict.status == "met"
    assert verdict.observed == pytest.approx(4.5)
    assert "answered 17 requests" in verdict.evidence[0]


def test_requests_must_be_proven_unless_told_otherwise() -> None:
    assert judge(grown()).status == "unknown"
    assert judge(grown(), need_requests=False).status == "met"
    verdict = judge(served(grown(), 0))
    assert verdict.status == "violated"
    assert "answered no request" in verdict.reason


@pytest.mark.parametrize(
    ("routed", "status"), [(39.7, "met"), (39.9, "unknown"), (40.1, "unknown"), (40.3, "violated")]
)
def test_bound(routed: float, status: str) -> None:
    assert judge(grown(routed=routed), need_requests=False).status == status


def test_ready_but_never_routed_is_violated() -> None:
    assert judge(grown(routed=None)).status == "violated"
    assert judge(grown(ready=None)).status == "violated"


def test_record_that_ends_early_is_unknown() -> None:
    assert judge(grown(routed=None, end=30)).status == "unknown"


def test_pod_that_was_taken_away_again_is_left_out() -> None:
    story = grown(ready=None, routed=None).pod(20.0, "web-4", ready=False, deleting=True)
    verdict = judge(story)
    assert verdict.status == "unknown"
    assert "stayed long enough" in verdict.reason


def test_pods_of_others_and_from_before_do_not_count() -> None:
    story = healthy_web().deployment(-60, 1, name="other")
    story.pod(12, "other-1", change="ADDED", workload="other", ready=False).end(90)
    assert judge(story).status == "unknown"


def test_replacement_without_a_resize_does_not_count() -> None:
    story = (
        healthy_web().pod(5, "web-1", change="DELETED").pod(5.1, "web-9", change="ADDED", ready=False).end(90)
    )
    assert judge(story).status == "unknown"


def test_gap_and_empty_record_are_unknown() -> None:
    assert judge(grown().gap(12, 13, "endpointslice")).status == "unknown"
    assert judge(Story()).status == "unknown"


@pytest.mark.parametrize("seen", [59.9, 60.0, 60.1])
def test_a_pod_of_a_second_resize_counts_from_that_whichever_watch_tells_first(seen: float) -> None:
    story = grown(end=120)
    story.pod(seen, "web-5", change="ADDED", ready=False).deployment(60.0, 5, change="MODIFIED")
    story.pod(62.0, "web-5").endpoints(62.0, ["web-1", "web-2", "web-3", "web-4", "web-5"])
    verdict = judge(story, need_requests=False)
    assert verdict.status == "met", verdict.lines()
    assert verdict.observed == pytest.approx(4.5)
    assert len(verdict.evidence) == 2


def test_a_pod_that_came_well_before_a_resize_is_none_of_its() -> None:
    story = (
        grown(end=120).pod(59.5, "web-5", change="ADDED", ready=False).deployment(60.0, 5, change="MODIFIED")
    )
    assert judge(story.pod(62.0, "web-5"), need_requests=False).status == "violated"
