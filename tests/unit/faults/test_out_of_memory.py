"""Out of memory: aimed at one container, proven by the API, put back by the undo."""

from __future__ import annotations

import json
from typing import Any

import pytest

from aftershock.errors import FaultError, RefusedError
from aftershock.faults import marks
from aftershock.faults.out_of_memory import OutOfMemory
from aftershock.faults.protocol import Plan
from aftershock.faults.tools import tools
from aftershock.testing import FakeClock
from aftershock.testing.kube import FakeApi, pod
from tests.unit.faults.carriers import JOBS, PODS, Node

WEB = "/api/v1/namespaces/demo/pods/web-0"


def fault(api: FakeApi, clock: FakeClock, **options: Any) -> OutOfMemory:
    return OutOfMemory(tools(api, clock=clock), workload="web", **options)


def injected(api: FakeApi, clock: FakeClock) -> tuple[OutOfMemory, Plan]:
    oom = fault(api, clock)
    plan = oom.plan()
    oom.inject(plan, plan.record(run_id="run1", now=clock.now()))
    return oom, plan


class TestPlan:
    def test_pins_the_container_by_its_id(self, api: Node, clock: FakeClock) -> None:
        plan = fault(api, clock).plan()
        (aim,) = plan.undo["aims"]
        assert aim["container_id"] == "web-0-0"
        assert (aim["pod_uid"], aim["container"], aim["node"], aim["restarts"]) == (
            "uid-web-0",
            "main",
            "worker",
            0,
        )
        assert json.loads(json.dumps(dict(plan.undo))) == plan.undo
        assert api.calls == []

    def test_a_container_without_a_limit_would_fill_the_node(self, api: Node, clock: FakeClock) -> None:
        api.add_pods(pod("web-0", spec={"containers": [{"name": "main", "image": "nginx", "resources": {}}]}))
        with pytest.raises(RefusedError, match="no memory limit"):
            fault(api, clock).plan()

    def test_one_of_several_containers_must_be_named(self, api: Node, clock: FakeClock) -> None:
        limits = {"resources": {"limits": {"memory": "64Mi"}}, "image": "x"}
        api.add_pods(
            pod("web-0", spec={"containers": [{"name": "side", **limits}, {"name": "main", **limits}]})
        )
        with pytest.raises(RefusedError, match="which container"):
            fault(api, clock).plan()
        assert fault(api, clock, container="main").plan().undo["aims"][0]["container"] == "main"

    def test_a_container_that_waits_in_its_backoff_is_no_target(self, api: Node, clock: FakeClock) -> None:
        found = api.get(WEB)
        found["status"]["containerStatuses"][0]["state"] = {"waiting": {"reason": "CrashLoopBackOff"}}
        api.add_pods(found)
        with pytest.raises(RefusedError, match="does not run") as caught:
            fault(api, clock).plan()
        assert caught.value.found == "waiting"


class TestInject:
    def test_runs_one_carrier_on_the_targets_node(self, api: Node, clock: FakeClock) -> None:
        _, plan = injected(api, clock)
        job = api.get(f"{JOBS}{plan.fault_id}-0")
        spec = job["spec"]["template"]["spec"]
        (container,) = spec["containers"]
        assert spec["nodeName"] == "worker"
        assert container["image"] == "aftershock.dev/components:abc123"
        until = "2026-01-01T00:01:00.000000Z"
        aim = "--pod-uid uid-web-0 --container-id web-0-0"
        assert api.commands() == [f"oom --fault-id {plan.fault_id}-0 --expires-at {until} {aim}".split()]

    def test_the_carrier_ends_by_itself_and_has_no_rights(self, api: Node, clock: FakeClock) -> None:
        _, plan = injected(api, clock)
        job = api.get(f"{JOBS}{plan.fault_id}-0")
        spec = job["spec"]["template"]["spec"]
        assert spec["activeDeadlineSeconds"] == 65
        assert job["spec"]["ttlSecondsAfterFinished"] <= 30
        assert job["spec"]["backoffLimit"] == 0
        assert spec["automountServiceAccountToken"] is False
        resources = spec["containers"][0]["resources"]
        assert resources["requests"] == resources["limits"], "Guaranteed, or the kernel takes the carrier"

    def test_the_carrier_bears_what_recover_needs(self, api: Node, clock: FakeClock) -> None:
        _, plan = injected(api, clock)
        job = api.get(f"{JOBS}{plan.fault_id}-0")
        assert job["metadata"]["labels"]["aftershock.dev/run"] == "run1"
        mark = marks.read(job, marks.RECORD_MARK)
        assert mark is not None
        assert mark.undo == plan.undo

    def test_makes_its_namespace_closed_to_faults(self, api: Node, clock: FakeClock) -> None:
        injected(api, clock)
        assert "aftershock.dev/allow" not in api.get("/api/v1/namespaces/aftershock")["metadata"]["labels"]

    def test_a_carrier_whose_image_is_missing(self, api: Node, clock: FakeClock) -> None:
        api.state = {"waiting": {"reason": "ErrImageNeverPull", "message": "not present"}}
        with pytest.raises(FaultError, match="did not start") as caught:
            injected(api, clock)
        assert caught.value.found == "ErrImageNeverPull: not present"

    def test_a_carrier_that_the_node_does_not_take(self, api: Node, clock: FakeClock) -> None:
        api.state = {}
        with pytest.raises(FaultError, match="waited 30 s for carrier"):
            injected(api, clock)

    def test_no_image_anywhere(self, api: Node, clock: FakeClock) -> None:
        api.delete("/api/v1/namespaces/monitoring/pods/logger")
        with pytest.raises(FaultError, match="no image"):
            injected(api, clock)


