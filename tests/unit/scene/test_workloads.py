"""Workloads: steady before anything breaks, recovered after."""

from __future__ import annotations

from datetime import timedelta

import pytest

from aftershock.cluster.api import Json
from aftershock.cluster.targets import Target
from aftershock.errors import EnvironmentUnusableError, FaultError, FeatureError, InconclusiveError
from aftershock.faults.injector import Injection
from aftershock.faults.journal import Record
from aftershock.faults.pod_kill import PodKillUndo
from aftershock.faults.protocol import Plan, Proof
from aftershock.judge.question import JUDGES
from aftershock.judge.recovery import CONFIRM_S
from aftershock.scene.acts import Breaks
from aftershock.scene.stage import GRACE_S, Stage
from aftershock.scene.workloads import SCRAPED_WITHIN_S, STEADY_WITHIN_S, Workloads
from aftershock.testing import FakeClock
from aftershock.testing.kube import FakeApi, node, pod
from tests.unit.scene.conftest import Judging

PATH = "/apis/apps/v1/namespaces/demo/deployments"


def deployment(name: str = "web", *, ready: int = 2) -> Json:
    return {
        "metadata": {"name": name, "namespace": "demo", "generation": 1},
        "spec": {"replicas": 2},
        "status": {"observedGeneration": 1, "replicas": 2, "updatedReplicas": 2, "readyReplicas": ready},
    }


class TestSteady:
    def test_all_as_specified(self, stage: Stage, api: FakeApi, clock: FakeClock) -> None:
        api.add(PATH, deployment("web"), deployment("app"))
        Workloads(stage).are_steady("demo")
        assert clock.elapsed == 0

    def test_it_is_waited_for(self, stage: Stage, api: FakeApi, clock: FakeClock) -> None:
        api.add(PATH, deployment(ready=1))
        inner = clock.sleep

        def sleep(seconds: float) -> None:
            inner(seconds)
            api.add(PATH, deployment(ready=2 if clock.elapsed > 5 else 1))

        clock.sleep = sleep  # type: ignore[method-assign]  # what a controller does meanwhile
        Workloads(stage).are_steady("demo")
        assert 5 < clock.elapsed < 6

    def test_what_another_scenario_disturbs_now_is_its_matter(
        self, stage: Stage, api: FakeApi, clock: FakeClock
    ) -> None:
        api.add(PATH, deployment("web", ready=1), deployment("app"))
        own = {"workloads": ["demo/app"], "namespaces": []}
        other = {"scenario": "web-is-killed", "workloads": ["demo/web"], "namespaces": []}
        stage.timeline.record("harness", "concurrent", own=own, others=[other])
        Workloads(stage).are_steady("demo")
        assert clock.elapsed == 0
        stage.timeline.record("harness", "concurrent", own=own, others=[])
        with pytest.raises(EnvironmentUnusableError) as caught:
            Workloads(stage).are_steady("demo")
        assert "not ready: web" in str(caught.value)

    def test_never_steady_names_what_is_not(self, stage: Stage, api: FakeApi, clock: FakeClock) -> None:
        api.add(PATH, deployment("web"), deployment("app", ready=1))
        with pytest.raises(EnvironmentUnusableError, match="demo is not in its steady state") as caught:
            Workloads(stage).are_steady("demo")
        assert caught.value.found == "not ready: app"
        assert clock.elapsed == pytest.approx(STEADY_WITHIN_S)

    def test_a_namespace_without_deployments(self, stage: Stage, clock: FakeClock) -> None:
        with pytest.raises(FeatureError, match="namespace 'dmeo' has no deployment"):
            Workloads(stage).are_steady("dmeo")
        assert clock.elapsed == 0


