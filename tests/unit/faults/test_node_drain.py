"""Node drain: what it evicts, what it leaves, how it asks again, and what its undo may open."""

from __future__ import annotations

import pytest

from aftershock.errors import ApiError, FaultError, RefusedError, TransientError
from aftershock.faults import marks
from aftershock.faults.evictions import LOOK_S, RETRY_S
from aftershock.faults.journal import Record
from aftershock.faults.node_drain import NodeDrain, NodeDrainUndo
from aftershock.faults.protocol import Plan
from aftershock.faults.tools import tools
from aftershock.testing import FakeClock
from aftershock.testing.kube import FakeApi, node, pod

WORKER = "/api/v1/nodes/worker"
CORDONED = {"key": "node.kubernetes.io/unschedulable", "effect": "NoSchedule"}


class Kubelets(FakeApi):
    """An API whose controller makes every evicted pod again on worker2, Ready after `ready_after`."""

    def __init__(self, clock: FakeClock) -> None:
        super().__init__()
        self.clock = clock
        self.ready_after = 3.0
        self.remade: list[tuple[float, str]] = []
        self.on_change = self.react

    def react(self, method: str, path: str) -> None:
        if method == "EVICT":
            self.remade.append((self.clock.monotonic() + self.ready_after, path.rpartition("/")[2] + "-new"))

    def items(self, path: str, **query: str) -> list[dict[str, object]]:
        for at, name in list(self.remade):
            if self.clock.monotonic() >= at:
                self.remade.remove((at, name))
                self.add_pods(pod(name, node="worker2"))
        return super().items(path, **query)


@pytest.fixture
def clock() -> FakeClock:
    return FakeClock()


@pytest.fixture
def api(clock: FakeClock) -> Kubelets:
    fake = Kubelets(clock)
    fake.add("/api/v1/namespaces", {"metadata": {"name": "demo", "labels": {"aftershock.dev/allow": "true"}}})
    fake.add("/api/v1/nodes", node("worker"), node("worker2"))
    fake.add_pods(pod("a"), pod("b"), pod("c", node="worker2"))
    return fake


def drain(api: FakeApi, clock: FakeClock, **options: object) -> NodeDrain:
    may_evict = options.pop("may_evict", lambda namespace: namespace == "demo")
    kit = tools(api, clock=clock, may_touch=may_evict)  # type: ignore[arg-type]  # by name
    return NodeDrain(kit, **{"node": "worker", **options})  # type: ignore[arg-type]  # by name


def record_of(plan: Plan, clock: FakeClock) -> Record:
    return plan.record(run_id="run1", now=clock.now())


def evictions(api: FakeApi) -> list[str]:
    return [path.split("/")[-2] for method, path, _ in api.calls if path.endswith("/eviction")]


class TestPlan:
    def test_names_the_node_and_every_pod_by_uid(self, api: Kubelets, clock: FakeClock) -> None:
        plan = drain(api, clock).plan()
        assert [(str(target), target.uid) for target in plan.targets] == [
            ("node/worker", "uid-worker"),
            ("pod/demo/a", "uid-a"),
            ("pod/demo/b", "uid-b"),
        ]
        assert api.calls == []

    def test_the_node_with_most_pods_of_a_workload(self, api: Kubelets, clock: FakeClock) -> None:
        plan = drain(api, clock, node="", workload="web").plan()
        assert plan.targets[0].name == "worker"
        assert "seed" in plan.blast_radius

    @pytest.mark.parametrize(
        ("left", "why"),
        [
            (pod("x", owner="DaemonSet/agent"), "of a DaemonSet"),
            (pod("x", owner=None), "nothing would make it again"),
            (pod("x", status={"phase": "Succeeded"}), "finished"),
            (pod("x", metadata={"annotations": {"kubernetes.io/config.mirror": "1"}}), "a static pod"),
            (pod("x", namespace="kube-system"), "namespace kube-system is not open to faults"),
        ],
        ids=["daemonset", "bare", "finished", "static", "protected"],
    )
    def test_says_what_it_leaves_and_why(
        self, api: Kubelets, clock: FakeClock, left: dict[str, object], why: str
    ) -> None:
        api.add_pods(left)
        fault = drain(api, clock)
        plan = fault.plan()
        assert f"/x ({why})" in plan.blast_radius
        fault.inject(plan, record_of(plan, clock))
        assert "x" not in evictions(api)
        proof = fault.landed(plan)
        assert proof.holds
        assert why in proof.facts["left"]

    def test_a_node_that_is_not_there(self, api: Kubelets, clock: FakeClock) -> None:
        with pytest.raises(RefusedError, match="no nodes called moon"):
            drain(api, clock, node="moon").plan()

    def test_nothing_to_evict(self, api: Kubelets, clock: FakeClock) -> None:
        with pytest.raises(RefusedError, match="nothing to evict"):
            drain(api, clock, may_evict=lambda namespace: False).plan()


