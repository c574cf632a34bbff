"""Addons: what they add to the stack, and that the stack without them is as it was."""

from __future__ import annotations

import io
import tomllib
from pathlib import Path
from typing import Any

import pytest
from rich.console import Console

from aftershock.cluster.kind.catalogue import load_catalogue
from aftershock.cluster.progress import Progress
from aftershock.cluster.stack import Stack
from aftershock.errors import UsageError
from aftershock.scene.vertical import ADDONS
from tests.unit.stack.conftest import ROOT, Manifest, find_tool

Key = tuple[str, str]


@pytest.fixture
def stack(tmp_path: Path) -> Stack:
    kustomize = find_tool("kustomize", variable="AFTERSHOCK_KUSTOMIZE", hint="`make test` builds it")
    progress = Progress(Console(file=io.StringIO()))
    return Stack(root=ROOT, kustomize=Path(kustomize), log=tmp_path / "log", progress=progress)


def rendered(stack: Stack, profile: Any, *addons: str) -> dict[Key, Manifest]:
    items = stack.render(
        profile, images={"aftershock.dev/components:dev": "aftershock.dev/components:1"}, addons=addons
    )
    return {(item["kind"], item["metadata"]["name"]): item for item in items}


def metrics(items: dict[Key, Manifest]) -> list[str]:
    found = items["HorizontalPodAutoscaler", "sample-app"]["spec"]["metrics"]
    return [m["pods"]["metric"]["name"] if m["type"] == "Pods" else m["resource"]["name"] for m in found]


def pod_template(item: Manifest) -> Manifest:
    spec = item["spec"]["jobTemplate"]["spec"] if item["kind"] == "CronJob" else item["spec"]
    return dict(spec["template"])


@pytest.mark.parametrize("profile", ["ci", "nightly"])
def test_custom_metrics_add_the_adapter_and_the_third_metric(stack: Stack, profile: str) -> None:
    plain, with_it = rendered(stack, profile), rendered(stack, profile, "custom-metrics")
    assert metrics(plain) == ["cpu", "memory"]
    assert metrics(with_it) == ["cpu", "memory", "http_requests_per_second"]
    windows = [i["HorizontalPodAutoscaler", "sample-app"]["spec"]["behavior"] for i in (plain, with_it)]
    assert windows[0] == windows[1]
    assert {key for key in with_it.keys() - plain.keys() if key[0] in {"Deployment", "APIService"}} == {
        ("Deployment", "prometheus-adapter"),
        ("APIService", "v1beta1.custom.metrics.k8s.io"),
    }
    changed = {key for key in plain if plain[key] != with_it[key]}
    assert changed == {("HorizontalPodAutoscaler", "sample-app")}


def test_vpa_only_recommends_by_itself(stack: Stack) -> None:
    plain, with_it = rendered(stack, "ci"), rendered(stack, "ci", "vpa")
    assert plain.items() <= with_it.items()
    vpa = with_it["VerticalPodAutoscaler", "frugal"]
    assert vpa["spec"]["updatePolicy"] == {"updateMode": "Off"}
    containers = with_it["Deployment", "frugal"]["spec"]["template"]["spec"]["containers"]
    asked, least = containers[0]["resources"]["requests"], vpa["spec"]["resourcePolicy"]["containerPolicies"]
    assert (asked["cpu"], least[0]["minAllowed"]["cpu"]) == ("5m", "20m")


@pytest.mark.parametrize("profile", ["ci", "nightly"])
def test_autorecovery_adds_itself_and_changes_nothing_but_who_alertmanager_tells(
    stack: Stack, profile: str
) -> None:
    plain, with_it = rendered(stack, profile), rendered(stack, profile, "autorecovery")
    changed = {key for key in plain if plain[key] != with_it[key]}
    assert changed == {("Alertmanager", "aftershock")}
    before, after = (items["Alertmanager", "aftershock"]["spec"] for items in (plain, with_it))
    assert {name for name in after if before.get(name) != after[name]} == {
        "alertmanagerConfigSelector",
        "alertmanagerConfigNamespaceSelector",
        "alertmanagerConfigMatcherStrategy",
    }
    told = with_it["AlertmanagerConfig", "autorecovery"]
    selector = after["alertmanagerConfigSelector"]["matchLabels"]
    assert selector.items() <= told["metadata"]["labels"].items()
    assert after["alertmanagerConfigNamespaceSelector"]["matchLabels"] == {
        "kubernetes.io/metadata.name": told["metadata"]["namespace"]
    }
    service = with_it["Service", "autorecovery"]
    [hook] = told["spec"]["receivers"][0]["webhookConfigs"]
    assert hook["url"] == "http://autorecovery.autorecovery:8080/alert"
    assert service["spec"]["ports"][0]["port"] == 8080


