"""The cases that are shown on the real cluster: all of the catalogue, and each what its fault takes."""

from __future__ import annotations

from pkgutil import resolve_name

import pytest

from aftershock.faults.calls import fault_arguments
from aftershock.faults.catalogue import FAULTS
from tests.cluster.faults.cases import CASES, ELSEWHERE, NODES, WORKLOADS, Case, case


def test_every_fault_of_the_catalogue_is_shown_once() -> None:
    assert sorted(case.fault for case in CASES) == sorted(FAULTS.keys() - ELSEWHERE)


def test_every_fault_lands_once() -> None:
    assert sorted(fault for group in (*WORKLOADS, *NODES) for fault in group) == sorted(
        FAULTS.keys() - ELSEWHERE
    )


@pytest.mark.parametrize("group", WORKLOADS, ids="+".join)
def test_side_by_side_each_has_a_workload_of_its_own(group: tuple[str, ...]) -> None:
    workloads = [case(fault).arguments["workload"] for fault in group]
    assert len(set(workloads)) == len(group)


@pytest.mark.parametrize("one", CASES, ids=str)
def test_a_case_is_what_its_fault_takes(one: Case) -> None:
    assert fault_arguments(one.fault, one.arguments) == dict(one.arguments)


@pytest.mark.parametrize("one", CASES, ids=str)
def test_what_acts_is_there(one: Case) -> None:
    assert callable(resolve_name(one.acts))
