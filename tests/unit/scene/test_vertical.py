"""Vertical autoscaling, addons and budgets in a scenario: refusals, and everything put back."""

from __future__ import annotations

import pytest

from aftershock.cluster.api import Json
from aftershock.errors import (
    AftershockError,
    ApiError,
    EnvironmentUnusableError,
    FeatureError,
    InconclusiveError,
    TransientError,
)
from aftershock.faults import marks
from aftershock.faults.catalogue import undos_with
from aftershock.faults.switch import REAPER_LEASE
from aftershock.faults.undoing import take_back
from aftershock.observe.vertical import record_vpa
from aftershock.scene.budgets import Budgets
from aftershock.scene.scaling import Scaling
from aftershock.scene.stage import Stage
from aftershock.scene.traffic import Traffic
from aftershock.scene.vertical import ADDONS, Vertical
from aftershock.testing.kube import FakeApi, pod

VPA = "/apis/autoscaling.k8s.io/v1/namespaces/demo/verticalpodautoscalers/web"
PDB = "/apis/policy/v1/namespaces/demo/poddisruptionbudgets/web"
HPA = "/apis/autoscaling/v2/namespaces/demo/horizontalpodautoscalers/nginx-web"


def meta(name: str) -> Json:
    return {"name": name, "namespace": "demo", "uid": f"uid-{name}"}


@pytest.fixture(autouse=True)
def quiet(stage: Stage, monkeypatch: pytest.MonkeyPatch) -> None:
    """Nobody listens at its Prometheus."""
    monkeypatch.setattr(stage, "look_at_alerts", lambda: None)


@pytest.fixture
def web(api: FakeApi) -> FakeApi:
    """A workload `web` of one pod in an open namespace, in a cluster whose reaper lives."""
    api.renewing.add(REAPER_LEASE)
    api.add("/api/v1/namespaces", {"metadata": {"name": "demo", "labels": {"aftershock.dev/allow": "true"}}})
    api.add(
        "/apis/apps/v1/namespaces/demo/deployments",
        {
            "metadata": {"name": "web", "namespace": "demo", "generation": 1},
            "spec": {
                "replicas": 1,
                "selector": {"matchLabels": {"app": "web"}},
                "template": {"spec": {"containers": [{"name": "main", "resources": {}}]}},
            },
            "status": {"observedGeneration": 1, "replicas": 1, "updatedReplicas": 1, "readyReplicas": 1},
        },
    )
    api.add_pods(pod("web-1"))
    return api


class TestAddons:
    def test_there_is_no_such_addon(self, stage: Stage) -> None:
        with pytest.raises(FeatureError, match="no addon 'mesh'"):
            Vertical(stage).needs("mesh")

    @pytest.mark.parametrize("addon", ADDONS)
    def test_absent_is_refused_with_what_to_run(self, stage: Stage, addon: str) -> None:
        with pytest.raises(EnvironmentUnusableError) as caught:
            Vertical(stage).needs(addon)
        assert caught.value.hint == f"aftershock up --with {addon}"

    @pytest.mark.parametrize("ready", [0, 1])
    def test_there_and_ready(self, stage: Stage, api: FakeApi, ready: int) -> None:
        status = {"observedGeneration": 1, "replicas": 1, "updatedReplicas": 1, "readyReplicas": ready}
        found: Json = {"metadata": {"generation": 1}, "spec": {"replicas": 1}, "status": status}
        api.objects[ADDONS["vpa"]] = found
        if ready:
            Vertical(stage).needs("vpa")
        else:
            with pytest.raises(EnvironmentUnusableError, match="not deployed") as caught:
                Vertical(stage).needs("vpa")
            assert caught.value.found == "one that is not ready"


class TestVertical:
    def test_it_may_act_until_the_scenario_closes(self, stage: Stage, web: FakeApi) -> None:
        web.objects[VPA] = {"metadata": meta("web"), "spec": {"updatePolicy": {"updateMode": "Off"}}}
        Vertical(stage).may_act("web")
        assert web.objects[VPA]["spec"]["updatePolicy"] == {"updateMode": "Recreate"}
        stage.injector.undo_all()
        assert web.objects[VPA]["spec"]["updatePolicy"] == {"updateMode": "Off"}

    def test_evictions_before_it_may(self, stage: Stage, web: FakeApi) -> None:
        with pytest.raises(FeatureError, match="may not act yet"):
            Vertical(stage).evicts("web", within_s=10)

    def test_pods_that_ask_for_something_else_are_replaced(self, stage: Stage, web: FakeApi) -> None:
        changed = {"containers": [{"name": "main", "resources": {"requests": {"cpu": "20m"}}}]}
        web.add_pods(pod("web-2", spec=changed))
        web.objects["/api/v1/namespaces/demo/pods/web-1"]["spec"]["containers"][0]["resources"] = {}
        Vertical(stage).asks_as_written("web")
        assert "/api/v1/namespaces/demo/pods/web-2" not in web.objects
        assert "/api/v1/namespaces/demo/pods/web-1" in web.objects

    def test_a_look_is_recorded_in_millicores_and_bytes(self, stage: Stage, api: FakeApi) -> None:
        entry = {"containerName": "main", "target": {"cpu": "25m", "memory": "32Mi"}}
        status = {"recommendation": {"containerRecommendations": [entry]}}
        api.objects[VPA] = {"spec": {"updatePolicy": {"updateMode": "Off"}}, "status": status}
        event = record_vpa(api, stage.timeline, namespace="demo", name="web", resolution_s=2.0)
        assert event.data["recommended"] == {"main": {"target": {"cpu_m": 25, "memory": 32 * 2**20}}}
        api.objects[VPA] = {"spec": {}}
        event = record_vpa(api, stage.timeline, namespace="demo", name="web", resolution_s=2.0)
        assert (event.data["mode"], event.data["recommended"]) == (None, {})


