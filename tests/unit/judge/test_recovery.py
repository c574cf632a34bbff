"""Recovery: by the Kubernetes clock and by the client's, and what makes it unknown."""

from __future__ import annotations

import pytest

from aftershock.judge.recovery import recovered_within, service_recovered_within
from aftershock.verdict import Verdict
from tests.conformance.generator import URL, Story, at, healthy_web

WEB = "deployment/demo/web"


def outage(down: float, up: float, *, end: float = 60.0) -> Story:
    """web-1 loses its readiness at `down` and is Ready again at `up`."""
    story = healthy_web().injected(0.0).pod(down, "web-1", ready=False)
    return story.pod(up, "web-1", restarts=1).end(end)


def judge(story: Story, *, within_s: float = 30.0, **options: object) -> Verdict:
    return recovered_within(story.timeline, workload=WEB, within_s=within_s, **options)  # type: ignore[arg-type]  # options by name


@pytest.mark.parametrize(
    ("seconds", "status"),
    [(1.9, "met"), (29.7, "met"), (29.9, "unknown"), (30.1, "unknown"), (30.3, "violated")],
)
def test_bound_is_judged_up_to_the_resolution(seconds: float, status: str) -> None:
    verdict = judge(outage(1.0, 1.0 + seconds))
    assert verdict.status == status
    assert verdict.observed == pytest.approx(seconds)
    assert verdict.resolution_s == pytest.approx(0.2)


def test_evidence_has_the_figure_from_the_injection() -> None:
    verdict = judge(outage(1.5, 3.5))
    assert "1.500 s after the injection" in verdict.evidence[0]
    assert "3.500 s after the injection" in verdict.evidence[0]
    assert "2 of 3 ready" in verdict.evidence[0]


def test_degradation_between_injecting_and_injected_counts() -> None:
    story = healthy_web().add(0.0, "harness", "injecting", "pod/demo/web-1")
    story.pod(1.0, "web-1", ready=False).injected(2.0).pod(5.0, "web-1", restarts=1).end(20)
    assert judge(story).observed == pytest.approx(4.0)


def lasting(*, until: float = 20.0, undoing: float | None = 20.0, undone: float | None = 21.0) -> Story:
    """A fault that lasts, of which web-1 suffers from 1 s on."""
    story = healthy_web()
    fault = {"fault_id": "f"}
    lasts_until = at(until).isoformat()
    story.add(0.0, "harness", "planned", "pod/demo/web-1", lasts_until=lasts_until, **fault)
    for kind in ("injecting", "injected", "landed"):
        story.add(0.0, "harness", kind, "pod/demo/web-1", **fault)
    story.pod(1.0, "web-1", ready=False)
    for when, kind in ((undoing, "undoing"), (undone, "undone")):
        if when is not None:
            story.add(when, "harness", kind, "pod/demo/web-1", **fault)
    return story


class TestAfterAFaultThatLasts:
    @pytest.mark.parametrize(
        ("up", "status"), [(25.0, "met"), (48.5, "met"), (50.5, "unknown"), (52.0, "violated")]
    )
    def test_counts_from_its_end_with_the_undos_length_as_error(self, up: float, status: str) -> None:
        verdict = judge(lasting().pod(up, "web-1").end(60.0))
        assert verdict.status == status
        assert verdict.observed == pytest.approx(up - 20.0)
        assert verdict.resolution_s == pytest.approx(1.1)
        assert "since 12:00:01.000; the fault ended" in verdict.evidence[0]

    def test_its_own_expiry_is_its_end_if_that_came_first(self) -> None:
        verdict = judge(lasting(until=15.0).pod(25.0, "web-1").end(60.0))
        assert verdict.observed == pytest.approx(10.0)
        assert verdict.resolution_s == pytest.approx(6.1)

    def test_what_recovered_while_it_was_in_effect_took_no_time(self) -> None:
        story = lasting(undoing=None, undone=None).pod(10.0, "web-1")
        for when, kind in ((20.0, "undoing"), (21.0, "undone")):
            story.add(when, "harness", kind, "pod/demo/web-1", fault_id="f")
        assert judge(story.end(60.0)).observed == 0.0

    def test_while_it_is_in_effect_nothing_can_be_said(self) -> None:
        verdict = judge(lasting(undoing=None, undone=None).end(60.0))
        assert verdict.status == "unknown"
        assert "f is still in effect" in verdict.reason


