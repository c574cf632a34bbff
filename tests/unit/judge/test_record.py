"""What all judges go by: faults without proof, clocks that were set, bounds and their margins."""

from __future__ import annotations

import pytest

from aftershock.judge.record import clock_jumps, gaps_within, not_landed, within_bound
from tests.conformance.generator import Story, at


def test_a_fault_counts_as_landed_once_any_of_its_targets_did() -> None:
    story = Story()
    for name in ("a", "b"):
        story.add(0, "harness", "injecting", f"pod/demo/{name}", fault_id="f1")
        story.add(1, "harness", "injected", f"pod/demo/{name}", fault_id="f1")
    assert not_landed(story.timeline) == ["there is no proof that the fault on pod/demo/a landed"]
    story.add(2, "harness", "landed", "pod/demo/a", fault_id="f1")
    assert not_landed(story.timeline) == []


def test_of_two_faults_the_one_without_proof_is_named() -> None:
    story = Story().injected(0, "pod/demo/a").injected(1, "pod/demo/b", landed=False)
    assert not_landed(story.timeline) == ["there is no proof that the fault on pod/demo/b landed"]


def test_a_clock_that_is_steered_has_not_jumped() -> None:
    story = Story().end(0)
    for second in range(1, 600):
        story.clock_set(second, 0.001).end(second)
    assert clock_jumps(story.timeline, since=at(0)) == []


@pytest.mark.parametrize("by", [-3600.0, -1.0, 1.0, 3600.0])
def test_a_clock_that_was_set_is_found_in_either_direction(by: float) -> None:
    timeline = Story().end(0).end(10).clock_set(15, by).end(20).end(30).timeline
    (jump,) = clock_jumps(timeline, since=at(0))
    assert f"set by {by:+.1f} s, from 12:00:10.000" in jump
    assert gaps_within(timeline, resources=["pod"], since=at(0), until=at(30)) == [jump]


def test_a_jump_before_the_time_in_question_is_no_matter() -> None:
    timeline = Story().end(-30).clock_set(-25, 60).end(-20).end(90).timeline
    assert clock_jumps(timeline, since=at(60)) == []


def test_another_machines_clock_has_no_say() -> None:
    timeline = Story().end(0).notification(500, "A", "firing").end(10).timeline
    assert clock_jumps(timeline, since=at(0)) == []


@pytest.mark.parametrize(
    ("observed", "resolution", "status"),
    [
        (29.0, 0.9, "met"),
        (29.0, 1.0, "unknown"),
        (30.0, 0.0, "met"),
        (30.0, 0.001, "unknown"),
        (31.0, 1.0, "unknown"),
        (31.0, 0.9, "violated"),
    ],
)
def test_a_margin_below_the_resolution_is_unknown(observed: float, resolution: float, status: str) -> None:
    verdict = within_bound("it", observed=observed, limit_s=30, resolution_s=resolution, expected="x")
    assert verdict.status == status
