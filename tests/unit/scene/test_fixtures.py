"""What can change a cluster is taken back at the scenario's end, whichever fixtures the scenario asks for."""

from __future__ import annotations

import inspect

import pytest

from aftershock.steps import stage


@pytest.mark.parametrize("fixture", ["budgets", "faults", "nodes", "scaling", "vertical", "workloads"])
def test_what_changes_something_asks_for_its_undo(fixture: str) -> None:
    assert "undo_faults" in inspect.signature(getattr(stage, fixture)._get_wrapped_function()).parameters
