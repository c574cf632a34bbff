"""Maintenance: the budget, the service, the node."""

from __future__ import annotations

from typing import Any

import pytest

from aftershock.judge.maintenance import budget_respected, node_emptied, node_schedulable, service_answered
from aftershock.verdict import Verdict
from tests.conformance.generator import URL, Story, at, healthy_web


class TestBudget:
    def judge(self, story: Story, **options: Any) -> Verdict:
        return budget_respected(story.timeline, budget="pdb/demo/web", since=at(0), **options)

    def test_never_below_is_met(self) -> None:
        story = healthy_web().pdb(-60, min_available=2).pod(1, "web-1", deleting=True)
        verdict = self.judge(story.pod(1.1, "web-4", change="ADDED", ready=False).pod(4, "web-4").end(60))
        assert (verdict.status, verdict.observed) == ("met", 2)
        assert "closest at 12:00:01" in verdict.evidence[0]

    def test_two_at_once_is_violated_however_short(self) -> None:
        story = healthy_web().pdb(-60, min_available=2)
        story.pod(1, "web-1", deleting=True).pod(1.01, "web-2", deleting=True).pod(
            1.02, "web-4", change="ADDED"
        )
        verdict = self.judge(story.end(60))
        assert (verdict.status, verdict.observed) == ("violated", 1)

    def test_state_at_the_beginning_counts(self) -> None:
        story = healthy_web(1).pdb(-60, min_available=2).end(60)
        assert self.judge(story).status == "violated"

    def test_after_the_window_does_not_count(self) -> None:
        story = healthy_web().pdb(-60, min_available=3).pod(40, "web-1", deleting=True).end(60)
        assert self.judge(story, until=at(30)).status == "met"
        assert self.judge(story).status == "violated"

    @pytest.mark.parametrize(
        ("rule", "status"),
        [
            ({"min_available": "50%"}, "met"),  # 1.5 of 3, rounded up: 2
            ({"min_available": "67%"}, "violated"),  # 2.01, rounded up: 3
            ({"max_unavailable": 1}, "met"),
            ({"max_unavailable": "30%"}, "met"),  # 0.9, rounded up: 1
            ({"max_unavailable": 0}, "violated"),
        ],
    )
    def test_percentages_and_max_unavailable(self, rule: dict[str, Any], status: str) -> None:
        story = healthy_web().pdb(-60, **rule).pod(1, "web-1", deleting=True).end(60)
        assert self.judge(story).status == status

    def test_pods_of_others_do_not_help(self) -> None:
        story = healthy_web(2).pdb(-60, min_available=2).deployment(-60, 1, name="other")
        story.pod(-60, "other-1", change="LISTED", workload="other").pod(1, "web-1", ready=False).end(60)
        assert self.judge(story).status == "violated"

    def test_gap_and_missing_budget_are_unknown(self) -> None:
        assert self.judge(healthy_web().pdb(-60, min_available=2).gap(1, 2).end(60)).status == "unknown"
        assert self.judge(healthy_web().end(60)).status == "unknown"


