"""What faults on the network share: measured before, proven by a difference, undone with their looks."""

from __future__ import annotations

import json

import pytest

from aftershock.errors import DeadlineError, FaultError, RefusedError
from aftershock.faults.connection_reset import ConnectionReset
from aftershock.faults.looks import peer_node, server_of
from aftershock.faults.networked import BEFORE_S, LookedUndo
from aftershock.testing import FakeClock
from aftershock.testing.kube import node, pod
from tests.unit.faults.carriers import JOBS
from tests.unit.faults.network import SERVER, Field, figures, inject, kit, proof, serving


@pytest.fixture
def api() -> Field:
    return Field()


@pytest.fixture
def fault(api: Field, clock: FakeClock) -> ConnectionReset:
    return ConnectionReset(kit(api, clock), workload="web", for_s=20)


RESET = {SERVER: figures(answered=0, refused=10)}


class TestPlan:
    def test_is_data_and_touches_nothing(self, api: Field, fault: ConnectionReset) -> None:
        plan = fault.plan()
        assert json.loads(json.dumps(dict(plan.undo))) == plan.undo
        assert api.calls == []
        assert (plan.lasts, plan.switch, plan.expires_after_s) == (True, "carrier", 20 + BEFORE_S)
        assert plan.undo["aims"][0]["server"] == ["10.0.1.5", 8080]

    def test_a_pod_of_its_nodes_network_is_refused(self, api: Field, fault: ConnectionReset) -> None:
        found = serving("web-0")
        found["spec"]["hostNetwork"] = True
        api.add_pods(found)
        with pytest.raises(RefusedError, match="uses the network of its node"):
            fault.plan()

    def test_a_pod_that_nobody_could_measure_is_refused(self, api: Field, fault: ConnectionReset) -> None:
        found = serving("web-0")
        found["spec"]["containers"][0]["ports"] = [{"containerPort": 53, "protocol": "UDP"}]
        api.add_pods(found)
        with pytest.raises(RefusedError, match="nobody could tell"):
            fault.plan()

    def test_a_time_too_short_to_prove_anything(self, api: Field, clock: FakeClock) -> None:
        with pytest.raises(RefusedError, match="may be over before it is seen"):
            ConnectionReset(kit(api, clock), workload="web", for_s=5).plan()

    def test_a_share_of_the_pods(self, api: Field, clock: FakeClock) -> None:
        api.add_pods(*(serving(f"web-{number}", ip=f"10.0.1.{number}") for number in range(4)))
        plan = ConnectionReset(kit(api, clock), workload="web", for_s=20, share=0.5, port=81).plan()
        assert len(plan.targets) == 2
        assert {aim["server"][1] for aim in plan.undo["aims"]} == {81}


class TestInject:
    def test_measures_before_it_acts(self, api: Field, fault: ConnectionReset, clock: FakeClock) -> None:
        inject(fault, clock)
        assert [command[0] for command in api.commands()] == ["measure", "reset"]
        (asked,) = api.told("measure")
        assert asked["servers"] == [["10.0.1.5", 8080]]

    def test_the_look_is_an_ordinary_pod_elsewhere(
        self, api: Field, fault: ConnectionReset, clock: FakeClock
    ) -> None:
        plan = inject(fault, clock)
        spec = api.get(f"{JOBS}{plan.fault_id}-look-0")["spec"]["template"]["spec"]
        assert (spec["nodeName"], spec["hostPID"], spec["volumes"]) == ("worker2", False, [])
        context = spec["containers"][0]["securityContext"]
        assert context["runAsNonRoot"]
        assert "privileged" not in context

    def test_what_does_not_work_already_cannot_be_broken(
        self, api: Field, fault: ConnectionReset, clock: FakeClock
    ) -> None:
        api.before = {SERVER: figures(answered=9, lost=1)}
        with pytest.raises(FaultError, match="does not work already"):
            inject(fault, clock)
        assert [command[0] for command in api.commands()] == ["measure"]

    def test_a_look_that_says_nothing(self, api: Field, fault: ConnectionReset, clock: FakeClock) -> None:
        api.measure = lambda found, times=1: None  # type: ignore[method-assign]  # silence
        with pytest.raises(DeadlineError, match="to measure"):
            inject(fault, clock)

    def test_a_look_that_cannot_measure(self, api: Field, fault: ConnectionReset, clock: FakeClock) -> None:
        api.measure = lambda found, times=1: api.say('{"event": "refused", "reason": "no such option"}')  # type: ignore[method-assign]  # as it would
        with pytest.raises(FaultError, match="cannot measure") as caught:
            inject(fault, clock)
        assert caught.value.found == "no such option"


