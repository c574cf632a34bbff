"""Node reboot: proven by another boot, nothing to take back."""

from __future__ import annotations

import pytest

from aftershock.errors import RefusedError
from aftershock.faults.node_reboot import NodeReboot
from aftershock.faults.tools import Tools, tools
from aftershock.testing import FakeClock
from aftershock.testing.kube import FakeApi, node, pod
from aftershock.testing.power import FakePower

NODE = "/api/v1/nodes/worker"


@pytest.fixture
def api() -> FakeApi:
    fake = FakeApi()
    fake.add("/api/v1/namespaces", {"metadata": {"name": "demo", "labels": {"aftershock.dev/allow": "true"}}})
    fake.add("/api/v1/nodes", node("worker", status={"nodeInfo": {"bootID": "one"}}), node("worker2"))
    fake.add_pods(pod("web-0"))
    return fake


def kit(api: FakeApi, clock: FakeClock, power: FakePower | None) -> Tools:
    return tools(api, clock=clock, power=power, may_touch=lambda namespace: namespace == "demo")


def test_the_plan(api: FakeApi, clock: FakeClock) -> None:
    plan = NodeReboot(kit(api, clock, FakePower("worker")), node="worker").plan()
    assert [str(target) for target in plan.targets] == ["node/worker", "pod/demo/web-0"]
    assert (plan.switch, plan.lasts, plan.marked) == ("none", False, ())
    assert (plan.undo["how"], plan.undo["boot"]) == ("reboot", "one")
    assert ": rebooted, with 1 pod " in plan.blast_radius
    assert api.calls == []


def test_the_act(api: FakeApi, clock: FakeClock) -> None:
    power = FakePower("worker")
    fault = NodeReboot(kit(api, clock, power), node="worker")
    plan = fault.plan()
    fault.inject(plan, plan.record(run_id="r", now=clock.now()))
    assert [call[:3] for call in power.calls] == [("take", "reboot", "worker")]


@pytest.mark.parametrize(
    ("boot", "ready", "holds"),
    [("one", "True", False), ("one", "Unknown", False), ("two", "True", True), ("", "True", False)],
)
def test_only_another_boot_is_proof(
    api: FakeApi, clock: FakeClock, boot: str, ready: str, *, holds: bool
) -> None:
    fault = NodeReboot(kit(api, clock, FakePower("worker")), node="worker")
    plan = fault.plan()
    api.objects[NODE]["status"] = {
        "nodeInfo": {"bootID": boot},
        "conditions": [{"type": "Ready", "status": ready}],
    }
    assert fault.landed(plan).holds is holds


def test_another_node_of_that_name_is_no_proof(api: FakeApi, clock: FakeClock) -> None:
    fault = NodeReboot(kit(api, clock, FakePower("worker")), node="worker")
    plan = fault.plan()
    api.objects[NODE]["status"]["nodeInfo"]["bootID"] = "two"
    api.objects[NODE]["metadata"]["uid"] = "another"
    assert not fault.landed(plan).holds
    api.delete(NODE)
    assert not fault.landed(plan).holds


def test_refused_without_power(api: FakeApi, clock: FakeClock) -> None:
    with pytest.raises(RefusedError, match="nothing has power over worker"):
        NodeReboot(kit(api, clock, None), node="worker").plan()