class TestInject:
    def test_cordons_with_its_mark_before_the_first_eviction(self, api: Kubelets, clock: FakeClock) -> None:
        fault = drain(api, clock)
        plan = fault.plan()
        fault.inject(plan, record_of(plan, clock))
        assert [method for method, _, _ in api.calls] == ["PATCH", "POST", "POST"]
        found = api.get(WORKER)
        assert found["spec"]["unschedulable"] is True
        mark = marks.read(found, marks.CORDON_MARK)
        assert mark is not None
        assert (mark.run_id, mark.fault_id, mark.undo) == ("run1", plan.fault_id, plan.undo)

    def test_evicts_exactly_the_pods_that_were_planned(self, api: Kubelets, clock: FakeClock) -> None:
        fault = drain(api, clock, grace_s=7)
        plan = fault.plan()
        fault.inject(plan, record_of(plan, clock))
        bodies = [body for _, path, body in api.calls if path.endswith("/eviction") and body]
        assert [body["deleteOptions"]["preconditions"]["uid"] for body in bodies] == ["uid-a", "uid-b"]
        assert {body["deleteOptions"]["gracePeriodSeconds"] for body in bodies} == {7}

    def test_waits_for_the_budget_and_asks_again(self, api: Kubelets, clock: FakeClock) -> None:
        self.budget(api, 2)
        fault = drain(api, clock)
        plan = fault.plan()
        fault.inject(plan, record_of(plan, clock))
        assert evictions(api).count("a") == 1
        assert evictions(api).count("b") > 3
        assert 3 <= clock.monotonic() < 5
        assert fault.landed(plan).holds
        kinds = [(event.kind, event.subject) for event in fault.testimony(plan)]
        assert kinds.count(("eviction-refused", "pod/demo/b")) == 1
        assert kinds[-1] == ("eviction-gone", "pod/demo/b")

    def test_sees_an_end_at_once_and_asks_for_the_refused_seldom(
        self, api: Kubelets, clock: FakeClock
    ) -> None:
        self.budget(api, 2)
        fault = drain(api, clock)
        plan = fault.plan()
        fault.inject(plan, record_of(plan, clock))
        gone = {e.subject: e.at for e in fault.testimony(plan) if e.kind == "eviction-gone"}
        accepted = {e.subject: e.at for e in fault.testimony(plan) if e.kind == "eviction-accepted"}
        assert all((gone[pod] - at).total_seconds() == pytest.approx(LOOK_S) for pod, at in accepted.items())
        assert evictions(api).count("b") == 1 + 3.0 / RETRY_S

    def test_says_what_was_not_evicted_and_why(self, api: Kubelets, clock: FakeClock) -> None:
        self.budget(api, 3)
        fault = drain(api, clock, within_s=10)
        plan = fault.plan()
        with pytest.raises(
            FaultError, match="2 pods of node/worker could not be evicted within 10 s"
        ) as caught:
            fault.inject(plan, record_of(plan, clock))
        assert "pod/demo/a: refused: Cannot evict pod" in caught.value.found
        assert not fault.landed(plan).holds
        NodeDrainUndo(tools(api)).undo(record_of(plan, clock))
        assert "unschedulable" not in api.get(WORKER)["spec"]

    def test_takes_a_pod_that_came_after_the_plan(self, api: Kubelets, clock: FakeClock) -> None:
        fault = drain(api, clock)
        plan = fault.plan()
        api.add_pods(pod("late"))
        fault.inject(plan, record_of(plan, clock))
        assert "late" in evictions(api)
        assert fault.landed(plan).holds

    def test_a_pod_that_is_gone_or_replaced_is_not_asked_for(self, api: Kubelets, clock: FakeClock) -> None:
        fault = drain(api, clock)
        plan = fault.plan()
        api.delete("/api/v1/namespaces/demo/pods/a")
        api.add_pods(pod("b", node="worker2", metadata={"uid": "another"}))
        fault.inject(plan, record_of(plan, clock))
        assert evictions(api) == []

    def test_a_refusal_by_the_api_is_no_not_yet(self, api: Kubelets, clock: FakeClock) -> None:
        class Forbidden(Kubelets):
            def _evict(self, path: str, body: dict[str, object]) -> None:
                raise ApiError("403 Forbidden", status=403)

        api.__class__ = Forbidden
        fault = drain(api, clock)
        plan = fault.plan()
        with pytest.raises(ApiError, match="403"):
            fault.inject(plan, record_of(plan, clock))
        assert clock.monotonic() == 0

    def test_leaves_a_foreign_cordon_alone(self, api: Kubelets, clock: FakeClock) -> None:
        api.patch(WORKER, {"spec": {"unschedulable": True}})
        fault = drain(api, clock)
        plan = fault.plan()
        fault.inject(plan, record_of(plan, clock))
        assert fault.landed(plan).holds
        undo = NodeDrainUndo(tools(api))
        undo.undo(record_of(plan, clock))
        assert api.get(WORKER)["spec"]["unschedulable"] is True
        proof = undo.undone(record_of(plan, clock))
        assert proof.holds
        assert proof.facts["cordoned_by"] == "someone else"

    @staticmethod
    def budget(api: FakeApi, at_least: int) -> None:
        spec = {"selector": {"matchLabels": {"app": "web"}}, "minAvailable": at_least}
        api.add(
            "/apis/policy/v1/namespaces/demo/poddisruptionbudgets",
            {"metadata": {"name": "web"}, "spec": spec},
        )