class TestBudgets:
    @pytest.mark.parametrize(
        ("before", "meanwhile"),
        [
            ({"minAvailable": 2}, {"minAvailable": "100%"}),
            ({"maxUnavailable": 1}, {"maxUnavailable": 0}),
        ],
    )
    def test_it_is_put_back(self, stage: Stage, web: FakeApi, before: Json, meanwhile: Json) -> None:
        web.objects[PDB] = {"metadata": meta("web"), "spec": before}
        Budgets(stage).allows_none("web")
        assert web.objects[PDB]["spec"] == meanwhile
        stage.injector.undo_all()
        assert web.objects[PDB]["spec"] == before
        assert not web.objects[PDB]["metadata"]["annotations"]

    def test_with_the_harness_gone_its_mark_alone_puts_it_back(self, stage: Stage, web: FakeApi) -> None:
        web.objects[PDB] = {"metadata": meta("web"), "spec": {"minAvailable": 2}}
        Budgets(stage).allows_none("web")
        (record,) = marks.records(web)
        take_back(record, undos_with(stage.tools), tools=stage.tools)
        assert web.objects[PDB]["spec"] == {"minAvailable": 2}
        assert not list(marks.records(web))

    def test_no_judge_takes_it_for_a_fault(self, stage: Stage, web: FakeApi) -> None:
        web.objects[PDB] = {"metadata": meta("web"), "spec": {"minAvailable": 2}}
        Budgets(stage).allows_none("web")
        stage.injector.undo_all()
        kinds = [event.kind for event in stage.timeline if event.source == "harness"]
        assert kinds[0] == "setting-planned"
        assert all(kind.startswith("setting-") for kind in kinds)

    def test_there_is_none(self, stage: Stage, web: FakeApi) -> None:
        with pytest.raises(FeatureError, match="no disruption budget"):
            Budgets(stage).allows_none("web")

    @pytest.mark.parametrize(
        ("said", "refused", "ends_in"),
        [
            # Whose pods they are, this cluster in memory does not tell.
            ("Cannot evict pod as it would violate the pod's disruption budget.", {True}, InconclusiveError),
            ("too many requests, please try again later", set(), TransientError),
        ],
    )
    def test_what_the_budget_refuses_is_recorded(
        self,
        stage: Stage,
        web: FakeApi,
        said: str,
        refused: set[bool],
        ends_in: type[AftershockError],
    ) -> None:
        def no(*_: object, **__: object) -> Json:
            raise TransientError("POST …/eviction: 429 Too Many Requests", found=said)

        web.post = no  # type: ignore[method-assign]
        with pytest.raises(ends_in):
            Budgets(stage).refuses("web")
        asked = [event.data for event in stage.timeline if event.kind == "eviction-asked"]
        assert {data["refused"] for data in asked} == refused

    def test_a_refusal_of_another_kind_is_an_error(
        self, stage: Stage, web: FakeApi, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        def no(*_: object, **__: object) -> Json:
            raise ApiError("forbidden", status=403)

        monkeypatch.setattr(web, "post", no)
        with pytest.raises(ApiError):
            Budgets(stage).refuses("web")


class TestOwnTarget:
    def test_it_is_put_back(self, stage: Stage, web: FakeApi) -> None:
        cpu = {"type": "Resource", "resource": {"name": "cpu"}}
        target = {"type": "AverageValue", "averageValue": "1k"}
        own = {"type": "Pods", "pods": {"metric": {"name": "r"}, "target": target}}
        web.objects[HPA] = {"metadata": meta("nginx-web"), "spec": {"metrics": [cpu, own]}}
        Scaling(stage, Traffic(stage)).aims_at("nginx-web", per_pod=30)
        metrics = web.objects[HPA]["spec"]["metrics"]
        assert metrics[1]["pods"]["target"] == {"type": "AverageValue", "averageValue": "30"}
        stage.injector.undo_all()
        assert web.objects[HPA]["spec"]["metrics"] == [cpu, own]

    def test_an_hpa_without_such_a_metric(self, stage: Stage, api: FakeApi) -> None:
        api.objects[HPA] = {"metadata": {"name": "nginx-web"}, "spec": {"metrics": []}}
        with pytest.raises(FeatureError, match="no metric that its pods export"):
            Scaling(stage, Traffic(stage)).aims_at("nginx-web", per_pod=30)
