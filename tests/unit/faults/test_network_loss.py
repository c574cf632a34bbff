"""Packet loss: proven by the share of connections whose first packet was lost."""

from __future__ import annotations

import pytest

from aftershock.errors import RefusedError
from aftershock.faults.network_loss import NetworkLoss, plausible
from aftershock.testing import FakeClock
from tests.unit.faults.network import SERVER, Field, figures, inject, kit, proof


def fault(clock: FakeClock, share: float = 0.3) -> NetworkLoss:
    return NetworkLoss(kit(Field(), clock), workload="web", for_s=20, of_packets=share)


@pytest.mark.parametrize(
    ("lost", "tries", "share", "holds"),
    [
        (0, 1000, 0.001, False),
        (30, 100, 0.3, True),
        (15, 100, 0.3, True),
        (5, 100, 0.3, False),
        (60, 100, 0.3, False),
        (100, 100, 0.9, True),
        (50, 100, 0.9, False),
        (1, 100, 0.01, True),
    ],
)
def test_what_chance_allows(lost: int, tries: int, share: float, holds: bool) -> None:
    assert plausible(lost, tries, share) is holds


@pytest.mark.parametrize(("lost", "holds"), [(15, True), (0, False), (50, False)])
def test_proof(clock: FakeClock, lost: int, holds: bool) -> None:
    one = fault(clock)
    plan = inject(one, clock)
    found = figures(tries=50, answered=50 - lost, lost=lost)
    assert proof(one, plan, {SERVER: found}).holds is holds


def test_too_few_tries_prove_nothing(clock: FakeClock) -> None:
    one = fault(clock)
    plan = inject(one, clock)
    assert not proof(one, plan, {SERVER: figures(tries=5, answered=3, lost=2)}).holds


def test_what_was_measured_before_the_rule_was_there_is_outgrown(clock: FakeClock) -> None:
    one = fault(clock)
    plan = inject(one, clock)
    assert not proof(one, plan, {SERVER: figures(tries=50, answered=50)}).holds
    proof(one, plan, {SERVER: figures(tries=50, answered=35, lost=15)})
    assert proof(one, plan, {SERVER: figures(tries=50, answered=35, lost=15)}).holds


def test_each_try_is_one_packet_of_the_way_in(clock: FakeClock) -> None:
    one = fault(clock)
    inject(one, clock)
    assert isinstance(one.tools.api, Field)
    assert one.tools.api.told("loss") == [{"share": 0.3}]
    assert one.tools.api.told("measure")[0]["request"] == ""


@pytest.mark.parametrize("share", [0, 1, -0.1, 1.5])
def test_what_is_no_loss(clock: FakeClock, share: float) -> None:
    with pytest.raises(RefusedError, match="a loss of"):
        fault(clock, share)
