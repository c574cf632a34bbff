"""Applying manifests: the order, the paths, and kinds that nobody knows."""

from __future__ import annotations

from pathlib import Path

import pytest

from aftershock.cluster.api import Json, PatchKind
from aftershock.cluster.apply import Applier, load_objects, object_id, render
from aftershock.cluster.shell import Shell
from aftershock.errors import ApiError, CommandError, ConfigError, DeadlineError
from aftershock.testing import FakeClock
from aftershock.testing.kube import FakeApi
from tests.unit.cluster.conftest import Commands

RULE = {"kind": "PrometheusRule", "name": "prometheusrules", "namespaced": True}
RESOURCES: dict[str, list[Json]] = {
    "/api/v1": [
        {"kind": "Namespace", "name": "namespaces", "namespaced": False},
        {"kind": "Namespace", "name": "namespaces/status", "namespaced": False},
        {"kind": "ConfigMap", "name": "configmaps", "namespaced": True},
        {"kind": "Service", "name": "services", "namespaced": True},
    ],
    "/apis/apps/v1": [{"kind": "Deployment", "name": "deployments", "namespaced": True}],
    "/apis/apiextensions.k8s.io/v1": [
        {"kind": "CustomResourceDefinition", "name": "customresourcedefinitions", "namespaced": False}
    ],
}
DEFINITION: Json = {
    "apiVersion": "apiextensions.k8s.io/v1",
    "kind": "CustomResourceDefinition",
    "metadata": {"name": "prometheusrules.monitoring.coreos.com"},
}


def item(kind: str, name: str, *, version: str = "v1", namespace: str = "") -> Json:
    meta = {"name": name, **({"namespace": namespace} if namespace else {})}
    return {"apiVersion": version, "kind": kind, "metadata": meta}


class DiscoveryApi(FakeApi):
    """A fake that lists kinds, creates by server-side apply, and establishes definitions at once."""

    def __init__(self) -> None:
        super().__init__()
        self.resources = {base: list(entries) for base, entries in RESOURCES.items()}
        self.established = True
        self.asked: list[str] = []

    def get(self, path: str, **query: str) -> Json:
        if path in self.resources:
            self.asked.append(path)
            return {"resources": self.resources[path]}
        return super().get(path, **query)

    def patch(self, path: str, body: Json, *, kind: PatchKind = "merge", **query: str) -> Json:
        assert kind == "apply"
        state = "True" if self.established else "False"
        status = {"conditions": [{"type": "Established", "status": state}]}
        self.objects.setdefault(path, {"metadata": {"resourceVersion": "0"}, "status": status})
        return super().patch(path, body, kind=kind, **query)


@pytest.fixture
def api() -> DiscoveryApi:
    return DiscoveryApi()


def applied(api: FakeApi) -> list[str]:
    return [path.rpartition("/")[2] for method, path, _ in api.calls if method == "PATCH"]


def test_what_holds_others_comes_first(api: DiscoveryApi) -> None:
    Applier(api, clock=FakeClock()).apply(
        [
            item("Deployment", "web", version="apps/v1", namespace="demo"),
            item("Service", "web", namespace="demo"),
            item("ConfigMap", "settings", namespace="demo"),
            DEFINITION,
            item("Namespace", "demo"),
        ]
    )
    order = applied(api)
    assert set(order[:2]) == {"demo", "prometheusrules.monitoring.coreos.com"}
    assert order[2] == "settings"
    assert order[3:] == ["web", "web"]


@pytest.mark.parametrize(
    ("found", "path"),
    [
        (item("Namespace", "demo"), "/api/v1/namespaces/demo"),
        (item("ConfigMap", "a", namespace="demo"), "/api/v1/namespaces/demo/configmaps/a"),
        (item("ConfigMap", "a"), "/api/v1/namespaces/default/configmaps/a"),
        (
            item("Deployment", "web", version="apps/v1", namespace="demo"),
            "/apis/apps/v1/namespaces/demo/deployments/web",
        ),
    ],
)
def test_paths(api: DiscoveryApi, found: Json, path: str) -> None:
    assert Applier(api).path(found) == path


