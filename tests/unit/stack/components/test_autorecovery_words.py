"""The words that the component and the harness both know: annotations, labels, reasons of Events."""

from __future__ import annotations

from aftershock_components.autorecovery.reading import read_playbooks
from aftershock_components.autorecovery.replica import DRY_RUN
from aftershock_components.autorecovery.steps.pods import MANAGED
from aftershock_components.autorecovery.steps.protocol import BEFORE, BY
from aftershock_components.autorecovery.telling import REASONS

from aftershock.judge.autorecovery import ACTED, PREPARED, RETURNED
from aftershock.scene import autorecovery, repaired
from tests.unit.stack.components.autorecovery_world import PLAYBOOKS


def test_both_call_things_the_same() -> None:
    assert autorecovery.DRY_RUN == DRY_RUN
    assert read_playbooks(PLAYBOOKS.read_text()).exclusions.opt_out == autorecovery.OPT_OUT
    assert repaired.MARKS == (BY, BEFORE)
    assert "=".join(*MANAGED.items()) == repaired.MADE
    assert (REASONS["acted"], REASONS["prepared"], REASONS["returned"]) == (ACTED, PREPARED, RETURNED)
