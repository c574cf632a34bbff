"""Scaling: every resize against the formula, and the resizes that had to come."""

from __future__ import annotations

from typing import Any, ClassVar

import pytest

from aftershock.judge.scaling import cpu_passed, scaled_by_formula
from aftershock.verdict import Verdict
from tests.conformance.generator import Story, at, healthy_web

WINDOW_30 = {
    "scaleUp": {
        "stabilizationWindowSeconds": 30,
        "policies": [{"type": "Percent", "value": 100, "periodSeconds": 30}],
    },
    "scaleDown": {
        "stabilizationWindowSeconds": 300,
        "policies": [{"type": "Percent", "value": 25, "periodSeconds": 60}],
    },
}
WINDOW_0: dict[str, Any] = {**WINDOW_30, "scaleUp": {**WINDOW_30["scaleUp"], "stabilizationWindowSeconds": 0}}


def load(
    each: int, *, behavior: dict[str, Any] | None = None, start: float = 5.0, end: float = 120.0
) -> Story:
    """Three pods, idle from -40 on, then at `each` millicores of 100 from `start` to `end`."""
    story = healthy_web().hpa(-60, behavior=behavior or WINDOW_0)
    for when in range(-40, int(end), 10):
        value = each if when >= start else 1
        story.metrics(when, {f"web-{number}": value for number in (1, 2, 3)})
    return story.end(end)


def judge(story: Story, **options: Any) -> Verdict:
    return scaled_by_formula(story.timeline, hpa="hpa/demo/web", since=at(0), **options)


def test_resize_by_the_formula_is_met() -> None:
    verdict = judge(load(90).deployment(22, 6, change="MODIFIED"))
    assert verdict.status == "met", verdict.lines()
    assert verdict.observed == "3 → 6"
    assert "formula admits 6" in verdict.evidence[0]


@pytest.mark.parametrize("after", [4, 5, 7])
def test_resize_beside_the_formula_is_violated(after: int) -> None:
    verdict = judge(load(90).deployment(22, after, change="MODIFIED"))
    assert verdict.status == "violated"
    assert "the formula admits 6" in verdict.reason


def test_what_the_hpa_was_told_before_counts_as_it_was_at_the_start() -> None:
    """A target that was changed before the load began is the one that counts."""
    story = load(90).hpa(-50, change="MODIFIED", percent=100, behavior=WINDOW_0)
    verdict = judge(story.deployment(22, 6, change="MODIFIED"))
    assert verdict.status == "violated"
    assert "the formula admits 3" in verdict.reason


def test_an_hpa_that_is_changed_in_between_is_unknown() -> None:
    story = load(90).hpa(30, change="MODIFIED", percent=100, behavior=WINDOW_0)
    verdict = judge(story.deployment(22, 6, change="MODIFIED"))
    assert verdict.status == "unknown"
    assert "was changed at" in verdict.reason
    assert judge(story, until=at(25)).status == "met"


def test_missing_resize_is_violated_once_it_had_to_come() -> None:
    verdict = judge(load(90))
    assert verdict.status == "violated"
    assert "still wanted" in verdict.reason


def test_missing_resize_is_unknown_while_it_may_still_come() -> None:
    assert judge(load(90, end=25)).status == "unknown"


def test_load_within_the_tolerance_proves_nothing() -> None:
    verdict = judge(load(55))
    assert verdict.status == "unknown"
    assert "never asked" in verdict.reason
    assert judge(load(55), expect_scale_up=False).status == "met"


def test_capped_hpa_is_not_blamed() -> None:
    story = load(90).hpa(-60, maximum=3, behavior=WINDOW_0)
    capped = Story()
    for event in story.timeline:
        if event.kind != "hpa" or event.data["max"] == 3:
            capped._events.append(event)
    assert judge(capped, expect_scale_up=False).status == "met"


