from __future__ import annotations

import pytest

from aftershock.faults.calls import fault_arguments
from aftershock.faults.catalogue import FAULTS
from benchmarks.faults.cases import CASES, Case
from tests.cluster.faults.cases import ELSEWHERE


def test_every_fault_of_the_catalogue_is_measured() -> None:
    assert {case.fault for case in CASES} == FAULTS.keys() - ELSEWHERE
    assert len({case.title for case in CASES}) == len(CASES)


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.title)
def test_it_is_told_what_it_takes(case: Case) -> None:
    for trial in range(3):
        arguments = case.arguments(trial)
        assert fault_arguments(case.fault, arguments) == arguments


def test_trials_take_turns() -> None:
    case = Case(fault="pod-kill", proof="", whom=({"workload": "a"}, {"workload": "b"}), told={"count": 1})
    assert [case.arguments(trial)["workload"] for trial in range(3)] == ["a", "b", "a"]
    assert case.arguments(1)["count"] == 1
