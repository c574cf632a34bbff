"""What must hold for the manifests as they are rendered, whatever is added to them."""

from __future__ import annotations

import importlib.util
from collections.abc import Callable, Iterator
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

Manifest = dict[str, Any]
Render = Callable[[str], list[Manifest]]

UNITS = {"m": 0.001, "": 1.0, "Ki": 2.0**10, "Mi": 2.0**20, "Gi": 2.0**30}
WORKER_CPU = 2.0
WORKER_MEMORY = 4 * 2.0**30
# CoreDNS twice, as kubeadm deploys it, and what a fault's carrier asks for.
BESIDE_CPU = 0.2 + 0.05
BESIDE_MEMORY = 2 * 70 * 2.0**20 + 256 * 2.0**20


def quantity(text: str) -> float:
    number = text.rstrip("mKMGi")
    return float(number) * UNITS[text[len(number) :]]


@pytest.fixture(scope="session")
def objects(render: Render) -> list[Manifest]:
    return render("overlays/nightly")


def of_kind(objects: list[Manifest], *kinds: str) -> list[Manifest]:
    return [item for item in objects if item["kind"] in kinds]


def named(objects: list[Manifest], kind: str, name: str) -> Manifest:
    [found] = [item for item in of_kind(objects, kind) if item["metadata"]["name"] == name]
    return found


def pod_specs(objects: list[Manifest]) -> Iterator[tuple[str, Manifest]]:
    for item in of_kind(objects, "Deployment", "DaemonSet"):
        yield f"{item['metadata']['namespace']}/{item['metadata']['name']}", item["spec"]["template"]["spec"]


def test_images_come_from_the_node_where_it_has_them(objects: list[Manifest]) -> None:
    for name, pod in pod_specs(objects):
        for container in pod["containers"]:
            assert container["imagePullPolicy"] == "IfNotPresent", name
            assert ":" in container["image"].rpartition("/")[2], name
    for item in of_kind(objects, "Prometheus", "Alertmanager"):
        assert item["spec"]["imagePullPolicy"] == "IfNotPresent"


def test_no_container_has_more_rights_than_it_needs(objects: list[Manifest]) -> None:
    for name, pod in pod_specs(objects):
        assert pod["securityContext"]["runAsNonRoot"], name
        for container in pod["containers"]:
            context = container["securityContext"]
            assert context["allowPrivilegeEscalation"] is False, name
            assert context["readOnlyRootFilesystem"] is True, name
            assert context["capabilities"] == {"drop": ["ALL"]}, name
            assert set(container["resources"]["requests"]) == {"cpu", "memory"}, name
            assert "memory" in container["resources"]["limits"], name


def test_what_watches_stays_on_the_control_plane(objects: list[Manifest]) -> None:
    watching = [
        item["spec"]["template"]["spec"]
        for item in of_kind(objects, "Deployment")
        if item["metadata"]["namespace"] in {"monitoring", "kube-system"}
    ]
    watching += [item["spec"] for item in of_kind(objects, "Prometheus", "Alertmanager")]
    assert len(watching) == 7
    for spec in watching:
        assert spec["nodeSelector"] == {"node-role.kubernetes.io/control-plane": ""}
        assert {
            "key": "node-role.kubernetes.io/control-plane",
            "operator": "Exists",
            "effect": "NoSchedule",
        } in (spec["tolerations"])
    exporter = named(objects, "DaemonSet", "node-exporter")["spec"]["template"]["spec"]
    assert exporter["tolerations"] == [{"operator": "Exists"}]


def test_workloads_stay_off_the_control_plane_in_namespaces_that_opted_in(objects: list[Manifest]) -> None:
    allowed = {
        item["metadata"]["name"]
        for item in of_kind(objects, "Namespace")
        if item["metadata"].get("labels", {}).get("aftershock.dev/allow") == "true"
    }
    assert allowed == {"demo", "bookinfo"}
    for item in of_kind(objects, "Deployment"):
        if item["metadata"]["namespace"] in allowed:
            assert "tolerations" not in item["spec"]["template"]["spec"]


def test_everything_fits_on_one_worker_with_nginx_at_its_maximum(objects: list[Manifest]) -> None:
    replicas = {"nginx-web": 10, "sample-app": 3}
    cpu, memory = BESIDE_CPU, BESIDE_MEMORY
    for item in of_kind(objects, "Deployment", "DaemonSet"):
        meta = item["metadata"]
        if item["kind"] == "Deployment" and meta["namespace"] not in {"demo", "bookinfo"}:
            continue
        for container in item["spec"]["template"]["spec"]["containers"]:
            requests = container["resources"]["requests"]
            cpu += replicas.get(meta["name"], 1) * quantity(requests["cpu"])
            memory += replicas.get(meta["name"], 1) * quantity(requests["memory"])
    assert cpu <= WORKER_CPU
    assert memory <= WORKER_MEMORY


