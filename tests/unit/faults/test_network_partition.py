"""Partition: from everybody, or from one workload and its services; proven by silence."""

from __future__ import annotations

from typing import Any

import pytest

from aftershock.errors import RefusedError
from aftershock.faults.network_partition import NetworkPartition
from aftershock.testing import FakeClock
from aftershock.testing.kube import pod
from tests.unit.faults.network import SERVER, Field, figures, inject, kit, proof, serving

DB = "10.0.2.7:8080"


@pytest.fixture
def api() -> Field:
    found = Field()
    found.add_pods(serving("db-0", app="db", ip="10.0.2.7", owner="StatefulSet/db"))
    services = "/api/v1/namespaces/demo/services"
    found.add(
        services,
        service("db", {"app": "db"}, "10.96.0.7"),
        service("other", {"app": "other"}, "10.96.0.8"),
        service("headless", {"app": "db"}, "None"),
        service("external", {}, "10.96.0.9"),
    )
    return found


def service(name: str, selector: dict[str, str], address: str) -> dict[str, Any]:
    return {
        "metadata": {"name": name, "namespace": "demo"},
        "spec": {"selector": selector, "clusterIPs": [address]},
    }


def fault(api: Field, clock: FakeClock, **options: Any) -> NetworkPartition:
    return NetworkPartition(kit(api, clock), workload="web", for_s=20, **options)


@pytest.mark.parametrize(("probes_too", "spared"), [(False, True), (True, False)])
def test_the_node_is_spared_unless_asked_otherwise(
    api: Field, clock: FakeClock, probes_too: bool, spared: bool
) -> None:
    one = fault(api, clock, probes_too=probes_too)
    plan = inject(one, clock)
    assert api.told("partition") == [{"spare_node": spared}]
    assert plan.blast_radius.endswith("cut off from everybody" + (" but its node" if spared else ""))


@pytest.mark.parametrize(
    ("found", "holds"),
    [
        (figures(answered=0, lost=10), True),
        (figures(answered=1, lost=9), False),
        (figures(answered=0, refused=10), False),
    ],
)
def test_silence_is_the_proof_and_a_refusal_is_none(
    api: Field, clock: FakeClock, found: dict[str, Any], holds: bool
) -> None:
    one = fault(api, clock)
    plan = inject(one, clock)
    assert proof(one, plan, {SERVER: found}).holds is holds


class TestFromOneWorkload:
    def test_its_pods_and_services_are_meant_and_no_other(self, api: Field, clock: FakeClock) -> None:
        api.before = {DB: figures()}
        inject(fault(api, clock, peers="db"), clock)
        assert api.told("partition") == [{"spare_node": False, "peers": ["10.0.2.7", "10.96.0.7"]}]

    def test_is_measured_in_the_pods_own_network(self, api: Field, clock: FakeClock) -> None:
        api.before = {DB: figures()}
        one = fault(api, clock, peers="db")
        plan = inject(one, clock)
        look = next(command for command in api.commands() if command[0] == "measure")
        assert look[look.index("--pod-uid") + 1] == "uid-web-0"
        assert api.told("measure")[0]["servers"] == [["10.0.2.7", 8080]]
        assert proof(one, plan, {DB: figures(answered=0, lost=10)}).holds

    def test_not_from_itself(self, api: Field, clock: FakeClock) -> None:
        with pytest.raises(RefusedError, match="cannot be cut off from itself"):
            fault(api, clock, peers="web").plan()

    def test_a_peer_that_nobody_could_measure(self, api: Field, clock: FakeClock) -> None:
        api.add_pods(pod("db-0", app="db", owner="StatefulSet/db", status={"podIP": "10.0.2.7"}))
        with pytest.raises(RefusedError, match="nobody could tell"):
            fault(api, clock, peers="db").plan()
