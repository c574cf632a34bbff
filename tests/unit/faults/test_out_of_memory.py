"""Out of memory: aimed at one container, proven by the API, put back by the undo."""

from __future__ import annotations

import json
from typing import Any

import pytest

from aftershock.errors import FaultError, RefusedError
from aftershock.faults import marks
from aftershock.faults.out_of_memory import OutOfMemory, OutOfMemoryUndo
from aftershock.faults.protocol import Plan
from aftershock.testing import FakeClock
from aftershock.testing.kube import FakeApi, node, pod

JOBS = "/apis/batch/v1/namespaces/aftershock/jobs/"
PODS = "/api/v1/namespaces/aftershock/pods/"
WEB = "/api/v1/namespaces/demo/pods/web-0"


class Node(FakeApi):
    """An API whose Job controller and kubelet start every carrier, and end it with `exit_code`."""

    def __init__(self) -> None:
        super().__init__()
        self.state: dict[str, Any] = {"terminated": {"exitCode": 0}}
        self.on_change = self.react

    def react(self, method: str, path: str) -> None:
        if not path.startswith(JOBS):
            return
        name = path.removeprefix(JOBS)
        if method == "DELETE":
            self.delete(f"{PODS}{name}-abc")
            return
        carrier = pod(f"{name}-abc", namespace="aftershock", app="", owner=f"Job/{name}")
        carrier["metadata"]["labels"] = {"job-name": name}
        carrier["status"]["containerStatuses"][0]["state"] = self.state
        self.add_pods(carrier)

    def kill(
        self, *, reason: str = "OOMKilled", container_id: str = "containerd://web-0-0", restarts: int = 1
    ) -> None:
        """Let the application end, and start it again."""
        found = self.get(WEB)
        ended = {
            "containerID": container_id,
            "reason": reason,
            "exitCode": 137,
            "finishedAt": "2026-01-01T00:00:02Z",
        }
        status = found["status"]["containerStatuses"][0]
        status |= {
            "containerID": "containerd://web-0-1",
            "restartCount": restarts,
            "lastState": {"terminated": ended},
        }
        self.add_pods(found)

    def jobs(self) -> list[str]:
        return [path for path in self.objects if path.startswith(JOBS)]

    def commands(self) -> list[list[str]]:
        created = [
            body
            for method, path, body in self.calls
            if method == "POST" and body and body.get("kind") == "Job"
        ]
        return [body["spec"]["template"]["spec"]["containers"][0]["command"][3:] for body in created]


@pytest.fixture
def clock() -> FakeClock:
    return FakeClock()


@pytest.fixture
def api() -> Node:
    fake = Node()
    for name in ("demo", "monitoring"):
        labels = {"aftershock.dev/allow": "true"} if name == "demo" else {}
        fake.add("/api/v1/namespaces", {"metadata": {"name": name, "labels": labels}})
    fake.add("/api/v1/nodes", node("worker"))
    image = {"containers": [{"name": "logger", "image": "aftershock.dev/components:abc123"}]}
    fake.add_pods(
        pod(
            "web-0",
            spec={
                "containers": [
                    {"name": "main", "image": "nginx", "resources": {"limits": {"memory": "64Mi"}}}
                ]
            },
        )
    )
    fake.add_pods(pod("logger", namespace="monitoring", app="logger", spec=image))
    return fake


def fault(api: FakeApi, clock: FakeClock, **options: Any) -> OutOfMemory:
    return OutOfMemory(api, run_id="run1", workload="web", clock=clock, **options)


def injected(api: FakeApi, clock: FakeClock) -> tuple[OutOfMemory, Plan]:
    oom = fault(api, clock)
    plan = oom.plan()
    oom.inject(plan)
    return oom, plan


class TestPlan:
    def test_pins_the_container_by_its_id(self, api: Node, clock: FakeClock) -> None:
        plan = fault(api, clock).plan()
        (aim,) = plan.undo["containers"]
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
        assert fault(api, clock, container="main").plan().undo["containers"][0]["container"] == "main"

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
        aim = f"oom --fault-id {plan.fault_id}-0 --pod-uid uid-web-0 --container-id web-0-0"
        assert api.commands() == [f"{aim} --expires-at 2026-01-01T00:01:00.000000Z".split()]

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
        api.patch(WEB, {"metadata": {"uid": "another"}})
        proof = oom.landed(plan)
        assert not proof.holds
        assert proof.facts["reason"] == "the pod is gone"


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


class TestUndo:
    def test_a_killed_application_needs_only_the_carrier_removed(self, api: Node, clock: FakeClock) -> None:
        _, plan = injected(api, clock)
        api.kill()
        record = plan.record(run_id="run1", now=clock.now())
        undo = OutOfMemoryUndo(api, clock=clock)
        undo.undo(record)
        assert api.jobs() == []
        assert len(api.commands()) == 1
        assert undo.undone(record).holds

    def test_a_surviving_application_gets_its_score_back(self, api: Node, clock: FakeClock) -> None:
        _, plan = injected(api, clock)
        OutOfMemoryUndo(api, clock=clock).undo(plan.record(run_id="run1", now=clock.now()))
        assert api.commands()[-1] == ["restore", "--fault-id", f"{plan.fault_id}-0"]
        assert api.jobs() == []

    def test_scores_that_cannot_be_put_back_are_residue(self, api: Node, clock: FakeClock) -> None:
        _, plan = injected(api, clock)
        api.state = {"terminated": {"exitCode": 1}}
        with pytest.raises(FaultError, match="could not put scores back"):
            OutOfMemoryUndo(api, clock=clock).undo(plan.record(run_id="run1", now=clock.now()))
        assert api.jobs() == []

    def test_is_not_undone_while_a_carrier_is_there(self, api: Node, clock: FakeClock) -> None:
        _, plan = injected(api, clock)
        assert not OutOfMemoryUndo(api, clock=clock).undone(plan.record(run_id="run1", now=clock.now())).holds

    def test_planned_and_never_injected_is_fine_too(self, api: Node, clock: FakeClock) -> None:
        plan = fault(api, clock).plan()
        record = plan.record(run_id="run1", now=clock.now())
        api.delete(WEB)
        OutOfMemoryUndo(api, clock=clock).undo(record)
        assert OutOfMemoryUndo(api, clock=clock).undone(record).holds
