"""With its act replaced by nothing no fault is proven: what cannot have landed is never said to have."""

from __future__ import annotations

from typing import Any

import pytest

from aftershock.cluster.connection import Cluster
from aftershock.errors import FaultError
from aftershock.faults.injector import Injector
from aftershock.faults.protocol import Fault
from tests.cluster.conftest import Project
from tests.cluster.faults.cases import CASES
from tests.cluster.harness import side_by_side

# Longer than any proof takes that does not wait for a node to be given up: a kubelet looks every 10 to 15 s.
PROOF_WITHIN_S = 20.0


def nothing(*_: Any, **__: Any) -> None:
    """Do not act."""


@pytest.mark.usefixtures("api")
def test_without_its_act_no_fault_is_proven(
    cluster: Cluster, project: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    for case in CASES:
        monkeypatch.setattr(case.acts, nothing)
    half = len(CASES) // 2
    said = [
        line
        for cases in (CASES[:half], CASES[half:])
        for line in side_by_side(cluster, project.reports, cases, why_not)
    ]
    assert said == [f"there is no proof that {case} landed within {PROOF_WITHIN_S:g} s" for case in CASES]


def why_not(injector: Injector, fault: Fault) -> str:
    """Return why the fault has not landed."""
    try:
        injection = injector.inject(fault, landed_within_s=PROOF_WITHIN_S)
    except FaultError as error:
        return error.message
    return f"{fault.name} landed: {injection.proof}"
