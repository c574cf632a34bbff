"""DNS failure: proven by what the pod itself is answered."""

from __future__ import annotations

from typing import Any

import pytest

from aftershock.errors import FaultError, RefusedError
from aftershock.faults.dns_failure import NOBODY, DnsFailure
from aftershock.testing import FakeClock
from tests.unit.faults.network import Field, inject, kit, proof, took


def looked_up(outcome: str = "found", *, ms: float = 2.0, address: str = "10.96.0.7") -> dict[str, Any]:
    return {
        "tries": 3,
        "outcomes": {outcome: 3},
        "addresses": [address] if outcome == "found" else [],
        "took_ms": took(ms),
    }


@pytest.fixture
def api() -> Field:
    found = Field()
    found.before = {"db": looked_up()}
    return found


def fault(api: Field, clock: FakeClock, **options: Any) -> DnsFailure:
    return DnsFailure(kit(api, clock), workload="web", for_s=20, **{"names": ["db"], **options})


@pytest.mark.parametrize(
    ("options", "found", "holds"),
    [
        ({}, looked_up("refused"), True),
        ({}, looked_up("servfail"), False),
        ({}, looked_up(), False),
        ({"mode": "nxdomain"}, looked_up("nxdomain"), True),
        ({"mode": "slow", "delay_s": 1}, looked_up(ms=1001), True),
        ({"mode": "slow", "delay_s": 1}, looked_up(ms=700), False),
        ({"mode": "slow", "delay_s": 1}, looked_up("unanswered", ms=2000), False),
        ({"mode": "wrong"}, looked_up(address=NOBODY), True),
        ({"mode": "wrong"}, looked_up(), False),
        ({"mode": "wrong", "address": "10.96.0.7"}, looked_up(), False),
    ],
)
def test_proof(
    api: Field, clock: FakeClock, options: dict[str, Any], found: dict[str, Any], holds: bool
) -> None:
    one = fault(api, clock, **options)
    plan = inject(one, clock)
    assert proof(one, plan, {"db": found}).holds is holds


@pytest.mark.parametrize(
    ("options", "told"),
    [
        ({}, {"mode": "refused", "names": ["db"]}),
        ({"mode": "slow", "delay_s": 1.5}, {"mode": "slow", "names": ["db"], "delay_ms": 1500}),
        ({"mode": "wrong"}, {"mode": "wrong", "names": ["db"], "address": NOBODY}),
    ],
)
def test_what_the_carrier_is_told(
    api: Field, clock: FakeClock, options: dict[str, Any], told: dict[str, Any]
) -> None:
    inject(fault(api, clock, **options), clock)
    assert api.told("dns") == [told]


def test_a_second_carrier_asks_in_the_pods_own_network(api: Field, clock: FakeClock) -> None:
    inject(fault(api, clock), clock)
    look = next(command for command in api.commands() if command[0] == "measure")
    assert look[look.index("--container-id") + 1] == "web-0-0"


def test_a_name_that_is_not_found_already(api: Field, clock: FakeClock) -> None:
    api.before = {"db": looked_up("nxdomain")}
    with pytest.raises(FaultError, match="does not work already"):
        inject(fault(api, clock), clock)


@pytest.mark.parametrize(
    "options",
    [{"names": []}, {"names": ["*"]}, {"mode": "slow"}, {"mode": "wrong", "address": "nowhere"}],
)
def test_what_cannot_be_done_or_proven(api: Field, clock: FakeClock, options: dict[str, Any]) -> None:
    with pytest.raises(RefusedError):
        fault(api, clock, **options)
