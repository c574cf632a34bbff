"""What auto-recovery has changed, and nothing else, is as it was before."""

from __future__ import annotations

from typing import Any

import pytest

from aftershock.scene.repaired import Before
from aftershock.testing.kube import FakeApi, node

Json = dict[str, Any]

WEB = "/apis/apps/v1/namespaces/demo/deployments/web"
HPA = "/apis/autoscaling/v2/namespaces/demo/horizontalpodautoscalers/web"
NODE = "/api/v1/nodes/w1"
BUDGETS = "/apis/policy/v1/namespaces/demo/poddisruptionbudgets"
MARK = {"metadata": {"annotations": {"autorecovery.aftershock.dev/last-action": "abc"}}}
RELIEVED = {"metadata": {"annotations": {"autorecovery.aftershock.dev/replicas-before": "2"}}}


@pytest.fixture
def api() -> FakeApi:
    api = FakeApi()
    containers = [{"name": "main", "resources": {"limits": {"memory": "64Mi"}}}]
    spec: Json = {"replicas": 2, "template": {"spec": {"containers": containers}}}
    for path, found in (
        (WEB, {"metadata": {"name": "web", "namespace": "demo", "annotations": {"team": "a"}}, "spec": spec}),
        (HPA, {"metadata": {"name": "web", "namespace": "demo"}, "spec": {"minReplicas": 2}}),
        (NODE, node("w1")),
        (f"{BUDGETS}/theirs", budget("theirs")),
    ):
        api.add(path.rpartition("/")[0], found)
    return api


def budget(name: str) -> Json:
    labels = {"app.kubernetes.io/managed-by": "autorecovery"}
    return {"metadata": {"name": name, "namespace": "demo", "labels": labels}, "spec": {}}


def without_versions(api: FakeApi) -> Json:
    return {
        path: {
            "metadata": {
                name: value for name, value in found["metadata"].items() if name != "resourceVersion"
            },
            "spec": found["spec"],
        }
        for path, found in api.objects.items()
    }


@pytest.mark.parametrize(
    ("path", "change"),
    [
        (WEB, MARK | {"spec": {"replicas": 5}}),
        (WEB, RELIEVED | {"spec": {"replicas": 0}}),
        (
            WEB,
            MARK
            | {
                "spec": {
                    "template": {
                        "spec": {
                            "containers": [{"name": "main", "resources": {"limits": {"memory": "320Mi"}}}]
                        }
                    }
                }
            },
        ),
        (HPA, MARK | {"spec": {"minReplicas": 5}}),
        (NODE, MARK | {"spec": {"unschedulable": True}}),
    ],
)
def test_what_bears_its_mark_is_as_it_was(api: FakeApi, path: str, change: Json) -> None:
    api.patch(path, {"metadata": {"annotations": {}}})  # as every object that an API gives back may have
    known, before = without_versions(api), Before(api, ["demo"])
    api.patch(path, change)
    assert without_versions(api) != known
    before.put_back()
    assert without_versions(api) == known
    api.calls.clear()
    before.put_back()
    assert api.calls == []


def test_what_somebody_else_has_changed_stays(api: FakeApi) -> None:
    before = Before(api, ["demo"])
    api.patch(WEB, {"spec": {"replicas": 5}})
    api.patch(NODE, {"spec": {"unschedulable": True}})
    api.calls.clear()
    before.put_back()
    assert api.calls == []


def test_an_older_mark_is_no_reason(api: FakeApi) -> None:
    api.patch(WEB, MARK)
    before = Before(api, ["demo"])
    api.patch(WEB, {"spec": {"replicas": 5}})
    before.put_back()
    assert api.get(WEB)["spec"]["replicas"] == 5


def test_what_is_gone_is_left_gone(api: FakeApi) -> None:
    before = Before(api, ["demo"])
    api.delete(WEB)
    before.put_back()
    assert api.find(WEB) is None


def test_budgets_that_it_made_go_and_those_that_were_there_stay(api: FakeApi) -> None:
    before = Before(api, ["demo"])
    api.add(BUDGETS, budget("autorecovery-web"))
    before.put_back()
    assert [found["metadata"]["name"] for found in api.items(BUDGETS)] == ["theirs"]
