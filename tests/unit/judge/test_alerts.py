"""Alerts: fired, resolved, nothing else; and why silence is often no proof."""

from __future__ import annotations

import pytest

from aftershock.judge.alerts import fired_within, nothing_else_fired, resolved_within
from aftershock.verdict import Verdict
from tests.conformance.generator import Story, at

OOM = "PodOOMKilled"
LOOP = "PodCrashLooping"
POD = {"labels": {"namespace": "demo", "pod": "web-1"}}


def fired(story: Story, *, within_s: float = 20.0, labels: dict[str, str] | None = None) -> Verdict:
    return fired_within(story.timeline, alert=OOM, within_s=within_s, labels=labels)


def story() -> Story:
    return Story().injected(0.0)


class TestFired:
    @pytest.mark.parametrize(
        ("first", "status"),
        [(7.0, "met"), (19.97, "met"), (19.99, "unknown"), (20.01, "unknown"), (20.03, "violated")],
    )
    def test_bound_is_judged_up_to_the_clocks_offset(self, first: float, status: str) -> None:
        verdict = fired(story().alerts(-10, 60, (OOM, first, 50.0, POD)))
        assert verdict.status == status
        assert verdict.observed == pytest.approx(first)

    def test_without_a_fault_it_counts_from_the_load(self) -> None:
        told = Story().add(2.0, "load", "load-started", "load/web").alerts(-10, 60, (OOM, 9.0, 50.0, POD))
        verdict = fired_within(told.timeline, alert=OOM, within_s=20.0)
        assert (verdict.status, verdict.observed) == ("met", pytest.approx(7.0))

    def test_labels_are_a_subset(self) -> None:
        told = story().alerts(-10, 60, (OOM, 7.0, 50.0, POD))
        assert fired(told, labels={"pod": "web-1"}).status == "met"
        verdict = fired(told, labels={"pod": "web-2"})
        assert verdict.status == "violated"
        assert "other labels" in verdict.reason
        assert any("web-1" in line for line in verdict.evidence)

    def test_pending_is_not_firing(self) -> None:
        told = story().alerts(-10, 60, (OOM, 7.0, 50.0, POD | {"state": "pending"}))
        verdict = fired(told)
        assert verdict.status == "violated"
        assert "pending" in verdict.evidence[0]

    def test_missing_rule_is_unknown_never_silence(self) -> None:
        verdict = fired(story().alerts(-10, 60, rules=[LOOP]))
        assert verdict.status == "unknown"
        assert "no loaded rule" in verdict.reason

    def test_firing_before_proves_nothing(self) -> None:
        verdict = fired(story().alerts(-10, 60, (OOM, -5.0, 50.0, POD)))
        assert verdict.status == "unknown"
        assert "already" in verdict.reason

    def test_other_pod_firing_before_does_not_matter(self) -> None:
        other = {"labels": {"pod": "web-2"}}
        told = story().alerts(-10, 60, (OOM, -5.0, 50.0, other), (OOM, 7.0, 50.0, POD))
        assert fired(told, labels={"pod": "web-1"}).status == "met"

    @pytest.mark.parametrize(
        ("facts", "reason"),
        [
            ({"missed": 1}, "missed 1"),
            ({"failures": 2}, "failed"),
            ({"evaluations": 9}, "evaluated 9 times"),
            ({"evaluations": None, "expected": None, "missed": None, "failures": None}, "scrape itself"),
            ({"health": "err"}, "is err"),
            ({"last_evaluation": "2026-03-01T12:00:30.0Z"}, "last evaluated"),
            ({"last_evaluation": None}, "no time"),
        ],
    )
    def test_silence_without_proof_of_evaluation_is_unknown(
        self, facts: dict[str, object], reason: str
    ) -> None:
        verdict = fired(story().alerts(-10, 60, **facts))
        assert verdict.status == "unknown"
        assert reason in verdict.reason

    def test_late_firing_after_a_missed_evaluation_is_unknown(self) -> None:
        assert fired(story().alerts(-10, 60, (OOM, 25.0, 50.0, POD), missed=1)).status == "unknown"

    def test_firing_in_time_needs_no_other_proof(self) -> None:
        assert fired(story().alerts(-10, 60, (OOM, 7.0, 50.0, POD), missed=1)).status == "met"

    def test_record_that_ends_too_early_is_unknown(self) -> None:
        assert fired(story().alerts(-10, 15)).status == "unknown"

    def test_look_back_that_begins_too_late_is_unknown(self) -> None:
        assert fired(story().alerts(5, 60)).status == "unknown"

    def test_silence_with_proof_is_violated(self) -> None:
        verdict = fired(story().alerts(-10, 60))
        assert verdict.status == "violated"
        assert verdict.observed == "did not fire"

    def test_no_look_back_and_no_injection_are_unknown(self) -> None:
        assert fired(story()).status == "unknown"
        assert fired(Story().alerts(-10, 60)).status == "unknown"

    def test_latest_look_back_counts(self) -> None:
        told = story().alerts(-10, 5).alerts(-10, 60, (OOM, 7.0, 50.0, POD))
        assert fired(told).status == "met"

    def test_latency_is_decomposed(self) -> None:
        pending = POD | {"state": "pending"}
        told = story().alerts(-10, 90, (OOM, 2.0, 5.0, pending), (OOM, 7.0, 47.0, POD))
        told.notification(8.0, OOM, "firing", namespace="demo", pod="web-1", prometheus="x")
        told.notification(8.1, OOM, "firing", namespace="demo", pod="web-2")
        told.notification(55.0, OOM, "resolved", namespace="demo", pod="web-1")
        lines = fired(told).evidence
        assert "active 12:00:02.000, +2.000 s" in lines
        assert "firing 12:00:07.000, +5.000 s" in lines
        assert "notified 12:00:08.000, +1.000 s" in lines
        assert "resolved 12:00:52.000, +44.000 s" in lines
        assert "resolution notified 12:00:55.000, +3.000 s" in lines

    def test_the_condition_is_true_from_the_proof_that_the_fault_landed(self) -> None:
        told = Story().injected(0.0, landed=False).add(1.5, "harness", "landed", "pod/demo/web-1")
        lines = fired(told.alerts(-10, 90, (OOM, 7.0, 47.0, POD))).evidence
        assert "condition true 12:00:01.500, +1.500 s" in lines
        assert "active 12:00:07.000, +5.500 s" in lines

    def test_a_proof_later_than_the_alert_says_nothing_of_the_condition(self) -> None:
        told = Story().injected(0.0, landed=False).add(8.0, "harness", "landed", "pod/demo/web-1")
        lines = fired(told.alerts(-10, 90, (OOM, 7.0, 47.0, POD))).evidence
        assert not [line for line in lines if line.startswith("condition")]
        assert "active 12:00:07.000, +7.000 s" in lines


