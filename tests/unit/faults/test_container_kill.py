"""Container kill: the signal goes to one container, and the API says how that one ended."""

from __future__ import annotations

import json
from typing import Any

import pytest

from aftershock.faults.container_kill import ContainerKill
from aftershock.faults.protocol import Plan
from aftershock.faults.tools import tools
from aftershock.testing import FakeClock
from tests.unit.faults.carriers import Node


def injected(api: Node, clock: FakeClock, **options: Any) -> tuple[ContainerKill, Plan]:
    fault = ContainerKill(tools(api, clock=clock), workload="web", **options)
    plan = fault.plan()
    fault.inject(plan, plan.record(run_id="run1", now=clock.now()))
    return fault, plan


def test_the_plan_touches_nothing_and_pins_the_container(api: Node, clock: FakeClock) -> None:
    plan = ContainerKill(tools(api, clock=clock), workload="web").plan()
    assert [aim["container_id"] for aim in plan.undo["aims"]] == ["web-0-0"]
    assert json.loads(json.dumps(dict(plan.undo))) == plan.undo
    assert api.calls == []
    assert (plan.switch, plan.lasts) == ("none", False)


def test_the_carrier_is_told_the_signal(api: Node, clock: FakeClock) -> None:
    injected(api, clock, signal="SIGTERM")
    (command,) = api.commands()
    assert command[0] == "signal"
    assert json.loads(command[command.index("--options") + 1]) == {"signal": "SIGTERM"}
    assert command[command.index("--container-id") + 1] == "web-0-0"


class TestLanded:
    def test_not_by_the_carriers_word(self, api: Node, clock: FakeClock) -> None:
        fault, plan = injected(api, clock)
        assert not fault.landed(plan).holds

    def test_the_very_container_ended_by_the_signal(self, api: Node, clock: FakeClock) -> None:
        fault, plan = injected(api, clock)
        api.kill(reason="Error")
        proof = fault.landed(plan)
        assert proof.holds
        assert proof.facts["web-0.exit_code"] == 137

    def test_another_container_of_the_pod_is_no_proof(self, api: Node, clock: FakeClock) -> None:
        fault, plan = injected(api, clock)
        api.kill(container_id="containerd://another")
        assert not fault.landed(plan).holds

    def test_ended_but_not_started_again_is_not_yet_proof(self, api: Node, clock: FakeClock) -> None:
        fault, plan = injected(api, clock)
        api.kill(restarts=0)
        assert not fault.landed(plan).holds

    @pytest.mark.parametrize(("signal", "holds"), [("SIGKILL", False), ("SIGTERM", True)])
    def test_an_end_of_its_own_accord(self, api: Node, clock: FakeClock, signal: str, holds: bool) -> None:
        fault, plan = injected(api, clock, signal=signal)
        api.kill(reason="Completed")
        web = "/api/v1/namespaces/demo/pods/web-0"
        api.objects[web]["status"]["containerStatuses"][0]["lastState"]["terminated"]["exitCode"] = 0
        assert fault.landed(plan).holds is holds

    def test_a_pod_that_is_gone_is_no_proof(self, api: Node, clock: FakeClock) -> None:
        fault, plan = injected(api, clock)
        api.delete("/api/v1/namespaces/demo/pods/web-0")
        assert fault.landed(plan).facts["web-0.found"] == "the pod is gone"

    def test_a_pod_that_was_replaced_once_its_container_had_ended(self, api: Node, clock: FakeClock) -> None:
        fault, plan = injected(api, clock)
        api.kill(restarts=0)
        assert not fault.landed(plan).holds
        api.delete("/api/v1/namespaces/demo/pods/web-0")
        assert fault.landed(plan).holds


@pytest.mark.parametrize(("restarts", "within_s"), [(0, 60), (1, 70), (2, 80), (5, 220), (9, 360)])
def test_the_kubelets_back_off_is_waited_for(
    api: Node, clock: FakeClock, restarts: int, within_s: float
) -> None:
    web = "/api/v1/namespaces/demo/pods/web-0"
    api.objects[web]["status"]["containerStatuses"][0]["restartCount"] = restarts
    plan = ContainerKill(tools(api, clock=clock), workload="web").plan()
    assert (plan.lands_within_s, plan.expires_after_s) == (within_s, within_s)
