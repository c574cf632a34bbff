"""Recovery against known truth: random outages, seen through clocks that lag."""

from __future__ import annotations

import random

import pytest

from aftershock.judge.recovery import recovered_within, service_recovered_within
from aftershock.timeline import Event
from tests.conformance.generator import URL, Story, at, healthy_web

RUNS = 100
LIMIT_S = 30.0


def outage(chance: random.Random, length: float) -> tuple[Story, float]:
    """An outage of `length` seconds at a random instant, each change seen with its own lag."""
    began = chance.uniform(0.5, 8.0)
    story = healthy_web().injected(0.0)
    story.pod(began + chance.uniform(0, 0.1), "web-1", ready=False)
    story.pod(began + length + chance.uniform(0, 0.1), "web-1", restarts=1)
    return story.end(began + length + 15), began


@pytest.mark.parametrize("length", [1.0, 2.0, 5.0, 10.0, 29.5, 29.95, 30.05, 30.5, 40.0])
def test_by_kubernetes_the_error_is_within_the_resolution_and_no_verdict_is_wrong(length: float) -> None:
    chance = random.Random(int(length * 100))
    for _ in range(RUNS):
        story, _ = outage(chance, length)
        verdict = recovered_within(story.timeline, workload="deployment/demo/web", within_s=LIMIT_S)
        assert isinstance(verdict.observed, float)
        assert abs(verdict.observed - length) <= verdict.resolution_s
        truth = "met" if length <= LIMIT_S else "violated"
        assert verdict.status in {truth, "unknown"}
        if abs(length - LIMIT_S) > 2 * verdict.resolution_s:
            assert verdict.status == truth


@pytest.mark.parametrize("length", [1.0, 2.0, 5.0, 29.5, 30.5, 40.0])
def test_by_the_client_the_error_is_within_the_resolution_and_no_verdict_is_wrong(length: float) -> None:
    chance = random.Random(int(length * 100))
    for _ in range(RUNS // 5):
        story, began = outage(chance, length)
        end = began + length + 15
        story.probes(chance.uniform(-1, -0.9), end, down=[(began, began + length)])
        verdict = service_recovered_within(story.timeline, url=URL, within_s=LIMIT_S)
        assert isinstance(verdict.observed, float)
        assert abs(verdict.observed - length) <= verdict.resolution_s
        assert verdict.status in {"met" if length <= LIMIT_S else "violated", "unknown"}


def test_overlapping_outages_are_one_and_not_their_sum() -> None:
    story = healthy_web().injected(0.0)
    story.pod(1, "web-1", ready=False).pod(4, "web-2", ready=False)
    story.pod(9, "web-1").pod(12, "web-2").end(30)
    verdict = recovered_within(story.timeline, workload="deployment/demo/web", within_s=LIMIT_S)
    assert verdict.observed == pytest.approx(11.0)


def test_judged_again_it_is_the_same_byte_for_byte() -> None:
    story, _ = outage(random.Random(1), 5.0)
    story.probes(-1, 20, down=[(1, 2)])
    copy = [Event.from_json(event.to_json()) for event in story.timeline]
    verdicts = {
        str(recovered_within(events, workload="deployment/demo/web", within_s=LIMIT_S, url=URL).to_dict())
        for events in [story.timeline, copy] * 5
    }
    assert len(verdicts) == 1


@pytest.mark.parametrize("gap", [(0.2, 0.4), (4.0, 4.1), (9.0, 12.0)])
def test_whatever_falls_into_a_gap_is_unknown(gap: tuple[float, float]) -> None:
    story, _ = outage(random.Random(2), 5.0)
    story.gap(*gap)
    verdict = recovered_within(story.timeline, workload="deployment/demo/web", within_s=LIMIT_S, until=at(20))
    assert verdict.status == "unknown"