def test_no_impact_is_its_own_outcome() -> None:
    story = healthy_web().injected(0.0).end(30)
    assert judge(story).status == "unknown"
    assert judge(story).observed == "no impact seen"
    assert judge(story, expect_impact=False).status == "met"


def test_replacement_of_another_deployment_does_not_count() -> None:
    story = healthy_web().deployment(-60, 1, name="other")
    story.injected(0.0).pod(1.0, "web-1", change="DELETED", ready=False)
    story.pod(2.0, "other-9", change="ADDED", workload="other").end(60)
    verdict = judge(story)
    assert verdict.status == "violated"
    assert "not recovered" in verdict.reason


def test_replacement_of_the_same_deployment_counts() -> None:
    story = healthy_web().injected(0.0).pod(1.0, "web-1", deleting=True)
    story.pod(1.2, "web-9", change="ADDED", ready=False).pod(6.0, "web-9").end(60)
    assert judge(story).observed == pytest.approx(5.0)


def test_terminating_pod_is_no_healthy_pod_even_while_ready() -> None:
    story = healthy_web().injected(0.0).pod(1.0, "web-1", deleting=True).end(60)
    assert judge(story).status == "violated"


def test_flap_inside_the_streak_prolongs_the_episode() -> None:
    story = healthy_web().injected(0.0).pod(1.0, "web-1", ready=False).pod(3.0, "web-1")
    story.pod(5.0, "web-1", ready=False).pod(9.0, "web-1").end(60)
    verdict = judge(story)
    assert verdict.observed == pytest.approx(8.0)
    assert len(verdict.evidence) == 1


def test_flap_after_a_confirmed_streak_is_an_episode_of_its_own() -> None:
    story = healthy_web().injected(0.0).pod(1.0, "web-1", ready=False).pod(3.0, "web-1")
    story.pod(20.0, "web-1", ready=False).pod(55.0, "web-1").end(90)
    verdict = judge(story)
    assert verdict.status == "violated"
    assert verdict.observed == pytest.approx(35.0)
    assert len(verdict.evidence) == 2


def test_streak_that_the_record_cuts_short_is_unknown() -> None:
    verdict = judge(outage(1.0, 3.0, end=5.0))
    assert verdict.status == "unknown"
    assert "the record ends" in verdict.reason


def test_record_that_ends_while_degraded_is_unknown_before_the_bound_and_violated_after() -> None:
    story = healthy_web().injected(0.0).pod(1.0, "web-1", ready=False)
    assert judge(Story.end(story, 20)).status == "unknown"
    assert judge(Story.end(story, 40)).status == "violated"


def test_stopped_watch_ends_the_record() -> None:
    story = outage(1.0, 3.0, end=60).watching(4.0, "pod/demo", "stopped")
    assert judge(story).status == "unknown"


@pytest.mark.parametrize("resource", ["pod", "deployment", "replicaset"])
def test_gap_makes_it_unknown(resource: str) -> None:
    verdict = judge(outage(1.0, 3.0).gap(1.5, 2.5, resource))
    assert verdict.status == "unknown"
    assert "410 Gone" in verdict.reason


def test_gap_elsewhere_or_before_changes_nothing() -> None:
    story = outage(1.0, 3.0).gap(-20, -10).gap(1, 2, "event").gap(1, 2, ns="other")
    assert judge(story).status == "met"


def test_gap_that_never_ended_makes_it_unknown() -> None:
    assert judge(outage(1.0, 3.0).gap(30.0, None)).status == "unknown"


def test_restart_behind_a_ready_pod_is_a_degradation_with_the_apis_resolution() -> None:
    story = healthy_web().injected(0.0).pod(4.6, "web-1", restarts=1, finished=3.2).end(20)
    verdict = judge(story)
    assert verdict.status == "met"
    assert verdict.observed == pytest.approx(1.6)  # from 3 (whole seconds) to 4.6
    assert verdict.resolution_s == pytest.approx(1.1)
    assert "never showed as unready" in verdict.evidence[0]


