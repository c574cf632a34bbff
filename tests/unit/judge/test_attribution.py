"""Whose alert it is where scenarios ran side by side."""

from __future__ import annotations

from typing import Any

import pytest

from aftershock.judge.alerts import fired_within, nothing_else_fired, resolved_within
from aftershock.judge.attribution import Attribution
from tests.conformance.generator import Story

OOM = "PodOOMKilled"
OWN = {"workloads": ["demo/web"], "namespaces": []}
API = {"scenario": "api-is-killed", "workloads": ["demo/api"], "namespaces": []}
BOOK = {"scenario": "book-is-slow", "workloads": [], "namespaces": ["book"]}


def story(*others: dict[str, Any], own: dict[str, Any] = OWN) -> Story:
    """A fault on web-1 at 0 s, while others ran."""
    told = Story().deployment(-5.0, 1).deployment(-5.0, 1, name="api")
    told.pod(-5.0, "web-1").pod(-5.0, "api-1", workload="api")
    told.injected(0.0)
    return told.add(-4.0, "harness", "concurrent", "web-is-killed", own=own, others=list(others))


def labels(**named: str) -> dict[str, Any]:
    return {"labels": named}


class TestWhose:
    @pytest.mark.parametrize(
        ("named", "whose"),
        [
            ({"namespace": "demo", "pod": "web-1"}, "own"),
            ({"namespace": "demo", "pod": "api-1"}, "other"),
            ({"namespace": "demo", "pod": "api-77-x"}, "other"),  # nobody saw it; it is called so
            ({"namespace": "demo", "pod": "third-1"}, "open"),
            ({"namespace": "demo", "deployment": "web"}, "own"),
            ({"namespace": "demo", "horizontalpodautoscaler": "api"}, "other"),
            ({"namespace": "demo", "service": "cart"}, "open"),
            ({"namespace": "demo"}, "open"),
            ({"namespace": "book"}, "other"),
            ({"namespace": "book", "pod": "reviews-1"}, "other"),
            ({"namespace": "shop", "pod": "web-1"}, "open"),
            ({"node": "worker"}, "open"),
            ({}, "open"),
        ],
    )
    def test_labels_tell(self, named: dict[str, str], whose: str) -> None:
        assert Attribution.of(story(API, BOOK).timeline).whose(named) == whose

    def test_everyone_that_ran_at_some_time_counts(self) -> None:
        told = story(API).add(30.0, "harness", "concurrent", "web-is-killed", own=OWN, others=[BOOK])
        found = Attribution.of(told.timeline)
        assert found.scenarios({"namespace": "demo", "pod": "api-1"}) == ["api-is-killed"]
        assert found.scenarios({"namespace": "book"}) == ["book-is-slow"]

    def test_without_others_there_is_nothing_to_tell(self) -> None:
        assert not Attribution.of(story().timeline)


class TestNothingElse:
    def judge(self, told: Story, **named: str):  # type: ignore[no-untyped-def]
        told.alerts(-10, 60, (OOM, 7.0, 30.0, labels(**named)))
        return nothing_else_fired(told.timeline)

    def test_anothers_is_not_ours_and_is_shown(self) -> None:
        verdict = self.judge(story(API), namespace="demo", pod="api-1")
        assert verdict.status == "met"
        assert any("of another scenario at that time (api-is-killed)" in line for line in verdict.evidence)

    def test_ours_is_ours(self) -> None:
        assert self.judge(story(API), namespace="demo", pod="web-1").status == "violated"

    @pytest.mark.parametrize("named", [{"node": "worker"}, {"namespace": "demo", "service": "cart"}])
    def test_one_that_nobody_can_tell_leaves_it_unknown(self, named: dict[str, str]) -> None:
        verdict = self.judge(story(API), **named)
        assert verdict.status == "unknown"
        assert "its labels do not tell whose it is" in verdict.reason

    @pytest.mark.parametrize("named", [{"node": "worker"}, {"namespace": "demo", "pod": "api-1"}])
    def test_alone_every_other_alert_is_one_too_many(self, named: dict[str, str]) -> None:
        assert self.judge(story(), **named).status == "violated"

    def test_what_was_expected_may_be_anothers_doing(self) -> None:
        told = story(API).alerts(-10, 60, ("HighLatency", 7.0, 30.0, labels()))
        verdict = nothing_else_fired(told.timeline, expected=["HighLatency"])
        assert verdict.status == "unknown"


class TestFires:
    def test_what_names_our_pods_counts(self) -> None:
        told = story(API).alerts(-10, 60, (OOM, 7.0, 30.0, labels(namespace="demo", pod="web-1")))
        assert fired_within(told.timeline, alert=OOM, within_s=20).status == "met"
        assert resolved_within(told.timeline, alert=OOM, within_s=40).status == "met"

    @pytest.mark.parametrize("judge", [fired_within, resolved_within])
    def test_what_names_nothing_proves_nothing_beside_others(self, judge: Any) -> None:
        told = story(API).alerts(-10, 60, (OOM, 7.0, 30.0, labels()))
        verdict = judge(told.timeline, alert=OOM, within_s=40)
        assert verdict.status == "unknown"
        assert "its labels do not tell whose it is" in verdict.reason
        assert judge(story().alerts(-10, 60, (OOM, 7.0, 30.0, labels())).timeline, alert=OOM, within_s=40)

    def test_anothers_is_none(self) -> None:
        told = story(API).alerts(-10, 60, (OOM, 7.0, 30.0, labels(namespace="demo", pod="api-1")))
        assert fired_within(told.timeline, alert=OOM, within_s=20).status == "violated"

    def test_of_a_workload_that_the_step_names_needs_no_attribution(self) -> None:
        told = story(API).alerts(-10, 60, (OOM, 7.0, 30.0, labels(namespace="demo", pod="web-1")))
        assert fired_within(told.timeline, alert=OOM, within_s=20, of="web").status == "met"