def test_either_sample_may_have_been_seen_right_at_a_change() -> None:
    # New samples came at 15 (90 %); we polled at 15.0, the resize is seen at 15.3.
    story = load(66, end=14).metrics(15, {f"web-{number}": 90 for number in (1, 2, 3)}).end(30)
    for after, status in ((4, "met"), (6, "met"), (5, "violated")):
        told = Story()
        told._events = list(story._events)
        told.deployment(15.3, after, change="MODIFIED")
        assert judge(told).status == status


def test_stabilisation_window_holds_back_the_first_looks() -> None:
    quick = load(90, behavior=WINDOW_30).deployment(12, 6, change="MODIFIED")
    verdict = judge(quick)
    assert verdict.status == "violated"  # the look 15 s before recommended no more than 1
    late = load(90, behavior=WINDOW_30).deployment(45, 6, change="MODIFIED")
    assert judge(late).status == "met"


def test_policy_limits_the_second_step() -> None:
    story = load(100, end=20).deployment(16, 6, change="MODIFIED")
    for number in (4, 5, 6):
        story.pod(16, f"web-{number}", change="ADDED", ready=False, phase="Pending", started=None)
        story.pod(18, f"web-{number}", ready=True, started=16, ready_since=18)
    for when in range(20, 120, 10):
        story.metrics(when, {f"web-{number}": 100 for number in range(1, 7)})
    story.end(119)
    assert judge(story).status == "violated"  # 10 were due after 30 s
    within = Story()
    within._events = list(story._events)
    assert judge(within.deployment(35, 10, change="MODIFIED")).status == "violated"  # too soon
    after = Story()
    after._events = list(story._events)
    assert judge(after.deployment(48, 10, change="MODIFIED")).status == "met"


def test_below_the_minimum_it_goes_to_the_minimum() -> None:
    story = load(1).deployment(10, 2, change="MODIFIED").deployment(14, 3, change="MODIFIED")
    verdict = scaled_by_formula(story.timeline, hpa="hpa/demo/web", since=at(12), expect_scale_up=False)
    assert verdict.status == "met"


@pytest.mark.parametrize("resource", ["pod", "deployment", "hpa", "pod-metrics"])
def test_gap_is_unknown(resource: str) -> None:
    story = load(90).deployment(22, 6, change="MODIFIED").gap(20, 21, resource)
    assert judge(story).status == "unknown"


def test_gap_inside_the_stabilisation_window_before_is_unknown() -> None:
    story = load(90, behavior=WINDOW_30).deployment(45, 6, change="MODIFIED").gap(-20, -10)
    assert judge(story).status == "unknown"


@pytest.mark.parametrize(
    ("story", "reason"),
    [
        (healthy_web().end(60), "does not show hpa/demo/web"),
        (healthy_web().hpa(-60).end(60), "no CPU samples"),
        (healthy_web().hpa(-60, percent=None).metrics(1, {"web-1": 1}).end(60), "no target for CPU"),
        (healthy_web().hpa(-60, metrics=3).metrics(1, {"web-1": 1}).end(60), "goes by 3 metrics"),
        (Story().hpa(-60).metrics(1, {"web-1": 1}).end(60), "does not show deployment/demo/web"),
    ],
)
def test_record_that_does_not_show_it_is_unknown(story: Story, reason: str) -> None:
    verdict = judge(story)
    assert verdict.status == "unknown"
    assert reason in verdict.reason


class TestCpuPassed:
    def judge(self, story: Story, percent: float = 50) -> Verdict:
        return cpu_passed(story.timeline, hpa="hpa/demo/web", percent=percent, since=at(0))

    def test_met_with_the_first_and_the_highest(self) -> None:
        verdict = self.judge(load(90))
        assert (verdict.status, verdict.observed) == ("met", 90)
        assert "after the start" in verdict.evidence[0]

    def test_equal_is_not_above(self) -> None:
        assert self.judge(load(50)).status == "violated"
        assert self.judge(load(51)).status == "met"

    def test_gap_matters_only_where_it_was_not_seen(self) -> None:
        assert self.judge(load(90).gap(40, 45, "pod-metrics")).status == "met"
        assert self.judge(load(30).gap(40, 45, "pod-metrics")).status == "unknown"

    def test_no_sample_in_the_window_is_unknown(self) -> None:
        story = healthy_web().hpa(-60).metrics(-30, {"web-1": 90}).end(-10)
        assert self.judge(story).status == "unknown"
        assert self.judge(healthy_web().end(9)).status == "unknown"

    def test_pod_whose_metrics_went_does_not_count(self) -> None:
        gone = {"web-1": None, "web-2": None, "web-3": None}
        story = load(10, end=20).metrics(21, gone).metrics(22, {"web-1": 60}).end(30)
        assert self.judge(story).observed == 60