def test_death_is_not_dated_before_the_injection() -> None:
    story = healthy_web().injected(3.5).pod(4.6, "web-1", restarts=1, finished=3.7).end(20)
    assert judge(story).observed == pytest.approx(1.1)


def test_unhealthy_before_is_unknown() -> None:
    story = healthy_web().pod(-5.0, "web-1", ready=False).injected(0.0).pod(3.0, "web-1").end(30)
    verdict = judge(story)
    assert verdict.status == "unknown"
    assert "not healthy before" in verdict.reason


def test_autoscaler_that_asks_for_more_does_no_damage() -> None:
    story = outage(1.0, 3.0).deployment(2.0, 6, change="MODIFIED")
    assert judge(story).observed == pytest.approx(2.0)


def test_autoscaler_that_asks_for_less_lowers_the_bar() -> None:
    story = healthy_web().injected(0.0).pod(1.0, "web-1", deleting=True)
    assert judge(story.deployment(4.0, 2, change="MODIFIED").end(60)).observed == pytest.approx(3.0)


def test_wanted_can_be_given_for_what_is_no_deployment() -> None:
    story = Story().pod(-60, "web-1", change="LISTED").injected(0.0)
    story.pod(1.0, "web-1", ready=False).pod(2.0, "web-1").end(20)
    verdict = recovered_within(story.timeline, workload="replicaset/demo/web-rs", within_s=30, wanted=1)
    assert verdict.status == "met"


@pytest.mark.parametrize(
    ("story", "reason"),
    [
        (healthy_web().end(30), "no injection"),
        (Story().injected(0.0).end(30), "does not show"),
        (Story().deployment(1, 3).injected(0.0).pod(2, "web-1", change="ADDED").end(30), "does not show"),
    ],
)
def test_record_that_does_not_show_it_is_unknown(story: Story, reason: str) -> None:
    verdict = judge(story)
    assert verdict.status == "unknown"
    assert reason in verdict.reason


def test_explicit_window_replaces_the_injection() -> None:
    story = outage(1.0, 3.0)
    assert judge(story, since=at(2.0)).status == "unknown"  # it was degraded at 2.0 already
    assert judge(story, since=at(0.5), until=at(4.0)).status == "unknown"
    assert judge(story, since=at(0.5), until=at(9.0)).status == "met"


def test_clients_figure_stands_beside() -> None:
    story = outage(1.0, 4.0).probes(-5, 60, down=[(1.2, 2.2)])
    verdict = judge(story, url=URL)
    assert any("client's clock: 1.002 s ± 0.104 s; degraded" in line for line in verdict.evidence)


class TestByTheClient:
    @pytest.mark.parametrize(
        ("down_s", "status"),
        [(0.0, "unknown"), (1.0, "met"), (29.5, "met"), (30.0, "unknown"), (30.6, "violated")],
    )
    def test_bound(self, down_s: float, status: str) -> None:
        story = healthy_web().injected(0.0).probes(-5, 60, down=[(1.0, 1.0 + down_s)]).end(60)
        verdict = service_recovered_within(story.timeline, url=URL, within_s=30.0)
        assert verdict.status == status

    def test_figure_is_within_its_resolution(self) -> None:
        story = healthy_web().injected(0.0).probes(-5, 60, down=[(1.01, 3.33)]).end(60)
        verdict = service_recovered_within(story.timeline, url=URL, within_s=30.0)
        assert isinstance(verdict.observed, float)
        assert abs(verdict.observed - 2.32) <= verdict.resolution_s <= 0.11

    def test_hole_in_the_probes_is_unknown(self) -> None:
        story = (
            healthy_web().injected(0.0).probes(-5, 10, down=[(1, 2)]).probes(20, 60, announce=False).end(60)
        )
        verdict = service_recovered_within(story.timeline, url=URL, within_s=30.0)
        assert verdict.status == "unknown"
        assert "no probe" in verdict.reason

    def test_failing_before_is_unknown(self) -> None:
        story = healthy_web().injected(0.0).probes(-5, 60, down=[(-1, 2)]).end(60)
        assert service_recovered_within(story.timeline, url=URL, within_s=30.0).status == "unknown"

    def test_no_injection_is_unknown(self) -> None:
        story = healthy_web().probes(-5, 60).end(60)
        assert service_recovered_within(story.timeline, url=URL, within_s=30.0).status == "unknown"
