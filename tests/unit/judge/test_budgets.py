"""Budgets limit evictions, and not an HPA's scale-down."""

from __future__ import annotations

import pytest

from aftershock.judge.budgets import evictions_refused, scaled_down_past_budget
from aftershock.verdict import Verdict
from tests.conformance.generator import Story, at, healthy_web, whole

WEB = "deployment/demo/web"


def asked(story: Story, when: float, *, refused: bool, pod: str = "web-1") -> Story:
    said = "Cannot evict pod as it would violate the pod's disruption budget." if refused else "it would be"
    return story.add(when, "client", "eviction-asked", f"pod/demo/{pod}", refused=refused, said=said)


class TestEvictionsRefused:
    def judge(self, story: Story) -> Verdict:
        return evictions_refused(story.end(60).timeline, workload=WEB, since=at(0))

    def test_all_refused(self) -> None:
        story = asked(asked(healthy_web(), 1, refused=True), 2, refused=True, pod="web-2")
        verdict = self.judge(story)
        assert (verdict.status, verdict.observed) == ("met", "2 of 2 refused")
        assert "disruption budget" in verdict.evidence[0]

    def test_one_allowed(self) -> None:
        story = asked(asked(healthy_web(), 1, refused=True), 2, refused=False, pod="web-2")
        verdict = self.judge(story)
        assert (verdict.status, verdict.reason) == ("violated", "pod/demo/web-2 could have been evicted")

    def test_nobody_asked(self) -> None:
        assert self.judge(healthy_web()).status == "unknown"
        assert self.judge(asked(healthy_web(), -1, refused=True)).status == "unknown"
        stranger = healthy_web().pod(-60, "other", workload=None, change="LISTED")
        assert self.judge(asked(stranger, 1, refused=False, pod="other")).status == "unknown"


class TestScaledDownPastBudget:
    def story(self, allowed: int | None, *, down: float = 20, hand: bool = False) -> Story:
        story = healthy_web(6).hpa(-60, desired=6, last_scale_at=whole(-300))
        if allowed is not None:
            fields = {
                "min_available": 2,
                "max_unavailable": None,
                "selector": {"matchLabels": {"app": "web"}},
            }
            story.object(-60, "pdb", "web", change="LISTED", ns="demo", allowed=allowed, **fields)
        story.deployment(down, 4, change="MODIFIED")
        claimed = 6 if hand else 4
        scaled = whole(-300 if hand else down)
        return story.hpa(down + 0.2, change="MODIFIED", desired=claimed, last_scale_at=scaled).end(60)

    def judge(self, story: Story) -> Verdict:
        return scaled_down_past_budget(story.timeline, hpa="hpa/demo/web", since=at(0))

    def test_down_while_nothing_was_allowed(self) -> None:
        verdict = self.judge(self.story(0))
        assert (verdict.status, verdict.observed) == ("met", "6 → 4")

    @pytest.mark.parametrize("allowed", [1, 4, None])
    def test_a_budget_that_allowed_it_proves_nothing(self, allowed: int | None) -> None:
        assert self.judge(self.story(allowed)).status == "unknown"

    def test_from_before_or_by_hand_does_not_count(self) -> None:
        assert self.judge(self.story(0, down=-10)).status == "unknown"
        assert self.judge(self.story(0, hand=True)).status == "unknown"

    def test_gap_and_no_hpa(self) -> None:
        assert self.judge(self.story(1).gap(30, 31, "pdb")).status == "unknown"
        assert self.judge(healthy_web().end(9)).status == "unknown"
