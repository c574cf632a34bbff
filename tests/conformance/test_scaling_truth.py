"""The scaling judge against simulated autoscalers: right ones are met, wrong ones are found."""

from __future__ import annotations

from typing import Any

import pytest

from aftershock.judge.scaling import cpu_passed, scaled_by_formula
from aftershock.verdict import Verdict
from tests.conformance.cluster_simulator import Simulation
from tests.conformance.generator import at

SEEDS = range(8)


def judge(simulation: Simulation) -> Verdict:
    return scaled_by_formula(simulation.run().timeline, hpa="hpa/demo/web", since=at(-1))


@pytest.mark.parametrize("seed", SEEDS)
@pytest.mark.parametrize("window", [0, 3, 30])
@pytest.mark.parametrize("demand", [230.0, 420.0, 900.0])
def test_right_autoscaler_is_met_at_every_phase(seed: int, window: int, demand: float) -> None:
    verdict = judge(Simulation(seed=seed, demand=demand, window=window))
    assert verdict.status == "met", "\n".join(verdict.lines())


WRONG: list[tuple[str, dict[str, Any]]] = [
    ("off by one", {"demand": 230.0}),
    ("stuck", {"demand": 420.0}),
    ("late", {"demand": 420.0}),
    ("ignores the maximum", {"demand": 900.0, "maximum": 5}),
    ("ignores the policy", {"demand": 700.0, "policy": 34}),
    ("ignores the window", {"demand": 420.0, "window": 30}),
]
HIDDEN = 1
"""So many of the seeds may hide a defect: the wrong size is then what a look at the sample before gives."""


@pytest.mark.parametrize(("defect", "settings"), WRONG)
def test_wrong_autoscaler_is_violated(defect: Any, settings: dict[str, Any]) -> None:
    verdicts = [judge(Simulation(seed=seed, defect=defect, **settings)) for seed in SEEDS]
    missed = [verdict.lines() for verdict in verdicts if verdict.status != "violated"]
    assert len(missed) <= HIDDEN, missed


@pytest.mark.parametrize(("defect", "settings"), WRONG)
def test_its_healthy_twin_is_met(defect: Any, settings: dict[str, Any]) -> None:
    verdicts = [judge(Simulation(seed=seed, **settings)) for seed in SEEDS]
    assert {verdict.status for verdict in verdicts} == {"met"}, [verdict.lines() for verdict in verdicts]


def test_tolerance_that_is_not_kept_is_violated() -> None:
    assert judge(Simulation(seed=1, demand=162.0)).status == "unknown"
    assert judge(Simulation(seed=1, demand=162.0, defect="no tolerance")).status == "violated"


def test_load_that_is_too_small_is_unknown() -> None:
    assert judge(Simulation(seed=1, demand=120.0)).status == "unknown"


def test_cpu_that_passed_is_seen() -> None:
    timeline = Simulation(seed=1, demand=420.0).run().timeline
    verdict = cpu_passed(timeline, hpa="hpa/demo/web", percent=50, since=at(0))
    assert verdict.status == "met"
