"""The order of the trials, what they come to, and the picture."""

from __future__ import annotations

import math
from collections import Counter
from pathlib import Path
from typing import Any
from xml.etree import ElementTree as ET

import pytest

from benchmarks.autorecovery.picture import draw
from benchmarks.autorecovery.report import keep, kept, summed
from benchmarks.autorecovery.schedule import KINDS, WORKLOADS, Trial, schedule

COUNTS = {"out of memory": 20, "crash loop": 5, "container killed": 3, "pod deleted": 3}


def trial(recovered_s: float | None, *, with_it: bool = True, **more: Any) -> Trial:
    return Trial(
        kind="out of memory", workload="details", with_it=with_it, recovered_s=recovered_s, why="", **more
    )


def test_every_fault_has_as_many_trials_with_it_as_without() -> None:
    plans = schedule(COUNTS, seed=1)
    assert Counter((plan.kind, plan.with_it) for plan in plans for _ in plan.workloads) == {
        (kind, with_it): count for kind, count in COUNTS.items() for with_it in (True, False)
    }
    assert set(COUNTS) == set(KINDS)


def test_both_halves_of_a_pair_are_of_one_workload_and_follow_each_other() -> None:
    plans = schedule(COUNTS, seed=1)
    for first, second in zip(plans[::2], plans[1::2], strict=True):
        assert (first.kind, first.workloads) == (second.kind, second.workloads)
        assert first.with_it is not second.with_it
    assert {workload for plan in plans for workload in plan.workloads} == set(WORKLOADS)


def test_each_of_those_that_go_side_by_side_has_its_workload() -> None:
    sizes = Counter((plan.kind, len(plan.workloads)) for plan in schedule(COUNTS, seed=1) if plan.with_it)
    assert sizes == {
        ("out of memory", 3): 6, ("out of memory", 2): 1, ("crash loop", 3): 1, ("crash loop", 2): 1,
        ("container killed", 3): 1, ("pod deleted", 3): 1,
    }  # fmt: skip
    assert all(len(set(plan.workloads)) == len(plan.workloads) for plan in schedule(COUNTS, seed=1))


def test_trials_that_were_kept_are_read_as_they_were(tmp_path: Path) -> None:
    path = tmp_path / "trials.jsonl"
    assert kept(path) == []
    keep([trial(1.5, actions=("a",)), trial(None, false_actions=("b", "c"))], path)
    assert kept(path) == [trial(1.5, actions=("a",)), trial(None, false_actions=("b", "c"))]


def test_the_order_is_random_and_repeatable() -> None:
    plans = schedule(COUNTS, seed=1)
    assert plans == schedule(COUNTS, seed=1) != schedule(COUNTS, seed=2)
    assert 0 < sum(plan.with_it for plan in plans[::2]) < len(plans) // 2
    assert [plan.kind for plan in plans] != sorted(plan.kind for plan in plans)


def test_times_are_of_those_that_recovered_and_shares_of_all() -> None:
    trials = [trial(float(seconds)) for seconds in range(1, 20)] + [trial(None), trial(2.0, with_it=False)]
    without, with_it = summed(trials)
    assert (without.with_it, without.count, without.median_s) == (False, 1, 2.0)
    assert (with_it.count, with_it.median_s, with_it.p95_s, with_it.worst_s) == (20, 10.0, 19.0, 19.0)
    assert (with_it.rate, with_it.in_time) == (0.95, 0.95)


def test_what_recovers_late_is_not_in_time() -> None:
    [one] = summed([trial(29.0), trial(31.0)])
    assert (one.rate, one.in_time) == (1.0, 0.5)


def test_actions_are_counted_by_trial_and_false_ones_one_by_one() -> None:
    [one] = summed([trial(1.0, actions=("a", "b")), trial(1.0, false_actions=("c", "d"))])
    assert (one.acted, one.false_actions) == (0.5, 2)


def test_where_nothing_recovered_there_is_no_time() -> None:
    [one] = summed([trial(None)])
    assert math.isnan(one.median_s)
    assert one.rate == 0


@pytest.mark.parametrize("times", [[1.0, 2.0], [None], [400.0]])
def test_the_picture_is_one_and_stays_within_its_frame(times: list[float | None]) -> None:
    root = ET.fromstring(draw(summed([trial(seconds) for seconds in times])))
    width = float(root.attrib["viewBox"].split()[2])
    for shape in root.iter():
        for name in ("x", "x1", "x2"):
            assert float(shape.attrib.get(name, 0)) <= width
    assert any("objective 30 s" in (text.text or "") for text in root.iter())
