"""Memory pressure on a node: just past the kubelet's own threshold, proven by the node's condition."""

from __future__ import annotations

import pytest

from aftershock.errors import RefusedError
from aftershock.faults.node_memory_pressure import NodeMemoryPressure
from aftershock.faults.tools import tools
from aftershock.testing import FakeClock
from aftershock.testing.kube import node, pod
from tests.unit.faults.carriers import JOBS, Node
from tests.unit.faults.kubelets import MIB, configure, measure, options_of


def condition(api: Node, status: str) -> None:
    found = node("worker", status={"capacity": {"memory": "8Gi"}})
    found["status"]["conditions"].append({"type": "MemoryPressure", "status": status})
    api.add("/api/v1/nodes", found)


@pytest.fixture(autouse=True)
def _kubelet(api: Node) -> None:
    condition(api, "False")
    configure(api, memory_available="256Mi")
    measure(api, at="1")


def may_touch(namespace: str) -> bool:
    return namespace == "demo"


def fault(api: Node, clock: FakeClock, *, for_s: float = 60.0) -> NodeMemoryPressure:
    return NodeMemoryPressure(tools(api, clock=clock, may_touch=may_touch), for_s=for_s, role="worker")


def evicted(name: str) -> dict[str, object]:
    return pod(name, status={"phase": "Failed", "reason": "Evicted"})


def test_the_carrier_leaves_a_little_less_than_the_threshold(api: Node, clock: FakeClock) -> None:
    pressure = fault(api, clock)
    plan = pressure.plan()
    pressure.inject(plan, plan.record(run_id="run1", now=clock.now()))
    (command,) = api.commands()
    assert (command[0], options_of(command)) == ("node-memory", {"leave_bytes": 240 * MIB})
    spec = api.get(f"{JOBS}{plan.fault_id}-0")["spec"]["template"]["spec"]
    assert spec["priorityClassName"] == "system-node-critical", "or the kubelet evicts the hog itself"
    assert "memory" not in spec["containers"][0]["resources"]["limits"]


def test_a_threshold_in_percent_is_of_the_capacity(api: Node, clock: FakeClock) -> None:
    configure(api, memory_available="5%")
    (aim,) = fault(api, clock).plan().undo["aims"]
    assert aim["options"]["leave_bytes"] == int(0.05 * 8192 * MIB) - 16 * MIB


class TestRefused:
    @pytest.mark.parametrize("threshold", ["0", "0%", "40Mi"])
    def test_a_kubelet_that_would_evict_too_late(self, api: Node, clock: FakeClock, threshold: str) -> None:
        configure(api, memory_available=threshold)
        with pytest.raises(RefusedError, match="evicts only below"):
            fault(api, clock).plan()

    def test_a_kubelet_without_a_threshold(self, api: Node, clock: FakeClock) -> None:
        configure(api)
        with pytest.raises(RefusedError, match="evicts only below 0 bytes"):
            fault(api, clock).plan()

    def test_a_node_that_is_under_pressure_already(self, api: Node, clock: FakeClock) -> None:
        condition(api, "True")
        with pytest.raises(RefusedError, match="already"):
            fault(api, clock).plan()

    def test_a_time_in_which_nothing_can_be_seen(self, api: Node, clock: FakeClock) -> None:
        with pytest.raises(RefusedError, match="may be over before"):
            fault(api, clock, for_s=30.0).plan()


class TestBystanders:
    """The kubelet asks no label: whom it would evict first must be somebody who may be touched."""

    def other(self, api: Node, **spec: object) -> None:
        containers = [{"name": "main", "image": "x", "resources": spec.pop("resources", {})}]
        api.add_pods(pod("other", namespace="monitoring", spec={"containers": containers, **spec}))
        measure(api, at="1", uid="uid-other")

    def test_one_without_requests_would_go_first(self, api: Node, clock: FakeClock) -> None:
        self.other(api)
        with pytest.raises(RefusedError, match="may not be touched") as caught:
            fault(api, clock).plan()
        assert caught.value.found == "monitoring/other"

    def test_one_within_its_requests_would_not(self, api: Node, clock: FakeClock) -> None:
        self.other(api, resources={"requests": {"memory": "32Mi"}})
        assert fault(api, clock).plan().targets

    def test_a_critical_one_is_never_evicted(self, api: Node, clock: FakeClock) -> None:
        self.other(api, priority=2_000_001_000)
        assert fault(api, clock).plan().targets


class TestLanded:
    def test_by_the_nodes_condition_and_tells_whom_the_kubelet_evicted(
        self, api: Node, clock: FakeClock
    ) -> None:
        api.add_pods(evicted("long-ago"))
        pressure = fault(api, clock)
        plan = pressure.plan()
        assert not pressure.landed(plan).holds
        condition(api, "True")
        api.add_pods(evicted("just-now"))
        proof = pressure.landed(plan)
        assert proof.holds
        assert proof.facts["evicted"] == "demo/just-now"

    def test_evictions_alone_are_no_proof(self, api: Node, clock: FakeClock) -> None:
        pressure = fault(api, clock)
        plan = pressure.plan()
        api.add_pods(evicted("just-now"))
        assert not pressure.landed(plan).holds