class TestLanded:
    def test_not_while_a_pod_is_still_ending(self, api: Kubelets, clock: FakeClock) -> None:
        fault = drain(api, clock)
        plan = fault.plan()
        fault.inject(plan, record_of(plan, clock))
        api.add_pods(pod("slow", metadata={"deletionTimestamp": "2026-01-01T00:00:00Z"}))
        proof = fault.landed(plan)
        assert not proof.holds
        assert proof.facts["still_there"] == "pod/demo/slow"

    def test_not_when_nothing_was_done(self, api: Kubelets, clock: FakeClock) -> None:
        fault = drain(api, clock)
        assert not fault.landed(fault.plan()).holds

    def test_not_when_the_node_is_empty_but_open(self, api: Kubelets, clock: FakeClock) -> None:
        fault = drain(api, clock)
        plan = fault.plan()
        for name in "ab":
            api.delete(f"/api/v1/namespaces/demo/pods/{name}")
        assert not fault.landed(plan).holds


class TestUndo:
    @pytest.fixture
    def done(self, api: Kubelets, clock: FakeClock) -> Record:
        fault = drain(api, clock)
        plan = fault.plan()
        fault.inject(plan, record_of(plan, clock))
        return record_of(plan, clock)

    def test_leaves_the_node_as_it_was(self, api: Kubelets, done: Record) -> None:
        NodeDrainUndo(tools(api)).undo(done)
        found = api.get(WORKER)
        assert found["spec"] == {}
        assert found["metadata"]["annotations"] == {}
        assert NodeDrainUndo(tools(api)).undone(done).holds

    def test_twice_changes_nothing_the_second_time(self, api: Kubelets, done: Record) -> None:
        NodeDrainUndo(tools(api)).undo(done)
        calls = len(api.calls)
        NodeDrainUndo(tools(api)).undo(done)
        assert len(api.calls) == calls

    def test_is_not_undone_while_the_scheduler_still_keeps_away(self, api: Kubelets, done: Record) -> None:
        NodeDrainUndo(tools(api)).undo(done)
        api.patch(WORKER, {"spec": {"taints": [CORDONED]}})
        assert not NodeDrainUndo(tools(api)).undone(done).holds

    def test_another_runs_cordon_stays(self, api: Kubelets, done: Record) -> None:
        other = marks.encode(
            Record(**{**{f: getattr(done, f) for f in done.__struct_fields__}, "fault_id": "x"})
        )
        api.patch(WORKER, {"metadata": {"annotations": {marks.CORDON_MARK: other}}})
        NodeDrainUndo(tools(api)).undo(done)
        assert api.get(WORKER)["spec"]["unschedulable"] is True

    def test_a_node_that_changed_meanwhile_is_worth_another_try(self, api: Kubelets, done: Record) -> None:
        read = api.find(WORKER)
        api.patch(WORKER, {"metadata": {"labels": {"touched": "yes"}}})
        api.find = lambda path, **query: read  # type: ignore[method-assign]  # a stale read
        with pytest.raises(TransientError, match="changed meanwhile"):
            NodeDrainUndo(tools(api)).undo(done)

    def test_a_node_that_is_gone_needs_no_undo(self, api: Kubelets, done: Record) -> None:
        api.delete(WORKER)
        NodeDrainUndo(tools(api)).undo(done)
        assert NodeDrainUndo(tools(api)).undone(done).holds
