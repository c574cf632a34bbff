"""Controllers: found by their own name, and by the pods that they make."""

from __future__ import annotations

import pytest

from aftershock.cluster.controllers import controllers_of, find_controller, pods_of
from aftershock.errors import RefusedError
from aftershock.testing.kube import FakeApi, pod


@pytest.fixture
def api() -> FakeApi:
    fake = FakeApi()
    for name in ("demo", "shop"):
        labels = {"aftershock.dev/allow": "true"}
        fake.add("/api/v1/namespaces", {"metadata": {"name": name, "labels": labels}})
    fake.add("/api/v1/namespaces", {"metadata": {"name": "kube-system"}})
    for namespace, name in (("demo", "web"), ("shop", "web"), ("demo", "cart"), ("kube-system", "dns")):
        meta = {"name": name, "namespace": namespace, "uid": f"uid-{namespace}-{name}"}
        body = {"metadata": meta, "spec": {"selector": {"matchLabels": {"app": name}}}}
        fake.add(f"/apis/apps/v1/namespaces/{namespace}/deployments", body)
    return fake


def test_by_name_in_the_namespaces_that_opted_in(api: FakeApi) -> None:
    target, found = find_controller(api, "cart")
    assert str(target) == "deployment/demo/cart"
    assert found["metadata"]["uid"] == target.uid
    with pytest.raises(RefusedError, match="which deployment or statefulset is 'dns'"):
        find_controller(api, "dns")


@pytest.mark.parametrize("words", [("shop/web", ""), ("web", "shop")])
def test_by_namespace_and_name(api: FakeApi, words: tuple[str, str]) -> None:
    name, namespace = words
    assert str(find_controller(api, name, namespace=namespace)[0]) == "deployment/shop/web"


def test_a_name_in_two_namespaces_must_be_told_apart(api: FakeApi) -> None:
    with pytest.raises(RefusedError) as caught:
        find_controller(api, "web")
    assert caught.value.found == "deployment/demo/web, deployment/shop/web"
    assert caught.value.hint == "name it as namespace/name"


def test_its_pods_are_those_that_live(api: FakeApi) -> None:
    api.add_pods(
        pod("a"),
        pod("b", metadata={"deletionTimestamp": "2026-01-01T00:00:00Z"}),
        pod("c", app="cart"),
        pod("d", namespace="shop"),
    )
    _, web = find_controller(api, "demo/web")
    assert [found["metadata"]["name"] for found in pods_of(api, web)] == ["a"]


def test_who_makes_pods_again(api: FakeApi) -> None:
    sets = "/apis/apps/v1/namespaces/demo/replicasets"
    owner = {"kind": "Deployment", "name": "web", "controller": True}
    api.add(sets, {"metadata": {"name": "web-7d9f", "ownerReferences": [owner]}})
    api.add(sets, {"metadata": {"name": "alone"}})
    pods = [
        pod("a"),
        pod("b"),
        pod("c", owner="StatefulSet/db"),
        pod("d", owner="ReplicaSet/alone"),
        pod("e", owner="ReplicaSet/gone"),
    ]
    assert controllers_of(api, pods) == [
        "deployment/demo/web",
        "replicaset/demo/alone",
        "replicaset/demo/gone",
        "statefulset/demo/db",
    ]
