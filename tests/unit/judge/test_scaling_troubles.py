"""What keeps an HPA from its work: each seen as what it is, and as nothing else."""

from __future__ import annotations

from typing import Any

import pytest

from aftershock.judge.scaling import scaled_by_formula
from aftershock.judge.scaling_troubles import TROUBLES, hpa_in_trouble
from aftershock.verdict import Verdict
from tests.conformance.generator import Story, at, healthy_web, whole

HPA = "hpa/demo/web"
CPU = [{"type": "Resource", "name": "cpu", "percent": 50, "average_m": None}]
DOWN = (
    "ScalingActive",
    "False",
    "FailedGetResourceMetric",
    "failed to get cpu utilization: unable to get metrics for resource cpu: unable to fetch metrics",
)
BARE = (
    "ScalingActive",
    "False",
    "FailedGetResourceMetric",
    "failed to get cpu utilization: missing request for cpu in container main of Pod web-1",
)
NOWHERE = (
    "AbleToScale",
    "False",
    "FailedGetScale",
    'the HPA controller was unable to get the target\'s current scale: deployments.apps "web" not found',
)
FULL = ("ScalingLimited", "True", "TooManyReplicas", "the desired replica count is more than the maximum")
NO_ROOM = "0/3 nodes are available: 2 Insufficient cpu, 1 node(s) had untolerated taint"


def calm() -> Story:
    return healthy_web().hpa(-60, targets=CPU, desired=3, last_scale_at=whole(-300))


def at_maximum() -> Story:
    return calm().condition(20, *FULL, targets=CPU)


def without_metrics() -> Story:
    return calm().condition(20, *DOWN, targets=CPU)


def without_request() -> Story:
    story = Story().deployment(-60, 1).pod(-60, "web-1", change="LISTED", request_m=None)
    return story.hpa(-60, targets=CPU).condition(20, *BARE, targets=CPU)


def without_target() -> Story:
    return Story().hpa(-60, targets=CPU).condition(20, *NOWHERE, targets=CPU)


def by_hand() -> Story:
    story = calm().deployment(20, 5, change="MODIFIED")
    return story.hpa(25, change="MODIFIED", targets=CPU, desired=3, last_scale_at=whole(-300))


def short_of_room() -> Story:
    story = calm().deployment(19, 4, change="MODIFIED")
    story.hpa(19.1, change="MODIFIED", targets=CPU, desired=4, last_scale_at=whole(19))
    story.pod(19.5, "web-4", change="ADDED", ready=None, phase="Pending", node=None, started=None)
    return story.kube_event(20, "pod/demo/web-4", "FailedScheduling", NO_ROOM)


STORIES = {
    "at its maximum": (at_maximum, "more than the maximum (10)"),
    "without metrics": (without_metrics, "unable to get metrics"),
    "without a request": (without_request, "container main of pod/demo/web-1 states none"),
    "without a target": (without_target, "the record shows no deployment/demo/web"),
    "overruled by hand": (by_hand, "3 → 5 was not the HPA's own doing"),
    "short of room": (short_of_room, "2 Insufficient cpu"),
}


def judge(story: Story, trouble: str, **options: Any) -> Verdict:
    return hpa_in_trouble(
        story.timeline, hpa=HPA, trouble=trouble, **{"within_s": 30.0, "since": at(0)} | options
    )


def test_every_trouble_has_its_story() -> None:
    assert set(STORIES) == set(TROUBLES)


@pytest.mark.parametrize("trouble", TROUBLES)
def test_it_is_seen_with_its_time_and_words(trouble: str) -> None:
    make, words = STORIES[trouble]
    verdict = judge(make().end(90), trouble)
    assert (verdict.status, verdict.observed) == ("met", 20.0), verdict.lines()
    assert words in verdict.evidence[0]


@pytest.mark.parametrize("trouble", TROUBLES)
def test_it_is_taken_for_nothing_else(trouble: str) -> None:
    story = STORIES[trouble][0]().end(90)
    for other in TROUBLES.keys() - {trouble}:
        verdict = judge(story, other)
        assert verdict.status == "violated", verdict.lines()
        assert verdict.reason.endswith(f"it is {trouble}")


@pytest.mark.parametrize("trouble", TROUBLES)
def test_a_calm_hpa_is_in_none(trouble: str) -> None:
    assert judge(calm().end(90), trouble).status == "violated"
    assert judge(calm().end(29), trouble).status == "unknown"  # it may still come
    assert judge(calm().gap(10, 12, "hpa").end(90), trouble).status == "unknown"
    assert judge(healthy_web().end(90), trouble).status == "unknown"


def test_too_late_is_violated() -> None:
    assert judge(without_metrics().end(90), "without metrics", within_s=10.0).status == "violated"


def test_what_was_so_before_counts_at_once_and_what_was_over_does_not() -> None:
    story = calm().condition(-20, *DOWN, targets=CPU)
    assert judge(story.end(90), "without metrics").observed == 0.0
    over = calm().condition(-20, *DOWN, targets=CPU).condition(-10, *FULL, targets=CPU)
    assert judge(over.end(90), "without metrics").status == "violated"


def test_the_hpas_own_resize_is_not_by_hand() -> None:
    claimed = calm().deployment(20, 5, change="MODIFIED")
    claimed.hpa(20.2, change="MODIFIED", targets=CPU, desired=5, last_scale_at=whole(20))
    assert judge(claimed.end(90), "overruled by hand").status == "violated"
    told = calm().deployment(20, 5, change="MODIFIED")
    told.kube_event(
        20.1, "horizontalpodautoscaler/demo/web", "SuccessfulRescale", "New size: 5; reason: cpu above target"
    )
    assert judge(told.end(90), "overruled by hand").status == "violated"


def test_a_resize_that_the_record_ends_after_is_nobodys_yet() -> None:
    assert (
        judge(calm().deployment(88, 5, change="MODIFIED").end(90), "overruled by hand").status == "violated"
    )


def test_pods_of_others_without_room_do_not_count() -> None:
    story = calm().pod(19, "other-1", workload=None, ready=None, phase="Pending", node=None)
    story.kube_event(20, "pod/demo/other-1", "FailedScheduling", NO_ROOM)
    assert judge(story.end(90), "short of room").status == "violated"


class TestTheFormulaSaysSo:
    def judge(self, story: Story) -> Verdict:
        story.metrics(-40, dict.fromkeys(("web-1", "web-2", "web-3"), 1))
        return scaled_by_formula(story.end(120).timeline, hpa=HPA, since=at(0))

    def test_a_resize_by_hand_makes_it_unknown(self) -> None:
        verdict = self.judge(by_hand())
        assert verdict.status == "unknown"
        assert "was not the HPA's: somebody else set it" in verdict.reason

    def test_no_request_is_why_nothing_happened(self) -> None:
        verdict = self.judge(without_request())
        assert verdict.status == "unknown"
        assert "without a request" in verdict.reason
