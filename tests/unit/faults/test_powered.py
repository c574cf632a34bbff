"""Node pause and stop: a guardian first, proven by the API, whole when the kubelet is heard again."""

from __future__ import annotations

from typing import Any

import pytest

from aftershock.clock import rfc3339
from aftershock.cluster.power import How
from aftershock.errors import FaultError, RefusedError, TransientError
from aftershock.faults import guardians
from aftershock.faults.catalogue import UNDOS
from aftershock.faults.guardians import Order
from aftershock.faults.node_pause import NodePause
from aftershock.faults.node_stop import NodeStop
from aftershock.faults.powered import NODE_LEASES, Powered, PoweredUndo
from aftershock.faults.protocol import Plan
from aftershock.faults.tools import Tools, tools
from aftershock.testing import FakeClock
from aftershock.testing.kube import FakeApi, node, pod
from aftershock.testing.power import FakePower

NODE = "/api/v1/nodes/worker"
LEASE = f"{NODE_LEASES}/worker"


@pytest.fixture
def api() -> FakeApi:
    fake = FakeApi()
    labels = {"aftershock.dev/allow": "true"}
    fake.add("/api/v1/namespaces", {"metadata": {"name": "demo", "labels": labels}})
    fake.add("/api/v1/nodes", node("worker"), node("worker2"))
    fake.add_pods(pod("web-0"), pod("web-1", node="worker2"), pod("dns", namespace="kube-system"))
    return fake


@pytest.fixture
def power() -> FakePower:
    return FakePower("worker")


@pytest.fixture
def told(monkeypatch: pytest.MonkeyPatch, power: FakePower) -> list[Any]:
    """What was asked of guardians, with what had been done to the nodes by then."""
    found: list[Any] = []
    monkeypatch.setattr(guardians, "arm", lambda order: found.append((order, list(power.calls))))
    monkeypatch.setattr(guardians, "disarm", found.append)
    return found


def kit(api: FakeApi, clock: FakeClock, power: FakePower | None) -> Tools:
    return tools(api, clock=clock, power=power, may_touch=lambda namespace: namespace == "demo")


@pytest.fixture(params=[NodePause, NodeStop])
def fault(
    request: pytest.FixtureRequest, api: FakeApi, clock: FakeClock, power: FakePower, told: list[Any]
) -> Powered:
    made: Powered = request.param(kit(api, clock, power), node="worker", for_s=90)
    return made


def ready(api: FakeApi, status: str) -> None:
    api.objects[NODE]["status"]["conditions"] = [{"type": "Ready", "status": status}]


def renew(api: FakeApi, clock: FakeClock) -> None:
    api.add(NODE_LEASES, {"metadata": {"name": "worker"}, "spec": {"renewTime": rfc3339(clock.now())}})


class TestPlan:
    def test_names_everything_that_is_hit_and_touches_nothing(
        self, fault: Powered, api: FakeApi, power: FakePower, told: list[Any]
    ) -> None:
        plan = fault.plan()
        assert [str(target) for target in plan.targets] == ["node/worker", "pod/demo/web-0"]
        assert plan.marked == plan.targets[:1]
        assert (plan.switch, plan.lasts, plan.expires_after_s) == ("guardian", True, 90)
        assert plan.blast_radius.endswith("with 1 pod of open namespaces and 1 other")
        assert dict(plan.undo) == {
            "node": "worker",
            "uid": "uid-worker",
            "how": fault.how,
            "controllers": ["replicaset/demo/web-7d9f"],
        }, "data, and no command: a mark in the cluster must not say what this machine runs"
        assert (api.calls, power.calls, told) == ([], [], [])

    def test_by_what_the_node_holds(self, api: FakeApi, clock: FakeClock, power: FakePower) -> None:
        api.add_pods(pod("web-2"))
        plan = NodeStop(kit(api, clock, power), workload="web", seed=3).plan()
        assert plan.undo["node"] == "worker"
        assert "seed 3" in plan.blast_radius

    def test_a_time_too_short_to_be_noticed_is_refused(self, api: FakeApi, clock: FakeClock) -> None:
        with pytest.raises(RefusedError, match="too short"):
            NodePause(kit(api, clock, FakePower("worker")), node="worker", for_s=59).plan()

    def test_a_node_that_nothing_has_power_over(self, api: FakeApi, clock: FakeClock) -> None:
        with pytest.raises(RefusedError, match="nothing has power over worker"):
            NodePause(kit(api, clock, None), node="worker").plan()
        with pytest.raises(RefusedError, match="no power to pause worker2"):
            NodePause(kit(api, clock, FakePower("worker")), node="worker2").plan()

    def test_one_that_is_lost_already(self, fault: Powered, api: FakeApi) -> None:
        ready(api, "Unknown")
        with pytest.raises(RefusedError, match="is not Ready"):
            fault.plan()