class TestResolved:
    def test_the_whole_chain_is_told_from_the_injection(self) -> None:
        told = story().alerts(-10, 120, (OOM, 7.0, 42.0, POD))
        told.notification(9.0, OOM, "firing", namespace="demo", pod="web-1")
        told.notification(50.0, OOM, "resolved", namespace="demo", pod="web-1")
        assert self.judge(told).evidence[1:] == (
            "condition true 12:00:00.000, +0.000 s",
            "active 12:00:07.000, +7.000 s",
            "firing 12:00:07.000, +0.000 s",
            "notified 12:00:09.000, +2.000 s",
            "resolved 12:00:47.000, +38.000 s",
            "resolution notified 12:00:50.000, +3.000 s",
        )

    def judge(self, told: Story, within_s: float = 60.0) -> Verdict:
        return resolved_within(told.timeline, alert=OOM, within_s=within_s)

    @pytest.mark.parametrize(
        ("last", "status"), [(40.0, "met"), (58.0, "met"), (61.5, "unknown"), (66.0, "violated")]
    )
    def test_bound_is_judged_up_to_half_an_evaluation(self, last: float, status: str) -> None:
        assert self.judge(story().alerts(-10, 120, (OOM, 7.0, last, POD))).status == status

    def test_figure_counts_to_the_evaluation_that_ended_it(self) -> None:
        verdict = self.judge(story().alerts(-10, 120, (OOM, 7.0, 42.0, POD)))
        assert verdict.observed == pytest.approx(40.0)  # last sample at 42, gone at 47

    def test_still_firing_is_violated_only_when_the_time_is_up(self) -> None:
        assert self.judge(story().alerts(-10, 50, (OOM, 7.0, 48.0, POD))).status == "unknown"
        assert self.judge(story().alerts(-10, 90, (OOM, 7.0, 88.0, POD))).status == "violated"

    def test_never_fired_is_unknown(self) -> None:
        assert self.judge(story().alerts(-10, 90)).status == "unknown"
        assert self.judge(story()).status == "unknown"

    def test_missed_evaluations_are_no_resolution(self) -> None:
        assert self.judge(story().alerts(-10, 120, (OOM, 7.0, 40.0, POD), missed=3)).status == "unknown"

    def test_refired_counts_to_the_last_end(self) -> None:
        told = story().alerts(-10, 120, (OOM, 7.0, 20.0, POD), (OOM, 50.0, 90.0, POD))
        assert self.judge(told).status == "violated"

    def test_counted_from_a_given_instant(self) -> None:
        told = story().alerts(-10, 120, (OOM, 7.0, 42.0, POD))
        verdict = resolved_within(told.timeline, alert=OOM, within_s=30, since=at(27))
        assert verdict.observed == pytest.approx(20.0)


