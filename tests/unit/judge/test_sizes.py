"""What an HPA asked for: enough, not too many, back again, without flapping."""

from __future__ import annotations

from typing import Any

import pytest

from aftershock.judge.sizes import not_flapping, returned_to, scaled_to_at_least, stayed_at_most
from aftershock.verdict import Verdict
from tests.conformance.generator import Story, at, healthy_web

HPA = "hpa/demo/web"
WINDOWS = {"scaleUp": {"stabilizationWindowSeconds": 30}, "scaleDown": {"stabilizationWindowSeconds": 60}}


def course(*sizes: tuple[float, int], end: float = 200.0, **hpa: Any) -> Story:
    """Three replicas, then so many from then on."""
    story = healthy_web().hpa(-60, behavior=WINDOWS, **hpa)
    for when, size in sizes:
        story.deployment(when, size, change="MODIFIED")
    return story.end(end)


def reaches(story: Story, *, replicas: int = 5, within_s: float = 60) -> Verdict:
    return scaled_to_at_least(story.timeline, hpa=HPA, replicas=replicas, within_s=within_s, since=at(0))


class TestScaledToAtLeast:
    def test_met_at_the_first_size_that_is_enough(self) -> None:
        verdict = reaches(course((20, 4), (40, 6), (80, 8)))
        assert (verdict.status, verdict.observed, verdict.unit) == ("met", 40.0, "s")
        assert "6 replicas" in verdict.evidence[2]

    @pytest.mark.parametrize(("when", "status"), [(59.8, "met"), (60.05, "unknown"), (61, "violated")])
    def test_bound(self, when: float, status: str) -> None:
        assert reaches(course((when, 5))).status == status

    def test_too_few_is_violated_and_says_what_was_wrong(self) -> None:
        story = course((20, 4))
        story.condition(30, "ScalingLimited", "True", "TooManyReplicas", "more than the maximum", maximum=4)
        verdict = reaches(story)
        assert verdict.status == "violated"
        assert "asked for 4 at most" in verdict.reason
        assert "at its maximum" in verdict.reason

    def test_record_that_ends_early_is_unknown(self) -> None:
        assert reaches(course((20, 4), end=59)).status == "unknown"

    def test_so_many_from_the_start_prove_nothing(self) -> None:
        verdict = reaches(course((-5, 6)))
        assert (verdict.status, verdict.reason) == ("unknown", "so many were wanted from the start")

    @pytest.mark.parametrize("resource", ["deployment", "hpa"])
    def test_gap_is_unknown_where_it_was_not_seen(self, resource: str) -> None:
        assert reaches(course((20, 4)).gap(30, 40, resource)).status == "unknown"
        assert reaches(course((20, 6)).gap(30, 40, resource)).status == "met"

    def test_what_the_record_does_not_show_is_unknown(self) -> None:
        assert "does not show hpa/demo/web" in reaches(healthy_web().end(90)).reason
        assert "does not show deployment/demo/web" in reaches(Story().hpa(-60).end(90)).reason


class TestStayedAtMost:
    def judge(self, story: Story, replicas: int = 6) -> Verdict:
        return stayed_at_most(story.timeline, hpa=HPA, replicas=replicas, since=at(0))

    def test_equal_is_allowed(self) -> None:
        verdict = self.judge(course((20, 6), (60, 3)))
        assert (verdict.status, verdict.observed) == ("met", "3 → 6 → 3")

    def test_one_moment_above_is_violated(self) -> None:
        verdict = self.judge(course((20, 7), (20.2, 6)))
        assert verdict.status == "violated"
        assert verdict.reason.startswith("7 from 12:00:20")

    def test_gap_is_unknown_unless_it_was_seen_above(self) -> None:
        assert self.judge(course((20, 6)).gap(30, 31, "deployment")).status == "unknown"
        assert self.judge(course((20, 8)).gap(30, 31, "deployment")).status == "violated"


class TestReturnedTo:
    def judge(self, story: Story, within_s: float = 120) -> Verdict:
        return returned_to(story.timeline, hpa=HPA, replicas=3, within_s=within_s, since=at(0))

    def test_counted_to_the_beginning_of_the_last_stay(self) -> None:
        verdict = self.judge(course((-10, 6), (40, 4), (60, 3), (70, 5), (90, 3)))
        assert (verdict.status, verdict.observed) == ("met", 90.0)

    def test_too_late(self) -> None:
        assert self.judge(course((-10, 6), (130, 3))).status == "violated"

    def test_still_above(self) -> None:
        verdict = self.judge(course((-10, 6), (40, 4)))
        assert (verdict.status, verdict.reason) == ("violated", "it is still at 4")
        assert self.judge(course((-10, 6), (40, 4), end=100)).status == "unknown"

    def test_nothing_to_return_from(self) -> None:
        assert "nothing had to return" in self.judge(course()).reason

    def test_gap(self) -> None:
        assert self.judge(course((-10, 6), (40, 3)).gap(50, 51, "deployment")).status == "unknown"


class TestNotFlapping:
    def judge(self, story: Story) -> Verdict:
        return not_flapping(story.timeline, hpa=HPA, since=at(0))

    def test_up_and_much_later_down(self) -> None:
        assert self.judge(course((20, 6), (50, 8), (111, 6), (180, 4))).status == "met"

    @pytest.mark.parametrize(("down", "status"), [(79, "violated"), (81, "met")])
    def test_down_after_up_within_the_window(self, down: float, status: str) -> None:
        verdict = self.judge(course((20, 6), (down, 4)))
        assert verdict.status == status
        assert status == "met" or verdict.reason == "+3 at 12:00:20.000, -2 only 59.0 s later"

    def test_up_after_down_within_the_window(self) -> None:
        assert self.judge(course((-10, 6), (10, 4), (40, 6))).status == "violated"

    def test_nothing_resized_proves_nothing(self) -> None:
        verdict = self.judge(course())
        assert (verdict.status, verdict.reason) == ("unknown", "nothing was resized")

    def test_gap(self) -> None:
        assert self.judge(course((20, 6)).gap(30, 31, "deployment")).status == "unknown"