class TestLanded:
    def test_with_the_act_replaced_by_nothing_there_is_no_proof(
        self, api: Field, fault: ConnectionReset, clock: FakeClock
    ) -> None:
        plan = inject(fault, clock)
        assert not proof(fault, plan, api.before).holds

    def test_the_round_under_way_does_not_count(
        self, api: Field, fault: ConnectionReset, clock: FakeClock
    ) -> None:
        plan = inject(fault, clock)
        assert not fault.landed(plan).holds
        api.measure(RESET)
        assert not fault.landed(plan).holds
        api.measure(RESET)
        assert fault.landed(plan).holds

    def test_each_pod_has_to_show_it(self, api: Field, clock: FakeClock) -> None:
        api.add_pods(serving("web-1", ip="10.0.1.6"))
        api.before["10.0.1.6:8080"] = figures()
        fault = ConnectionReset(kit(api, clock), workload="web", for_s=20, count=2)
        plan = inject(fault, clock)
        assert not proof(fault, plan, {**RESET, "10.0.1.6:8080": figures()}).holds
        found = proof(fault, plan, {**RESET, "10.0.1.6:8080": RESET[SERVER]})
        assert found.holds
        assert found.facts[f"{SERVER} before"]["answered"] == 10

    def test_never_injected(self, fault: ConnectionReset) -> None:
        assert not fault.landed(fault.plan()).holds

    def test_all_that_was_printed_is_told(self, api: Field, fault: ConnectionReset, clock: FakeClock) -> None:
        plan = inject(fault, clock)
        api.logs[f"/api/v1/namespaces/aftershock/pods/{plan.fault_id}-0-abc/log"] = (
            '2026-01-01T00:00:01Z {"event": "resetting", "mechanism": "iptables"}\n'
        )
        assert [event.data["event"] for event in fault.testimony(plan)] == ["resetting", "measured"]


class TestUndo:
    def test_looks_and_carriers_go(self, api: Field, fault: ConnectionReset, clock: FakeClock) -> None:
        plan = inject(fault, clock)
        record = plan.record(run_id="run1", now=clock.now())
        undo = LookedUndo(kit(api, clock))
        assert not undo.undone(record).holds
        undo.undo(record)
        assert api.jobs() == []
        assert undo.undone(record).holds

    def test_a_look_that_is_left_is_told(self, api: Field, fault: ConnectionReset, clock: FakeClock) -> None:
        plan = inject(fault, clock)
        record = plan.record(run_id="run1", now=clock.now())
        api.delete(f"{JOBS}{plan.fault_id}-0")
        found = LookedUndo(kit(api, clock)).undone(record)
        assert not found.holds
        assert found.facts["looks left"] == f"{plan.fault_id}-look-0"


class TestWhere:
    def test_rather_another_node_that_takes_pods(self, api: Field) -> None:
        tainted = node("a-control-plane")
        tainted["spec"]["taints"] = [{"key": "x", "effect": "NoSchedule"}]
        api.add("/api/v1/nodes", tainted)
        assert peer_node(api, apart_from={"worker"}) == "worker2"
        assert peer_node(api, apart_from={"worker", "worker2"}) == "a-control-plane"

    def test_the_same_node_if_there_is_no_other(self, api: Field) -> None:
        api.delete("/api/v1/nodes/worker2")
        assert peer_node(api, apart_from={"worker"}) == "worker"

    def test_no_node_is_ready(self, api: Field) -> None:
        for name in ("worker", "worker2"):
            api.delete(f"/api/v1/nodes/{name}")
        with pytest.raises(RefusedError, match="no node to measure from"):
            peer_node(api, apart_from=set())

    def test_a_pod_without_an_address(self) -> None:
        with pytest.raises(RefusedError, match="address none, port 80"):
            server_of(pod("web-0"), "main", 80)