def injected(fault: Powered, clock: FakeClock) -> Plan:
    plan = fault.plan()
    record = plan.record(run_id="run1", now=clock.now())
    clock.sleep(2)
    fault.inject(plan, record)
    return plan


class TestInject:
    def test_the_guardian_lives_before_the_power_is_taken(
        self, fault: Powered, clock: FakeClock, power: FakePower, told: list[Any]
    ) -> None:
        plan = injected(fault, clock)
        ((order, before),) = told
        assert before == []
        assert isinstance(order, Order)
        assert (order.fault_id, order.node, order.how) == (plan.fault_id, "worker", fault.how)
        assert (order.expires_at - clock.start).total_seconds() == 90
        assert power.calls == [("take", fault.how, "worker", "88")]

    def test_without_a_guardian_the_node_keeps_its_power(
        self, fault: Powered, clock: FakeClock, power: FakePower, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        def fails(order: Order) -> None:
            raise FaultError("no guardian lives")

        monkeypatch.setattr(guardians, "arm", fails)
        with pytest.raises(FaultError):
            injected(fault, clock)
        assert power.calls == []


class TestLanded:
    @pytest.mark.parametrize(("status", "holds"), [("True", False), ("Unknown", True), ("False", True)])
    def test_by_the_nodes_condition(self, fault: Powered, api: FakeApi, status: str, holds: bool) -> None:
        plan = fault.plan()
        ready(api, status)
        proof = fault.landed(plan)
        assert (proof.holds, proof.facts) == (holds, {"node": "worker", "ready": status})

    def test_not_by_the_engines_word(self, fault: Powered, clock: FakeClock) -> None:
        assert not fault.landed(injected(fault, clock)).holds

    def test_a_namesake_is_no_proof(self, fault: Powered, api: FakeApi) -> None:
        plan = fault.plan()
        ready(api, "Unknown")
        api.objects[NODE]["metadata"]["uid"] = "another"
        assert not fault.landed(plan).holds


class TestUndo:
    def test_gives_the_power_back_and_dismisses_the_guardian(
        self, fault: Powered, clock: FakeClock, power: FakePower, told: list[Any]
    ) -> None:
        plan = injected(fault, clock)
        undo = UNDOS[plan.fault](fault.tools)
        undo.undo(plan.record(run_id="run1", now=clock.now()))
        assert power.calls[-1] == ("give", fault.how, "worker")
        assert told[-1] == plan.fault_id

    def test_the_guardian_stays_if_it_did_not_work(
        self, fault: Powered, clock: FakeClock, power: FakePower, told: list[Any]
    ) -> None:
        plan = injected(fault, clock)
        power.failures = 1
        with pytest.raises(TransientError):
            PoweredUndo(fault.tools).undo(plan.record(run_id="run1", now=clock.now()))
        assert len(told) == 1

    def test_undone_is_ready_and_a_kubelet_that_renews(
        self, fault: Powered, api: FakeApi, clock: FakeClock
    ) -> None:
        record = fault.plan().record(run_id="run1", now=clock.now())
        renew(api, clock)
        undo = PoweredUndo(fault.tools)
        assert not undo.undone(record).holds, "Ready is what was last heard"
        clock.sleep(10)
        renew(api, clock)
        ready(api, "Unknown")
        assert not undo.undone(record).holds
        ready(api, "True")
        assert undo.undone(record).holds

    def test_a_kubelet_heard_after_its_time_is_alive_at_the_first_look(
        self, fault: Powered, api: FakeApi, clock: FakeClock
    ) -> None:
        record = fault.plan().record(run_id="run1", now=clock.now())
        clock.sleep(91)
        renew(api, clock)
        assert PoweredUndo(fault.tools).undone(record).holds

    def test_where_nothing_has_power_it_is_the_guardians(
        self, fault: Powered, api: FakeApi, clock: FakeClock, told: list[Any]
    ) -> None:
        record = fault.plan().record(run_id="run1", now=clock.now())
        undo = PoweredUndo(kit(api, clock, None))
        undo.undo(record)
        assert told == []
        assert not undo.undone(record).holds

    @pytest.mark.parametrize("change", ["gone", "another"])
    def test_a_node_that_is_another_by_now_is_left_alone(
        self, fault: Powered, api: FakeApi, clock: FakeClock, power: FakePower, change: str
    ) -> None:
        record = fault.plan().record(run_id="run1", now=clock.now())
        if change == "gone":
            api.delete(NODE)
        else:
            api.objects[NODE]["metadata"]["uid"] = "another"
        undo = PoweredUndo(fault.tools)
        undo.undo(record)
        assert power.calls == []
        assert undo.undone(record).facts["state"] == "gone"


def test_names_and_acts_go_together() -> None:
    acts: dict[str, How] = {fault.name: fault.how for fault in (NodePause, NodeStop)}
    assert acts == {"node-pause": "pause", "node-stop": "stop"}
