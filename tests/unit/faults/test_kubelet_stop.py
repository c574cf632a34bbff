"""Kubelet stopped: given up by the control plane, and called back from another node."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from aftershock.errors import DeadlineError, RefusedError
from aftershock.faults.journal import Record
from aftershock.faults.kubelet_stop import KubeletStop, KubeletStopUndo
from aftershock.faults.protocol import Plan
from aftershock.faults.tools import tools
from aftershock.testing import FakeClock
from aftershock.testing.kube import node
from tests.unit.faults.carriers import JOBS, PODS, Node
from tests.unit.faults.kubelets import options_of


def ready(api: Node, name: str, status: str) -> None:
    found = node(name)
    found["status"]["conditions"] = [{"type": "Ready", "status": status, "reason": "why"}]
    api.add("/api/v1/nodes", found)


@pytest.fixture
def stopped(api: Node, clock: FakeClock) -> tuple[KubeletStop, Plan, Record]:
    ready(api, "worker", "True")
    ready(api, "worker2", "True")
    fault = KubeletStop(tools(api, clock=clock), for_s=120.0, node="worker")
    plan = fault.plan()
    record = plan.record(run_id="run1", now=clock.now())
    api.state = {"running": {}}
    fault.inject(plan, record)
    api.objects[f"{PODS}{plan.fault_id}-0-abc"]["status"]["podIP"] = "10.0.0.7"
    return fault, plan, record


def answering(api: Node, plan: Plan, code: int) -> Callable[[str, str], None]:
    """Let a call end with `code`; where that is 0, the kubelet comes back and tells of its carrier's end."""

    def on_change(method: str, path: str) -> None:
        api.state = {"terminated": {"exitCode": code if "-call" in path else 0}}
        api.react(method, path)
        if method == "POST" and path.endswith("-call") and code == 0:
            api.objects[f"{PODS}{plan.fault_id}-0-abc"]["status"]["containerStatuses"][0]["state"] = {
                "terminated": {"exitCode": 0}
            }

    return on_change


class TestPlan:
    def test_a_timer_in_the_node_is_the_switch(self, stopped: tuple[KubeletStop, Plan, Record]) -> None:
        _, plan, _ = stopped
        assert (plan.switch, plan.lasts, plan.expires_after_s) == ("timer", True, 120.0)
        assert plan.lands_within_s > 60

    def test_a_time_in_which_nobody_would_notice(self, api: Node, clock: FakeClock) -> None:
        with pytest.raises(RefusedError, match="may be over before"):
            KubeletStop(tools(api, clock=clock), for_s=40.0, node="worker").plan()


class TestLanded:
    @pytest.mark.parametrize(("status", "holds"), [("True", False), ("False", False), ("Unknown", True)])
    def test_when_the_control_plane_has_given_the_node_up(
        self, api: Node, stopped: tuple[KubeletStop, Plan, Record], status: str, holds: bool
    ) -> None:
        fault, plan, _ = stopped
        ready(api, "worker", status)
        assert fault.landed(plan).holds is holds


class TestUndo:
    def test_calls_the_carrier_from_another_node(
        self, api: Node, clock: FakeClock, stopped: tuple[KubeletStop, Plan, Record]
    ) -> None:
        _, plan, record = stopped
        api.on_change = answering(api, plan, 0)
        undo = KubeletStopUndo(tools(api, clock=clock))
        undo.undo(record)
        call = api.commands()[1]
        assert call[0] == "call"
        assert options_of(call) == {"name": f"{plan.fault_id}-0", "address": "10.0.0.7"}
        jobs = [
            body for method, _, body in api.calls if method == "POST" and body and body.get("kind") == "Job"
        ]
        assert jobs[1]["spec"]["template"]["spec"]["nodeName"] == "worker2"
        assert api.jobs() == []
        assert undo.undone(record).holds

    def test_one_that_has_ended_is_not_called(
        self, api: Node, clock: FakeClock, stopped: tuple[KubeletStop, Plan, Record]
    ) -> None:
        _, _, record = stopped
        api.end(0)
        KubeletStopUndo(tools(api, clock=clock)).undo(record)
        assert [command[0] for command in api.commands()] == ["kubelet"]

    def test_where_nobody_answers_the_timer_is_waited_for(
        self, api: Node, clock: FakeClock, stopped: tuple[KubeletStop, Plan, Record]
    ) -> None:
        _, plan, record = stopped
        api.on_change = answering(api, plan, 4)
        with pytest.raises(DeadlineError, match="to be heard again"):
            KubeletStopUndo(tools(api, clock=clock)).undo(record)
        assert f"{JOBS}{plan.fault_id}-0" in api.jobs()

    def test_is_not_undone_while_the_node_is_silent(
        self, api: Node, clock: FakeClock, stopped: tuple[KubeletStop, Plan, Record]
    ) -> None:
        _, _, record = stopped
        api.end(0)
        undo = KubeletStopUndo(tools(api, clock=clock))
        undo.undo(record)
        ready(api, "worker", "Unknown")
        proof = undo.undone(record)
        assert not proof.holds
        assert proof.facts["nodes not ready"] == "worker"
