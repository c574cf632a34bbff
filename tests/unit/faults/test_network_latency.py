"""Latency: proven by how much longer connecting takes."""

from __future__ import annotations

from typing import Any

import pytest

from aftershock.errors import RefusedError
from aftershock.faults.network_latency import NetworkLatency
from aftershock.testing import FakeClock
from tests.unit.faults.network import SERVER, Field, figures, inject, kit, proof, took


def fault(clock: FakeClock, **options: Any) -> NetworkLatency:
    return NetworkLatency(kit(Field(), clock), workload="web", for_s=20, **{"delay_s": 0.2, **options})


def test_the_carrier_is_told_milliseconds(clock: FakeClock) -> None:
    one = fault(clock, jitter_s=0.05)
    inject(one, clock)
    assert isinstance(one.tools.api, Field)
    assert one.tools.api.told("latency") == [{"delay_ms": 200.0, "jitter_ms": 50.0}]
    assert one.tools.api.told("measure")[0]["timeout_ms"] == 2500


@pytest.mark.parametrize(
    ("options", "median", "holds"),
    [
        ({}, 201, True),
        ({}, 161.1, True),
        ({}, 160, False),
        ({}, 1, False),
        ({"jitter_s": 0.2}, 82, True),
        ({"jitter_s": 0.2}, 80, False),
    ],
)
def test_proof(clock: FakeClock, options: dict[str, float], median: float, holds: bool) -> None:
    one = fault(clock, **options)
    plan = inject(one, clock)
    assert proof(one, plan, {SERVER: figures(connect_ms=took(median))}).holds is holds


def test_who_does_not_answer_at_all_is_not_late(clock: FakeClock) -> None:
    one = fault(clock)
    plan = inject(one, clock)
    assert not proof(one, plan, {SERVER: figures(answered=0, lost=10, connect_ms=None)}).holds


@pytest.mark.parametrize("options", [{"delay_s": 0}, {"delay_s": 61}, {"jitter_s": 0.3}, {"jitter_s": -1}])
def test_what_makes_no_sense(clock: FakeClock, options: dict[str, float]) -> None:
    with pytest.raises(RefusedError, match="makes no sense"):
        fault(clock, **options)


def test_the_blast_radius_says_it(clock: FakeClock) -> None:
    said = fault(clock, jitter_s=0.05).plan().blast_radius
    assert said.startswith("for 20 s pod/demo/web-0 (1 of 1")
    assert said.endswith("answers 200 ms later, give or take 50 ms")
