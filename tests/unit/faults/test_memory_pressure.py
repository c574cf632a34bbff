"""Memory pressure on a pod: within its own limit, proven by what the kubelet measures."""

from __future__ import annotations

from typing import Any

import pytest

from aftershock.errors import RefusedError
from aftershock.faults.memory_pressure import MemoryPressure
from aftershock.faults.protocol import Plan
from aftershock.faults.tools import tools
from aftershock.testing import FakeClock
from aftershock.testing.kube import pod
from tests.unit.faults.carriers import Node
from tests.unit.faults.kubelets import MIB, measure, options_of


def fault(api: Node, clock: FakeClock, **options: Any) -> MemoryPressure:
    given = {"of_limit": 0.9, "for_s": 60.0, **options}
    return MemoryPressure(tools(api, clock=clock), workload="web", **given)


def injected(api: Node, clock: FakeClock) -> tuple[MemoryPressure, Plan]:
    measure(api, at="1")
    pressure = fault(api, clock)
    plan = pressure.plan()
    pressure.inject(plan, plan.record(run_id="run1", now=clock.now()))
    return pressure, plan


def test_the_carrier_is_told_the_share_and_ends_with_the_time(api: Node, clock: FakeClock) -> None:
    _, plan = injected(api, clock)
    (command,) = api.commands()
    assert command[0] == "memory"
    assert options_of(command) == {"share": 0.9}
    assert command[command.index("--expires-at") + 1] == "2026-01-01T00:01:00.000000Z"
    assert (plan.switch, plan.lasts, plan.expires_after_s) == ("carrier", True, 60.0)


class TestRefused:
    def test_without_a_limit_it_would_be_the_nodes(self, api: Node, clock: FakeClock) -> None:
        api.add_pods(pod("web-0", spec={"containers": [{"name": "main", "resources": {}}]}))
        with pytest.raises(RefusedError, match="no memory limit"):
            fault(api, clock).plan()

    @pytest.mark.parametrize("share", [0.0, 1.0, 1.5, 0.99])
    def test_a_share_that_leaves_nothing_to_give_way(self, api: Node, clock: FakeClock, share: float) -> None:
        measure(api, at="1")
        with pytest.raises(RefusedError, match="no share to hold"):
            fault(api, clock, of_limit=share).plan()

    def test_what_is_there_already(self, api: Node, clock: FakeClock) -> None:
        measure(api, at="1", mib=60)
        with pytest.raises(RefusedError, match="by itself"):
            fault(api, clock).plan()

    def test_a_time_in_which_nothing_can_be_seen(self, api: Node, clock: FakeClock) -> None:
        with pytest.raises(RefusedError, match="may be over before"):
            fault(api, clock, for_s=10.0).plan()


class TestLanded:
    def test_not_by_the_carriers_word(self, api: Node, clock: FakeClock) -> None:
        pressure, plan = injected(api, clock)
        measure(api, at="2")
        assert not pressure.landed(plan).holds

    def test_by_a_new_sample_at_the_share(self, api: Node, clock: FakeClock) -> None:
        pressure, plan = injected(api, clock)
        measure(api, at="2", mib=56)
        proof = pressure.landed(plan)
        assert proof.holds
        assert proof.facts["web-0.working_set"] == 56 * MIB
        assert proof.source == "the kubelet, stats"

    def test_an_old_sample_is_no_proof(self, api: Node, clock: FakeClock) -> None:
        pressure, plan = injected(api, clock)
        measure(api, at="1", mib=56)
        assert not pressure.landed(plan).holds

    def test_another_pods_memory_is_no_proof(self, api: Node, clock: FakeClock) -> None:
        pressure, plan = injected(api, clock)
        measure(api, at="2", mib=56, uid="uid-of-its-successor")
        assert not pressure.landed(plan).holds
