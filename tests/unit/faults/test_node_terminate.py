"""Node terminate: proven as a lost node is; taken back is its Node object, and only that one."""

from __future__ import annotations

import pytest

from aftershock.faults.catalogue import UNDOS
from aftershock.faults.journal import Record
from aftershock.faults.node_terminate import NodeTerminate
from aftershock.faults.tools import Tools, tools
from aftershock.testing import FakeClock
from aftershock.testing.kube import FakeApi, node, pod
from aftershock.testing.power import FakePower

NODE = "/api/v1/nodes/worker"


@pytest.fixture
def power() -> FakePower:
    return FakePower("worker")


@pytest.fixture
def api() -> FakeApi:
    fake = FakeApi()
    fake.add("/api/v1/namespaces", {"metadata": {"name": "demo", "labels": {"aftershock.dev/allow": "true"}}})
    fake.add("/api/v1/nodes", node("worker"), node("worker2"))
    fake.add_pods(pod("web-0"))
    return fake


@pytest.fixture
def kit(api: FakeApi, clock: FakeClock, power: FakePower) -> Tools:
    return tools(api, clock=clock, power=power, may_touch=lambda namespace: namespace == "demo")


@pytest.fixture
def record(kit: Tools, clock: FakeClock) -> Record:
    return NodeTerminate(kit, node="worker").plan().record(run_id="r", now=clock.now())


def ready(api: FakeApi, status: str) -> None:
    api.objects[NODE]["status"]["conditions"] = [{"type": "Ready", "status": status}]


def test_planned_and_done(kit: Tools, api: FakeApi, clock: FakeClock, power: FakePower) -> None:
    fault = NodeTerminate(kit, node="worker")
    plan = fault.plan()
    assert (plan.switch, plan.lasts, plan.marked) == ("none", False, ())
    assert "terminated, for good, with 1 pod " in plan.blast_radius
    assert (api.calls, power.calls) == ([], [])
    fault.inject(plan, plan.record(run_id="r", now=clock.now()))
    assert [call[:3] for call in power.calls] == [("take", "terminate", "worker")]
    assert not fault.landed(plan).holds
    ready(api, "Unknown")
    assert fault.landed(plan).holds


def test_the_lost_node_is_removed(kit: Tools, api: FakeApi, record: Record) -> None:
    ready(api, "Unknown")
    undo = UNDOS["node-terminate"](kit)
    assert not undo.undone(record).holds
    undo.undo(record)
    assert NODE not in api.objects
    assert undo.undone(record).holds
    undo.undo(record)


@pytest.mark.parametrize("change", ["another", "ready"])
def test_one_that_lives_or_is_another_is_left_alone(
    kit: Tools, api: FakeApi, record: Record, change: str
) -> None:
    if change == "another":
        ready(api, "Unknown")
        api.objects[NODE]["metadata"]["uid"] = "another"
    undo = UNDOS["node-terminate"](kit)
    undo.undo(record)
    assert NODE in api.objects
    assert undo.undone(record).holds