class TestWhichRule:
    """Where a resize differs from usage alone, or from the formula, the verdict says by which rule."""

    def test_held_by_the_policies(self) -> None:
        quarter = {**WINDOW_0["scaleUp"], "policies": [{"type": "Pods", "value": 1, "periodSeconds": 30}]}
        story = load(90, behavior={**WINDOW_0, "scaleUp": quarter}, end=40)
        verdict = judge(story.deployment(22, 4, change="MODIFIED"))
        assert verdict.status == "met", verdict.lines()
        assert verdict.evidence[0].endswith("usage alone asks for 6, held by the policies")

    @pytest.mark.parametrize(
        ("each", "after", "behavior", "rule"),
        [
            (54, 4, WINDOW_0, "the tolerance"),
            (200, 12, WINDOW_0, "the maximum"),
            (90, 6, WINDOW_30, "the stabilisation windows"),
        ],
    )
    def test_broken(self, each: int, after: int, behavior: dict[str, Any], rule: str) -> None:
        free = {**behavior["scaleUp"], "policies": [{"type": "Pods", "value": 50, "periodSeconds": 30}]}
        story = load(each, behavior={**behavior, "scaleUp": free}, end=30)
        verdict = judge(story.deployment(12, after, change="MODIFIED"))
        assert verdict.status == "violated"
        assert verdict.reason.endswith(f"it is as if without {rule}"), verdict.reason


class TestSeveralMetrics:
    TARGETS: ClassVar = [
        {"type": "Resource", "name": "cpu", "percent": 50, "average_m": None},
        {"type": "Pods", "name": "rps", "percent": None, "average_m": 1_000_000},
    ]

    def story(self, each: float | None) -> Story:
        """Idle by CPU, `each` requests per second per pod from 5 on."""
        story = healthy_web().hpa(-60, behavior=WINDOW_0, metrics=2, targets=self.TARGETS)
        for when in range(-40, 40, 10):
            story.metrics(when, {f"web-{number}": 50 for number in (1, 2, 3)})
        for when, value in ((-40, 900.0), (5, each)):
            for number in (1, 2, 3):
                data = {"namespace": "demo", "name": f"web-{number}", "metric": "rps"}
                value_m = None if value is None else round(value * 1000)
                subject = f"pod/demo/web-{number}"
                story.add(
                    when, "kubernetes", "pod-own-metric", subject, resolution_s=1.0, value_m=value_m, **data
                )
        return story.end(40)

    def test_requests_decide(self) -> None:
        verdict = judge(self.story(1600).deployment(12, 5, change="MODIFIED"))
        assert verdict.status == "met", verdict.lines()
        assert "rps at 1600 a pod" in verdict.evidence[0]
        assert judge(self.story(1600).deployment(12, 6, change="MODIFIED")).status == "violated"

    def test_one_that_was_not_recorded_is_unknown(self) -> None:
        story = healthy_web().hpa(-60, targets=self.TARGETS).metrics(1, {"web-1": 1}).end(60)
        assert "no values of rps" in judge(story).reason

    def test_other_kinds_are_unknown(self) -> None:
        strange = [{"type": "External", "name": None, "percent": None, "average_m": None}]
        story = healthy_web().hpa(-60, targets=strange).metrics(1, {"web-1": 1}).end(60)
        assert "a metric of type External" in judge(story).reason