def test_an_unknown_kind_is_named(api: DiscoveryApi) -> None:
    clock = FakeClock()
    with pytest.raises(ConfigError, match=r"no kind Gadget in example\.org/v1") as caught:
        Applier(api, clock=clock).path(item("Gadget", "x", version="example.org/v1"))
    assert "CustomResourceDefinition" in caught.value.hint
    assert clock.elapsed == pytest.approx(5)


def test_a_kind_that_is_listed_later_than_others_of_its_group(api: DiscoveryApi) -> None:
    group = "/apis/monitoring.coreos.com/v1"
    api.resources[group] = [{"kind": "Prometheus", "name": "prometheuses", "namespaced": True}]

    class Later(FakeClock):
        def sleep(self, seconds: float) -> None:
            super().sleep(seconds)
            api.resources[group] = [*api.resources[group], RULE]

    applier = Applier(api, clock=Later())
    applier.path(item("Prometheus", "p", version="monitoring.coreos.com/v1", namespace="monitoring"))
    rule = item("PrometheusRule", "r", version="monitoring.coreos.com/v1", namespace="monitoring")
    assert applier.path(rule).endswith("/namespaces/monitoring/prometheusrules/r")


def test_the_api_is_asked_once_for_a_group(api: DiscoveryApi) -> None:
    applier = Applier(api)
    for name in "abc":
        applier.path(item("ConfigMap", name))
    assert api.asked == ["/api/v1"]


def test_a_definition_that_is_never_served(api: DiscoveryApi) -> None:
    api.established = False
    with pytest.raises(DeadlineError, match=r"CustomResourceDefinition/prometheusrules.* to be served"):
        Applier(api, clock=FakeClock()).apply([DEFINITION])


def test_a_refusal_ends_it_before_what_comes_after(api: DiscoveryApi) -> None:
    def refuse(method: str, path: str) -> None:
        raise ApiError(f"{method} {path}: 403 Forbidden", status=403)

    api.on_change = refuse
    with pytest.raises(ApiError):
        Applier(api).apply([item("Namespace", "demo"), item("ConfigMap", "a", namespace="demo")])
    assert applied(api) == ["demo"]


def test_get(api: DiscoveryApi) -> None:
    applier = Applier(api)
    found = item("ConfigMap", "a", namespace="demo")
    assert applier.get(found) is None
    applier.apply([found])
    assert (applier.get(found) or {})["metadata"]["name"] == "a"


def test_ids_as_people_write_them() -> None:
    assert object_id(item("ConfigMap", "a", namespace="demo")) == "ConfigMap/demo/a"
    assert object_id(item("Namespace", "demo")) == "Namespace/demo"


def test_a_plain_equals_sign_is_a_string() -> None:
    assert load_objects("---\nop: =\n---\n---\n") == [{"op": "="}]


def test_rendering_replaces_whole_references_only(commands: Commands, tmp_path: Path) -> None:
    text = "kind: A\nimage: x/parts:dev\n---\nkind: B\nimage: x/parts:dev2\n"
    commands.add("kustomize", f"cat <<'END'\n{text}END")
    found = render(
        tmp_path,
        kustomize=commands.folder / "kustomize",
        shell=Shell(log=tmp_path / "log"),
        images={"x/parts:dev": "x/parts:0123"},
    )
    assert [entry["image"] for entry in found] == ["x/parts:0123", "x/parts:dev2"]


def test_a_kustomization_that_does_not_build(commands: Commands, tmp_path: Path) -> None:
    commands.add("kustomize", "echo 'no such file' >&2; exit 1")
    with pytest.raises(CommandError) as caught:
        render(tmp_path, kustomize=commands.folder / "kustomize", shell=Shell(log=tmp_path / "log"))
    assert caught.value.tail == ("no such file",)
