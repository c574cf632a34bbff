"""The bootstrap script for real: three fresh Debian machines become a cluster, and scenarios pass on it.

Nothing of kind is there: other node names, no port of 127.0.0.1, a kubeconfig that only names the cluster.
The tests build on one another, in this order.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path

import pytest

from aftershock.clock import wait_until
from aftershock.cluster.api import KubeApi
from aftershock.cluster.apply import Applier, load_objects
from aftershock.cluster.connect import kubeconfig_api
from aftershock.cluster.discovery import find_monitoring
from aftershock.errors import NotFoundError, TransientError
from tests.cluster.conftest import Project
from tests.cluster.fleet import ADDRESSES, CONTEXT, MACHINES, ROOT, Fleet

HERE = Path(__file__).parent
POD_KILLED = "recovery/pod_killed.feature"
# A drain leaves all pods on the other worker, a load more of them for a while: both come last.
SCENARIOS = (
    ("node/kubelet_stop.feature",),
    ("recovery/node_lost.feature", "-k", "switched_off"),
    ("recovery/out_of_memory.feature",),
    (POD_KILLED,),
    ("maintenance/drain_worker.feature",),
    ("scaling/nginx_web.feature",),
)
SETTINGS = """
[tool.aftershock]
allowed_contexts = ["{context}"]
load_hosts = ["{master}"]
components_image = "{components}"

[tool.aftershock.services]
"demo/nginx-web" = "http://{master}:30080"
"demo/sample-app" = "http://{master}:30081"
"bookinfo/productpage" = "http://{master}:30082"

[tool.aftershock.node_power]
stop = ["{power}", "{engine}", "stop", "{{node}}", "{{expires_s}}"]
start = ["{power}", "{engine}", "start", "{{node}}"]
"""


@pytest.fixture(scope="module")
def fleet(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Fleet]:
    offline = tmp_path_factory.mktemp("offline")
    fleet = Fleet(offline)
    fleet.end()
    fleet.build()
    try:
        fleet.start()
        yield fleet
    finally:
        fleet.end()
        shutil.rmtree(offline)


class Person:
    """Somebody with a checkout and a kubeconfig, and a project whose settings name this cluster."""

    def __init__(self, fleet: Fleet, folder: Path) -> None:
        self.project = Project(folder)
        for name in ("stack", "cluster", "node_modules"):
            (self.project.folder / name).symlink_to(ROOT / name)
        text = (ROOT / "pyproject.toml").read_text(encoding="utf-8").partition("[tool.aftershock]")[0]
        settings = SETTINGS.format(
            context=CONTEXT, master=ADDRESSES["alder"], components=fleet.components,
            power=HERE / "machine/power", engine=fleet.engine.name,
        )  # fmt: skip
        self.project.write("pyproject.toml", text + settings)
        self.kubeconfig = fleet.kubeconfig(folder / "kubeconfig")

    def runs(self, *words: str, minutes: float = 10) -> str:
        """Run Python with these words in the project; return what it says, having ended with 0."""
        done = subprocess.run(
            [sys.executable, *words],
            cwd=self.project.folder,
            env={**os.environ, "KUBECONFIG": str(self.kubeconfig)},
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            check=False,
            timeout=minutes * 60,
        )
        assert done.returncode == 0, done.stdout
        return done.stdout

    def aftershock(self, *words: str) -> str:
        return self.runs("-c", "from aftershock.cli import main; main()", *words)

    def pytest(self, words: Sequence[str]) -> str:
        feature, *more = words
        return self.runs("-m", "pytest", f"features/{feature}", "--cluster", CONTEXT, *more)


@pytest.fixture(scope="module")
def person(fleet: Fleet, tmp_path_factory: pytest.TempPathFactory) -> Person:
    return Person(fleet, tmp_path_factory.mktemp("person") / "project")


@pytest.fixture(scope="module")
def api(person: Person) -> KubeApi:
    return kubeconfig_api(person.kubeconfig, CONTEXT)


def test_fresh_machines_become_a_cluster_and_a_second_call_changes_nothing(fleet: Fleet) -> None:
    fleet.bootstrap()
    wait_until(lambda: ready(fleet), within_s=120, every_s=2, what="three Ready nodes")
    nodes = {node["metadata"]["name"]: node for node in fleet.get("nodes")}
    assert sorted(nodes) == sorted(MACHINES)
    assert nodes["alder"]["spec"]["providerID"] == "aws:///zone/i-0alder"

    def served() -> bool:
        pods = fleet.get("pods", "-n", "kube-system", "-l", "k8s-app=kube-dns")
        return [
            c["status"] for pod in pods for c in pod["status"].get("conditions", []) if c["type"] == "Ready"
        ] == ["True"] * 2

    wait_until(served, within_s=120, every_s=2, what="CoreDNS, whose pods reach the API server")
    before = {name: node["metadata"]["uid"] for name, node in nodes.items()}
    fleet.bootstrap()
    after = {node["metadata"]["name"]: node["metadata"]["uid"] for node in fleet.get("nodes")}
    assert after == before


def test_a_disk_that_is_another_machines_makes_no_pressure(fleet: Fleet, api: KubeApi) -> None:
    for name in MACHINES:
        told = json.loads(api.text(f"/api/v1/nodes/{name}/proxy/configz"))["kubeletconfig"]
        # The kubelet takes 0 % for no threshold.
        assert told["evictionHard"] == {
            "memory.available": "256Mi", "nodefs.available": "0%", "imagefs.available": "0%",
        }  # fmt: skip
        assert told["imageGCHighThresholdPercent"] == 100


def test_pods_reach_one_another_across_nodes(fleet: Fleet) -> None:
    """CoreDNS' pods, asked from a machine where they are not."""
    pods = fleet.get("pods", "-n", "kube-system", "-l", "k8s-app=kube-dns")
    for pod in pods:
        asker = next(name for name in MACHINES if name != pod["spec"]["nodeName"])
        told = fleet.on(
            asker, "curl", "-sS", "--max-time", "5", f"http://{pod['status']['podIP']}:8181/ready"
        )
        assert told == "OK"