def test_autorecovery_runs_as_its_manifests_say(stack: Stack) -> None:
    items = rendered(stack, "ci", "autorecovery")
    deployment = items["Deployment", "autorecovery"]["spec"]
    assert deployment["replicas"] == 2
    noted = items["Deployment", "autorecovery"]["metadata"]["annotations"]
    assert noted["autorecovery.aftershock.dev/dry-run"] == "true"  # it acts only when it is let
    labels = deployment["template"]["metadata"]["labels"]
    for kind in ("Service", "ServiceMonitor"):
        selector = items[kind, "autorecovery"]["spec"]["selector"]
        assert selector.get("matchLabels", selector).items() <= labels.items()
    assert items["Service", "autorecovery"]["metadata"]["labels"].items() >= labels.items()
    [container] = deployment["template"]["spec"]["containers"]
    assert {entry["name"]: entry.get("value") for entry in container["env"]}[
        "AUTORECOVERY_DRY_RUN"
    ] == "false"
    volumes = {volume["configMap"]["name"] for volume in deployment["template"]["spec"]["volumes"]}
    assert volumes <= {name for kind, name in items if kind == "ConfigMap"}
    # What it keeps must be there, since it may create nothing of the kind; and an apply must not empty it.
    for key in (("ConfigMap", "autorecovery-incidents"), ("ConfigMap", "autorecovery-logs")):
        assert "data" not in items[key]
    assert "spec" not in items["Lease", "autorecovery"]


def test_autorecovery_never_touches_what_is_the_projects_own(stack: Stack) -> None:
    text = (ROOT / "stack/addons/autorecovery/playbooks.toml").read_text()
    excluded = set(tomllib.loads(text)["exclusions"]["namespaces"])
    items = rendered(stack, "ci", *ADDONS)
    namespaces = {item["metadata"].get("namespace") for item in items.values()} - {None}
    allowed = {
        name
        for (kind, name), item in items.items()
        if kind == "Namespace" and item["metadata"].get("labels", {}).get("aftershock.dev/allow") == "true"
    }
    assert namespaces - excluded == allowed - {"autorecovery"} == {"bookinfo", "demo"}
    assert "autorecovery" in excluded


def test_every_addon_has_a_folder_and_images_and_is_looked_for(stack: Stack) -> None:
    catalogue = load_catalogue(ROOT)
    folders = {path.name for path in (ROOT / "stack" / "addons").iterdir()}
    # What runs by night is no part of what a scenario is about, so none asks for it.
    assert set(catalogue.addons) == folders == {*ADDONS, "nightly"}
    items = rendered(stack, "ci", *catalogue.addons)
    for addon, path in ADDONS.items():
        name, namespace = path.split("/")[-1], path.split("/")[-3]
        assert items["Deployment", name]["metadata"]["namespace"] == namespace, addon


def test_their_images_are_those_of_the_catalogue(stack: Stack) -> None:
    catalogue = load_catalogue(ROOT)
    for addon in catalogue.addons:
        known = {name for image in catalogue.of_addons([addon]) for name in image.names}
        plain, with_it = rendered(stack, "ci"), rendered(stack, "ci", addon)
        used = {
            container["image"]
            for key in with_it.keys() - plain.keys()
            if key[0] in {"Deployment", "CronJob"} and key[1] != "frugal"
            for container in pod_template(with_it[key])["spec"]["containers"]
        }
        assert used - {"aftershock.dev/components:1"} == known


def test_they_are_no_part_of_the_stack_by_themselves() -> None:
    catalogue = load_catalogue(ROOT)
    extra = catalogue.of_addons(catalogue.addons)
    assert extra
    assert not [image for image in extra if image in catalogue.of_role("core", "stack", "node")]
    assert not [image for image in extra if image in catalogue.official()]
    with pytest.raises(UsageError, match="no addon 'mesh'") as caught:
        catalogue.of_addons(["mesh"])
    assert caught.value.expected == "custom-metrics, vpa, nightly, autorecovery"