class TestNothingElse:
    def judge(self, told: Story, *expected: str) -> Verdict:
        return nothing_else_fired(told.timeline, expected=expected)

    def test_expected_alert_is_allowed(self) -> None:
        told = story().alerts(-10, 60, (OOM, 7.0, 50.0, POD))
        assert self.judge(told, OOM).status == "met"
        assert self.judge(told).status == "violated"

    def test_expected_by_labels(self) -> None:
        told = story().alerts(-10, 60, (OOM, 7.0, 50.0, POD))
        good = nothing_else_fired(told.timeline, expected=[{"alertname": OOM, "pod": "web-1"}])
        bad = nothing_else_fired(told.timeline, expected=[{"alertname": OOM, "pod": "web-2"}])
        assert (good.status, bad.status) == ("met", "violated")

    def test_one_short_foreign_span_is_enough(self) -> None:
        told = story().alerts(-10, 60, (OOM, 7.0, 50.0, POD), (LOOP, 20.0, 20.0, POD))
        verdict = self.judge(told, OOM)
        assert verdict.status == "violated"
        assert verdict.observed == LOOP

    def test_foreign_counts_even_where_evaluations_were_missed(self) -> None:
        assert self.judge(story().alerts(-10, 60, (LOOP, 20.0, 20.0), missed=4)).status == "violated"

    def test_pending_does_not_count(self) -> None:
        told = story().alerts(-10, 60, (LOOP, 20.0, 30.0, {"state": "pending"}))
        assert self.judge(told).status == "met"

    def test_firing_before_is_exempt_by_its_label_set(self) -> None:
        before = {"alertname": LOOP, "pod": "old"}
        told = Story().add(-5, "prometheus", "firing-before", alerts=[before]).injected(0.0)
        told.alerts(-10, 60, (LOOP, -10.0, 50.0, {"labels": {"pod": "old"}}))
        verdict = self.judge(told)
        assert verdict.status == "met"
        assert "exempt" in verdict.evidence[-1]
        told = Story().add(-5, "prometheus", "firing-before", alerts=[before]).injected(0.0)
        told.alerts(-10, 60, (LOOP, 10.0, 50.0, {"labels": {"pod": "new"}}))
        assert self.judge(told).status == "violated"

    def test_a_matter_of_cost_does_not_count_and_is_told(self) -> None:
        told = story().alerts(-10, 60, (LOOP, 7.0, 50.0, {"labels": {"category": "cost", "pod": "web-1"}}))
        verdict = self.judge(told)
        assert (verdict.status, verdict.observed) == ("met", "none")
        assert "a matter of cost" in verdict.evidence[-1]
        told = story().alerts(-10, 60, (LOOP, 7.0, 50.0, {"labels": {"category": "else", "pod": "web-1"}}))
        assert self.judge(told).status == "violated"

    def test_span_that_ended_before_does_not_count(self) -> None:
        assert self.judge(story().alerts(-100, 60, (LOOP, -90.0, -40.0))).status == "met"

    @pytest.mark.parametrize("facts", [{"missed": 1}, {"evaluations": None}, {"health": "unknown"}])
    def test_doubt_about_evaluation_is_unknown(self, facts: dict[str, object]) -> None:
        assert self.judge(story().alerts(-10, 60, **facts)).status == "unknown"

    def test_window_must_be_covered(self) -> None:
        assert self.judge(story().alerts(5, 60)).status == "unknown"
        told = story().alerts(-10, 60)
        assert nothing_else_fired(told.timeline, until=at(90)).status == "unknown"

    def test_expected_alert_without_rule_is_unknown(self) -> None:
        assert self.judge(story().alerts(-10, 60), "PodOomKilled").status == "unknown"

    def test_down_targets_are_told(self) -> None:
        verdict = self.judge(story().alerts(-10, 60, down=["kube-state-metrics 10.0.0.1:8080"]))
        assert any("kube-state-metrics" in line for line in verdict.evidence)

    def test_no_look_back_and_no_injection_are_unknown(self) -> None:
        assert self.judge(story()).status == "unknown"
        assert self.judge(Story().alerts(-10, 60)).status == "unknown"