def test_a_client_whose_key_stayed_where_it_was_made(fleet: Fleet, tmp_path: Path) -> None:
    shell = fleet.engine.shell
    key, request = tmp_path / "key", tmp_path / "csr"
    shell.run("openssl", "req", "-new", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes",
              "-keyout", key, "-out", request, "-subj", "/O=kubeadm:cluster-admins/CN=me")  # fmt: skip
    packed = shell.run("base64", "--wrap=0", request)
    printed = fleet.on("alder", "sh", "-c", f"echo {packed} | node sign --days 2")
    assert printed.count("BEGIN CERTIFICATE") == 2
    client = tmp_path / "client.crt"
    client.write_text(printed[: printed.index("-----END CERTIFICATE-----") + 26])
    told = shell.run("openssl", "x509", "-in", client, "-noout", "-subject", "-purpose")
    assert "kubeadm:cluster-admins" in told
    assert "SSL client : Yes" in told


def test_the_stack_is_deployed_with_the_monitoring_on_the_master(person: Person, api: KubeApi) -> None:
    person.aftershock("up", "--provider", "kubeconfig", "--cluster", CONTEXT)
    pods = api.items("/api/v1/namespaces/monitoring/pods")
    where = {pod["metadata"]["name"]: pod["spec"]["nodeName"] for pod in pods}
    assert where["prometheus-aftershock-0"] == where["alertmanager-aftershock-0"] == "alder"


@pytest.mark.parametrize("words", SCENARIOS, ids=lambda words: Path(words[0]).stem)
def test_a_scenario_passes(person: Person, words: Sequence[str]) -> None:
    said = person.pytest(words)
    assert " passed" in said


def test_a_kube_prometheus_stack_under_other_names_is_found_as_it_is(person: Person, api: KubeApi) -> None:
    """Ours is away; what is there has other names, intervals of 30 s, and an alert that always fires."""
    for path in (
        "/apis/monitoring.coreos.com/v1/namespaces/monitoring/prometheuses/aftershock",
        "/apis/monitoring.coreos.com/v1/namespaces/monitoring/alertmanagers/aftershock",
        "/api/v1/namespaces/monitoring/services/prometheus",
        "/api/v1/namespaces/monitoring/services/alertmanager",
    ):
        api.delete(path)
    text = (HERE / "machine/observability.yaml").read_text(encoding="utf-8")
    Applier(api).apply(load_objects(text))
    prometheus = "/api/v1/namespaces/observability/services/kps-kube-prometheus-stack-prometheus:9090/proxy"
    asked = f"{prometheus}/api/v1/query?query=count(kube_deployment_status_replicas)%20and%20vector(1)"

    def scraped() -> bool:
        try:
            return bool(json.loads(api.text(asked))["data"]["result"])
        except (NotFoundError, TransientError):  # the proxy, before there is a pod behind the service
            return False

    wait_until(scraped, within_s=240, every_s=2, what="the other Prometheus to see the cluster")
    found = find_monitoring(api)
    assert found.namespace == "observability"
    assert found.alertmanager is not None
    assert "kps-kube-prometheus-stack-alertmanager" in found.alertmanager.url
    assert person.pytest((POD_KILLED,)).count(" passed")


def ready(fleet: Fleet) -> bool:
    """Whether every node says that it is."""
    conditions = [
        c["status"]
        for node in fleet.get("nodes")
        for c in node["status"]["conditions"]
        if c["type"] == "Ready"
    ]
    return conditions == ["True"] * len(MACHINES)