def test_node_ports_are_the_agreed_ones(objects: list[Manifest]) -> None:
    ports = {
        f"{item['metadata']['namespace']}/{item['metadata']['name']}": item["spec"]["ports"][0]["nodePort"]
        for item in of_kind(objects, "Service")
        if item["spec"].get("type") == "NodePort"
    }
    assert ports == {
        "demo/nginx-web": 30080,
        "demo/sample-app": 30081,
        "bookinfo/productpage": 30082,
        "monitoring/prometheus": 30090,
        "monitoring/alertmanager": 30903,
        "monitoring/alertmanager-webhook": 30904,
    }


def test_services_and_budgets_select_pods_that_exist(objects: list[Manifest]) -> None:
    labels = [
        (item["metadata"]["namespace"], item["spec"]["template"]["metadata"]["labels"])
        for item in of_kind(objects, "Deployment")
    ]
    # The operator's pods, as it labels them.
    labels += [
        ("monitoring", {"app.kubernetes.io/name": kind.lower(), kind.lower(): "aftershock"})
        for kind in ("Prometheus", "Alertmanager")
    ]
    for item in of_kind(objects, "Service", "PodDisruptionBudget"):
        wanted = item["spec"]["selector"]
        wanted = wanted.get("matchLabels", wanted)
        hits = [
            pod
            for namespace, pod in labels
            if namespace == item["metadata"]["namespace"] and wanted.items() <= pod.items()
        ]
        assert hits, f"{item['kind']} {item['metadata']['name']}"


def test_deployments_that_an_hpa_owns_leave_their_replicas_to_it(objects: list[Manifest]) -> None:
    for hpa in of_kind(objects, "HorizontalPodAutoscaler"):
        deployment = named(objects, "Deployment", hpa["spec"]["scaleTargetRef"]["name"])
        assert "replicas" not in deployment["spec"]
        for container in deployment["spec"]["template"]["spec"]["containers"]:
            assert "cpu" in container["resources"]["requests"]  # else there is no utilisation


def test_nginx_scales_as_stated(objects: list[Manifest]) -> None:
    spec = named(objects, "HorizontalPodAutoscaler", "nginx-web")["spec"]
    assert (spec["minReplicas"], spec["maxReplicas"]) == (3, 10)
    assert spec["metrics"][0]["resource"]["target"] == {"type": "Utilization", "averageUtilization": 50}
    assert spec["behavior"] == {
        "scaleUp": {
            "stabilizationWindowSeconds": 30,
            "policies": [{"type": "Percent", "value": 100, "periodSeconds": 30}],
        },
        "scaleDown": {
            "stabilizationWindowSeconds": 300,
            "policies": [{"type": "Percent", "value": 25, "periodSeconds": 60}],
        },
    }
    assert named(objects, "PodDisruptionBudget", "nginx-web")["spec"]["minAvailable"] == 2


def test_no_pod_is_scraped_twice(objects: list[Manifest]) -> None:
    """Twice scraped is twice counted: by annotation and by a monitor."""
    monitored = [
        item["spec"]["selector"]["matchLabels"] for item in of_kind(objects, "ServiceMonitor", "PodMonitor")
    ]
    for item in of_kind(objects, "Deployment", "DaemonSet"):
        template = item["spec"]["template"]["metadata"]
        annotated = template.get("annotations", {}).get("prometheus.io/scrape") == "true"
        hits = [wanted for wanted in monitored if wanted.items() <= template["labels"].items()]
        assert len(hits) + annotated <= 1, item["metadata"]["name"]


def test_prometheus_selects_everything_and_is_fast_enough(objects: list[Manifest]) -> None:
    spec = named(objects, "Prometheus", "aftershock")["spec"]
    for kind in ("serviceMonitor", "podMonitor", "probe", "scrapeConfig", "rule"):
        assert spec[f"{kind}Selector"] == {}
        assert spec[f"{kind}NamespaceSelector"] == {}
    assert (spec["scrapeInterval"], spec["evaluationInterval"]) == ("5s", "5s")
    assert spec["resources"] == {
        "requests": {"cpu": "200m", "memory": "512Mi"},
        "limits": {"memory": "2Gi"},
    }


def test_the_page_is_the_one_that_its_generator_makes(root: Path) -> None:
    folder = root / "stack/workloads/base/nginx-web"
    page = (folder / "pages/index.html").read_text(encoding="utf-8")
    assert page == load(folder / "generate_page.py").make_page()
    assert 50_000 <= len(page.encode()) <= 100_000


def load(path: Path) -> ModuleType:
    spec = importlib.util.spec_from_file_location(path.stem, path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module