class TestLanded:
    def test_not_by_the_carriers_word(self, api: Node, clock: FakeClock) -> None:
        oom, plan = injected(api, clock)
        assert not oom.landed(plan).holds

    def test_the_very_container_was_oom_killed_and_restarted(self, api: Node, clock: FakeClock) -> None:
        oom, plan = injected(api, clock)
        api.kill()
        proof = oom.landed(plan)
        assert proof.holds
        assert proof.facts == {
            "pod": "web-0",
            "container": "main",
            "reason": "OOMKilled",
            "restarts": 1,
            "exit_code": 137,
            "finished_at": "2026-01-01T00:00:02Z",
        }

    def test_another_reason_is_no_proof(self, api: Node, clock: FakeClock) -> None:
        oom, plan = injected(api, clock)
        api.kill(reason="Error")
        assert not oom.landed(plan).holds

    def test_an_earlier_oom_of_the_same_pod_is_no_proof(self, api: Node, clock: FakeClock) -> None:
        api.kill(container_id="containerd://long-ago", restarts=4)
        oom, plan = injected(api, clock)
        assert not oom.landed(plan).holds

    def test_killed_but_not_yet_restarted_is_not_yet_proof(self, api: Node, clock: FakeClock) -> None:
        oom, plan = injected(api, clock)
        api.kill(restarts=0)
        assert not oom.landed(plan).holds

    def test_an_ending_that_the_kubelet_forgets_once_it_was_seen_is_proof(
        self, api: Node, clock: FakeClock
    ) -> None:
        oom, plan = injected(api, clock)
        found = api.get(WEB)
        (status,) = found["status"]["containerStatuses"]
        running = dict(status["state"])
        ended = {"containerID": status["containerID"], "reason": "OOMKilled", "exitCode": 137}
        status["state"] = {"terminated": {**ended, "finishedAt": "2026-01-01T00:00:02Z"}}
        api.add_pods(found)
        assert not oom.landed(plan).holds
        status |= {
            "containerID": "containerd://web-0-1",
            "restartCount": 1,
            "state": running,
            "lastState": {},
        }
        api.add_pods(found)
        proof = oom.landed(plan)
        assert proof.holds
        assert (proof.facts["reason"], proof.facts["restarts"]) == ("OOMKilled", 1)

    def test_a_restart_of_which_nothing_is_known_is_no_proof(self, api: Node, clock: FakeClock) -> None:
        oom, plan = injected(api, clock)
        found = api.get(WEB)
        (status,) = found["status"]["containerStatuses"]
        status |= {"containerID": "containerd://web-0-1", "restartCount": 1, "lastState": {}}
        api.add_pods(found)
        assert not oom.landed(plan).holds

    def test_a_pod_that_was_replaced_is_no_proof(self, api: Node, clock: FakeClock) -> None:
        oom, plan = injected(api, clock)
        api.kill()
        api.objects[WEB]["metadata"]["uid"] = "another"
        proof = oom.landed(plan)
        assert not proof.holds
        assert proof.facts["found"] == "the pod is gone"

    def test_but_for_one_that_was_seen_to_be_killed_before(self, api: Node, clock: FakeClock) -> None:
        """Somebody may evict it before the kubelet has restarted its container."""
        oom, plan = injected(api, clock)
        api.kill(restarts=0)
        assert not oom.landed(plan).holds
        del api.objects[WEB]
        assert oom.landed(plan).holds

    def test_one_that_ended_otherwise_and_is_gone_is_no_proof(self, api: Node, clock: FakeClock) -> None:
        oom, plan = injected(api, clock)
        api.kill(restarts=0, reason="Error")
        oom.landed(plan)
        del api.objects[WEB]
        assert not oom.landed(plan).holds


class TestTestimony:
    def test_the_carriers_log_enters_the_timeline(self, api: Node, clock: FakeClock) -> None:
        oom, plan = injected(api, clock)
        log = '2026-01-01T00:00:01.5Z {"at":"x","event":"killed","pieces":9}\n2026-01-01T00:00:02Z Traceback'
        api.logs[f"{PODS}{plan.fault_id}-0-abc/log"] = log
        first, second = oom.testimony(plan)
        assert (first.kind, first.at.microsecond, first.data["event"], first.data["pieces"]) == (
            "carrier",
            500000,
            "killed",
            9,
        )
        assert second.data == {"event": "said", "line": "Traceback"}