class TestService:
    def judge(self, story: Story, **options: Any) -> Verdict:
        return service_answered(story.timeline, url=URL, since=at(0), **options)

    def test_no_failed_probe_is_met(self) -> None:
        verdict = self.judge(Story().probes(-1, 30).end(30))
        assert verdict.status == "met"
        assert verdict.observed == "0 of 601 probes failed"

    def test_one_failed_probe_is_violated_and_shown(self) -> None:
        verdict = self.judge(Story().probes(-1, 30, down=[(10, 10.04)]).end(30))
        assert verdict.status == "violated"
        assert verdict.observed == "1 of 601 probes failed"
        assert any("refused" in line for line in verdict.evidence)
        assert any("longest 0.05 s" in line for line in verdict.evidence)

    def test_ratio_allows_some(self) -> None:
        story = Story().probes(-1, 30, down=[(10, 10.11)]).end(30)  # 3 of 601
        assert self.judge(story, max_error_ratio=0.005).status == "met"
        assert self.judge(story, max_error_ratio=0.004).status == "violated"

    def test_overlapping_outages_are_not_summed(self) -> None:
        verdict = self.judge(Story().probes(-1, 30, down=[(10, 12), (11, 13)]).end(30))
        assert any("1 outages, the longest 3.00 s" in line for line in verdict.evidence)

    def test_hole_is_unknown_unless_enough_was_seen(self) -> None:
        story = Story().probes(-1, 10).probes(20, 30, announce=False).end(30)
        assert self.judge(story).status == "unknown"
        story = Story().probes(-1, 10, down=[(1, 2)]).probes(20, 30, announce=False).end(30)
        assert self.judge(story).status == "violated"

    def test_probe_that_stopped_early_or_never_was_is_unknown(self) -> None:
        assert self.judge(Story().probes(-1, 20).end(30)).status == "unknown"
        assert self.judge(Story().end(30)).status == "unknown"
        assert self.judge(Story()).status == "unknown"

    def test_probe_that_was_stopped_ends_its_record(self) -> None:
        story = Story().probes(-1, 20).add(20.1, "client", "probing", URL, state="stopped").end(60)
        assert self.judge(story).status == "met"


class TestNode:
    def emptied(self, story: Story) -> Verdict:
        return node_emptied(story.timeline, node="worker", since=at(0))

    def test_emptied(self) -> None:
        story = healthy_web(2).pod(3, "web-1", change="DELETED").pod(5, "web-2", change="DELETED").end(30)
        verdict = self.emptied(story)
        assert verdict.status == "met"
        assert "after 5.0 s" in verdict.evidence[1]

    def test_daemon_sets_static_finished_and_bare_pods_may_stay(self) -> None:
        story = healthy_web(1).pod(3, "web-1", change="DELETED")
        daemon = {"kind": "DaemonSet", "name": "agent", "uid": "ds"}
        story.pod(-60, "agent-1", change="LISTED", owner=daemon)
        story.pod(-60, "static", change="LISTED", workload=None, mirror=True)
        story.pod(-60, "bare", change="LISTED", workload=None)
        story.pod(-60, "job", change="LISTED", workload=None, phase="Succeeded").end(30)
        assert self.emptied(story).status == "met"

    def test_pod_that_stays_is_violated(self) -> None:
        verdict = self.emptied(healthy_web(2).pod(3, "web-1", change="DELETED").end(30))
        assert verdict.status == "violated"
        assert "web-2" in verdict.reason
        assert self.emptied(healthy_web(2).end(30)).status == "violated"

    def test_nothing_there_before_proves_nothing(self) -> None:
        story = healthy_web(1).pod(-10, "web-1", change="DELETED").end(30)
        assert self.emptied(story).status == "unknown"
        assert self.emptied(Story().end(30)).status == "unknown"
        assert self.emptied(healthy_web().gap(1, 2).end(30)).status == "unknown"

    def schedulable(self, story: Story) -> Verdict:
        return node_schedulable(story.timeline, node="worker")

    def test_given_back(self) -> None:
        story = Story().node(-60).node(1, cordoned=True).node(20).end(30)
        verdict = self.schedulable(story)
        assert verdict.status == "met"
        assert verdict.evidence == ("cordoned 12:00:01.000", "uncordoned 12:00:20.000")

    def test_cordoned_unready_or_deleted_is_violated(self) -> None:
        assert self.schedulable(Story().node(-60).node(1, cordoned=True).end(30)).status == "violated"
        assert self.schedulable(Story().node(-60).node(1, ready=False).end(30)).status == "violated"

    def test_unseen_is_unknown(self) -> None:
        assert self.schedulable(Story().end(30)).status == "unknown"
        assert self.schedulable(Story().node(-60).gap(20, 40, "node", "").end(40)).status == "unknown"