class TestBroken:
    def test_what_was_hit_is_what_recovers_is_about(
        self, stage: Stage, api: FakeApi, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        api.add_pods(pod("web-7d9f-1"))
        owner = {"kind": "Deployment", "name": "web", "controller": True}
        meta = {"name": "web-7d9f", "namespace": "demo", "ownerReferences": [owner]}
        api.add("/apis/apps/v1/namespaces/demo/replicasets", {"metadata": meta})
        hit = (Target.of("pod", pod("web-7d9f-1")), Target.of("node", node("worker")))
        plan = Plan(fault="f", targets=hit, undo={}, expires_after_s=1, blast_radius="", switch="none")
        asked: list[object] = []

        def inject(fault: object) -> Injection:
            asked.append(fault)
            record = plan.record(run_id="r", now=stage.timeline.clock.now())
            return Injection(plan=plan, record=record, proof=Proof(holds=True, source="test"))

        monkeypatch.setattr(stage, "inject", inject)
        workloads = Workloads(stage)
        workloads.are_broken(Breaks(fault=lambda ground: ground.tools, by="end"))  # type: ignore[arg-type,return-value]  # any
        assert asked == [stage.tools]
        assert workloads.broken == ["deployment/demo/web"]


class TestRecover:
    def test_without_a_fault(self, stage: Stage) -> None:
        with pytest.raises(FeatureError, match="nothing happened to reviews") as caught:
            Workloads(stage).recover("reviews", within_s=30)
        assert "When step" in caught.value.hint

    def test_each_deployment_that_was_touched_is_judged(
        self, stage: Stage, clock: FakeClock, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        judged: list[object] = []

        def judge(timeline: object, *, workload: str, wanted: int | None, **asked: object) -> object:
            judged.append((workload, wanted, asked))
            return Judging(clock, "met")()

        monkeypatch.setitem(JUDGES, "recovered_within", judge)
        stage.timeline.record("client", "probing", "http://127.0.0.1:30082/", state="started")
        workloads = Workloads(stage)
        workloads.broken = ["deployment/bookinfo/reviews-v1", "deployment/bookinfo/reviews-v3"]
        workloads.recover("reviews", within_s=30)
        # Each twice: when it is met, and with what Prometheus has seen by then.
        more = {"within_s": 30, "url": "http://127.0.0.1:30082/"}
        asked = [(name, None, more) for name in workloads.broken]
        assert judged == [asked[0], asked[0], asked[1], asked[1]]

    def test_a_stateful_set_is_held_to_what_it_asks_for(
        self, stage: Stage, api: FakeApi, clock: FakeClock, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        judged: list[object] = []

        def judge(timeline: object, *, workload: str, wanted: int | None, **asked: object) -> object:
            judged.append((workload, wanted))
            return Judging(clock, "met")()

        monkeypatch.setitem(JUDGES, "recovered_within", judge)
        api.add(
            "/apis/apps/v1/namespaces/shop/statefulsets",
            {"metadata": {"name": "db"}, "spec": {"replicas": 3}},
        )
        workloads = Workloads(stage)
        workloads.broken = ["statefulset/shop/db"]
        workloads.recover("shop/db", within_s=30)
        assert judged[0] == ("statefulset/shop/db", 3)
        assert not stage.timeline.select(kind="ready-replicas"), "the metrics are of Deployments"

    def test_prometheus_has_its_say_and_never_the_last_word(
        self, stage: Stage, clock: FakeClock, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setitem(JUDGES, "recovered_within", Judging(clock, "met"))
        workloads = Workloads(stage)
        workloads.broken = ["deployment/bookinfo/reviews-v1"]
        workloads.recover("reviews", within_s=30)
        (look,) = stage.timeline.select(source="prometheus", kind="ready-replicas")
        assert look.subject == "deployment/bookinfo/reviews-v1"
        assert "does not answer" in look.data["problem"]
        assert clock.elapsed == pytest.approx(SCRAPED_WITHIN_S)

    def test_it_is_final_when_the_streak_could_have_been_confirmed(
        self, stage: Stage, clock: FakeClock
    ) -> None:
        # An empty record: no watch ever said anything of this deployment.
        stage.timeline.record("harness", "landed", "pod/bookinfo/reviews-v1-a")
        workloads = Workloads(stage)
        workloads.broken = ["deployment/bookinfo/reviews-v1"]
        with pytest.raises(InconclusiveError):
            workloads.recover("reviews", within_s=30)
        assert clock.now() - stage.opened == timedelta(seconds=30 + CONFIRM_S + GRACE_S + SCRAPED_WITHIN_S)


class Sheer:
    """A fault that was planned so and landed at once."""

    name = "sheer"

    def __init__(self, kind: str, undo: dict[str, object]) -> None:
        self.kind = kind
        self.undo = undo

    def plan(self) -> Plan:
        target = Target(kind=self.kind, namespace="demo", name="web", uid="uid-web")
        return Plan(
            fault="sheer",
            targets=(target,),
            undo=self.undo,
            expires_after_s=9,
            blast_radius="",
            switch="none",
            marked=(),
        )

    def inject(self, plan: Plan, record: Record) -> None:
        pass

    def landed(self, plan: Plan) -> Proof:
        return Proof(holds=True, source="test")


@pytest.mark.parametrize(
    ("kind", "undo", "broken"),
    [
        ("pod", {"controllers": ["deployment/demo/web"]}, ["deployment/demo/web"]),
        ("deployment", {}, ["deployment/demo/web"]),
        ("statefulset", {}, ["statefulset/demo/web"]),
        ("node", {}, []),
    ],
)
def test_what_is_broken_is_what_makes_the_pods(
    stage: Stage, monkeypatch: pytest.MonkeyPatch, kind: str, undo: dict[str, object], broken: list[str]
) -> None:
    stage.injector.undos = {"sheer": PodKillUndo(stage.tools)}
    monkeypatch.setattr(stage.injector, "check", lambda targets, disturbs: None)
    workloads = Workloads(stage)
    workloads.are_broken(Breaks(fault=lambda ground: Sheer(kind, undo), by="new pod"))
    assert workloads.broken == broken


def test_the_deployment_of_a_pod(stage: Stage, api: FakeApi) -> None:
    api.add_pods(pod("web-7d9f-a", owner="ReplicaSet/web-7d9f"))
    owner = {"kind": "Deployment", "name": "web", "controller": True}
    api.add(
        "/apis/apps/v1/namespaces/demo/replicasets",
        {"metadata": {"name": "web-7d9f", "ownerReferences": [owner]}},
    )
    target = Target(kind="pod", name="web-7d9f-a", uid="uid-web-7d9f-a", namespace="demo")
    assert Workloads(stage)._makers([target]) == ["deployment/demo/web"]


def test_the_deployment_of_a_pod_that_somebody_has_replaced_meanwhile(stage: Stage) -> None:
    target = Target(kind="pod", name="web-7d9f-a", uid="uid-a", namespace="demo")
    with pytest.raises(FaultError, match="the record does not show what made it"):
        Workloads(stage)._makers([target])
    deployment = {"kind": "Deployment", "name": "web", "uid": "uid-web"}
    replicaset = {"kind": "ReplicaSet", "name": "web-7d9f", "uid": "uid-rs"}
    stage.timeline.record("kubernetes", "replicaset", "rs", uid="uid-rs", owner=deployment)
    stage.timeline.record(
        "kubernetes", "pod", str(target), uid="uid-a", namespace="demo", name="web-7d9f-a", owner=replicaset
    )
    assert Workloads(stage)._makers([target]) == ["deployment/demo/web"]
