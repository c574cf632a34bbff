"""The package as others have it: built, installed, and used in a folder that is not this one."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
import sysconfig
import venv
import zipfile
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
SOURCES = ("src", "steps", "loadtests", "stack/reaper")
CATEGORIES = ROOT / "src" / "aftershock" / "report" / "allure-files" / "categories.json"
FILES = ("pyproject.toml", "README.md", "LICENSE")

FEATURE = """\
@recovery
Feature: The shop stays open

  Scenario: A pod of the shop is lost
    Given every workload of demo is steady
    And the shop is open
    When 1 web pod is deleted
    Then the shop has 2 pods
"""
OWN_STEPS = '''
from pytest_bdd import given, then

from aftershock.collect.types import phrase
from aftershock.verdict import met, violated


@given("the shop is open")
def shop_is_open(cluster):
    """Say that customers can come.

    As in: Given the shop is open
    """


@then(phrase("the shop has {count:d} pods"))
def shop_has(cluster, verdicts, count):
    """Hold how many there are."""
    found = len(cluster.api.items("/api/v1/namespaces/demo/pods"))
    verdicts.enforce((met if found == count else violated)("pods", expected=str(count), observed=found))
'''
# In place of a cluster: an API server in memory, whose controller replaces a pod, and an empty Prometheus.
CLUSTER = """
import json
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from aftershock.cluster.connection import Cluster, Endpoint, Monitoring
from aftershock.cluster.watch import Watch
from aftershock.testing.kube import FakeApi, node, pod

OVER = threading.Event()


class Prometheus(BaseHTTPRequestHandler):
    def do_GET(self):
        data = {"alerts": [], "groups": [], "activeTargets": [], "resultType": "vector", "result": []}
        if "time%28%29" in self.path:
            data = {"resultType": "scalar", "result": [time.time(), str(time.time())]}
        body = json.dumps({"status": "success", "data": data}).encode()
        self.send_response(200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *args):
        pass


class Api(FakeApi):
    def text(self, path, *, timeout_s=None, **query):
        lacking = path.startswith("/apis/metrics") or path.endswith("/replicasets")
        found = {"items": []} if lacking else self.get(path, **query)
        return json.dumps({"metadata": {"resourceVersion": "1"}, **found})

    def watch(self, path, *, timeout_s, **query):
        OVER.wait(1)
        return Watch(iter(()))


@pytest.fixture(scope="session")
def cluster():
    api = Api()
    api.add("/api/v1/namespaces", {"metadata": {"name": "demo", "labels": {"aftershock.dev/allow": "true"}}})
    api.add("/api/v1/nodes", node("master", control_plane=True), node("worker"), node("worker2"))
    api.add_pods(pod("prometheus-0", namespace="monitoring", node="master", app="prometheus"))
    api.add_pods(pod("web-0"), pod("web-1", node="worker2"))
    web = {
        "metadata": {"name": "web", "namespace": "demo", "uid": "uid-web", "generation": 1},
        "spec": {
            "replicas": 2,
            "selector": {"matchLabels": {"app": "web"}},
            "template": {"metadata": {"labels": {"app": "web"}}},
        },
        "status": {"observedGeneration": 1, "updatedReplicas": 2, "readyReplicas": 2, "replicas": 2},
    }
    api.add("/apis/apps/v1/namespaces/demo/deployments", web)
    api.on_change = lambda method, path: (
        api.add_pods(pod("web-2")) if method == "DELETE" and "/pods/" in path else None
    )
    server = ThreadingHTTPServer(("127.0.0.1", 0), Prometheus)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    prometheus = Endpoint(url=f"http://127.0.0.1:{server.server_port}")
    monitoring = Monitoring(namespace="monitoring", prometheus=prometheus)
    yield Cluster(context="kind-aftershock", provider="kind", kubeconfig="", api=api, monitoring=monitoring)
    OVER.set()
    server.shutdown()
"""
LOCUSTFILE = """
from common import Shape, WebUser
from locust import task


class Customer(WebUser):
    @task
    def look(self):
        self.ask("/")
"""


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The wheel, built from a copy: setuptools leaves files behind, and would take old ones along."""
    folder = tmp_path_factory.mktemp("wheel")
    source = folder / "source"
    for name in SOURCES:
        target = source / name
        target.parent.mkdir(parents=True, exist_ok=True)
        if (ROOT / name).is_dir():
            skipped = shutil.ignore_patterns("__pycache__", "*.egg-info")
            shutil.copytree(ROOT / name, target, symlinks=True, ignore=skipped)
        else:
            shutil.copy(ROOT / name, target)
    for name in FILES:
        shutil.copy(ROOT / name, source / name)
    command = [
        sys.executable,
        "-m",
        "pip",
        "wheel",
        ".",
        "--no-deps",
        "--no-build-isolation",
        "--no-index",
        "-q",
    ]
    subprocess.run([*command, "-w", str(folder)], cwd=source, check=True, timeout=120)
    (built,) = folder.glob("*.whl")
    return built


class Elsewhere:
    """An empty folder, and an environment that has the wheel, and of this one only the libraries."""

    def __init__(self, folder: Path, wheel: Path) -> None:
        self.project = folder / "project"
        self.project.mkdir()
        environment = folder / "environment"
        venv.create(environment, with_pip=False)
        self.bin = environment / "bin"
        site = Path(sysconfig.get_path("purelib", vars={"base": str(environment)}))
        (site / "libraries.pth").write_text(sysconfig.get_path("purelib") + "\n")
        pip = [sys.executable, "-m", "pip", "--python", str(self.bin / "python"), "install", "-q"]
        subprocess.run([*pip, "--no-deps", "--no-index", str(wheel)], check=True, timeout=120)
        self.site = site
        self.variables = {
            "PATH": f"{self.bin}:/usr/bin:/bin",
            "HOME": str(folder),
            "AFTERSHOCK_STATE_DIR": str(folder / "state"),  # no cluster of this machine is in reach
            "KUBECONFIG": str(folder / "no-kubeconfig"),
        }

    def run(self, *words: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [str(self.bin / "python"), "-m", *words], cwd=self.project, env=self.variables,
            capture_output=True, text=True, timeout=120, check=False,
        )  # fmt: skip

    def write(self, name: str, text: str) -> None:
        path = self.project / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)


@pytest.fixture(scope="module")
def elsewhere(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Elsewhere:
    """A project that `aftershock init` began, with a feature and steps of its own."""
    made = Elsewhere(tmp_path_factory.mktemp("elsewhere"), wheel)
    begun = made.run("aftershock.cli", "init")
    assert begun.returncode == 0, begun.stdout + begun.stderr
    made.write("features/shop/open.feature", FEATURE)
    made.write("conftest.py", OWN_STEPS)
    made.write("features/conftest.py", CLUSTER)
    made.write("loadtests/web.py", LOCUSTFILE)
    return made


def test_everything_that_users_need_is_in_it(wheel: Path) -> None:
    names = set(zipfile.ZipFile(wheel).namelist())
    assert {
        "aftershock/py.typed",
        "aftershock/steps/workloads.py",
        "aftershock/testing/kube.py",
        "aftershock/load/locust-files/common.py",
        "aftershock/load/locust-files/request_log.py",
        "aftershock/projects/reaper-manifests/deployment.yaml",
        "aftershock/projects/reaper-manifests/harness.yaml",
        "aftershock/report/allure-files/allurerc.mjs",
        "aftershock/report/allure-files/categories.json",
    } <= names
    folders = ("aftershock/", "aftershock-")
    assert [name for name in names if not name.startswith(folders)] == []


def test_it_is_used_and_not_the_checkout(elsewhere: Elsewhere) -> None:
    done = elsewhere.run(
        "timeit", "-n1", "-r1", "import aftershock, aftershock.steps.pods as p; print(p.__file__)"
    )
    assert done.stdout.splitlines()[0] == str(elsewhere.site / "aftershock" / "steps" / "pods.py")


def test_ten_lines_are_enough(elsewhere: Elsewhere) -> None:
    text = "".join((elsewhere.project / name).read_text() for name in ("pyproject.toml", ".gitignore"))
    assert len([line for line in text.splitlines() if line]) <= 10


def test_what_init_wrote_and_what_is_their_own_is_collected(elsewhere: Elsewhere) -> None:
    done = elsewhere.run("pytest", "features", "--collect-only", "-q")
    assert done.returncode == 0, done.stdout + done.stderr
    assert "features/recovery/one_pod_is_lost.feature::test_one_web_pod_is_deleted" in done.stdout
    assert "features/shop/open.feature::test_a_pod_of_the_shop_is_lost" in done.stdout


def test_a_step_that_is_not_there_is_an_error_with_its_place(elsewhere: Elsewhere) -> None:
    elsewhere.write("features/broken/wrong.feature", FEATURE.replace("is deleted", "is deletd"))
    done = elsewhere.run("pytest", "features/broken", "--collect-only", "-q")
    shutil.rmtree(elsewhere.project / "features" / "broken")
    assert done.returncode == 4
    assert (
        "features/broken/wrong.feature:7: no step definition matches 'When 1 web pod is deletd'"
        in done.stderr
    )


def test_a_fault_is_injected_and_reported(elsewhere: Elsewhere) -> None:
    words = ["features/shop", "-p", "no:aftershock_preflight", "--run-id", "r1", "--junitxml", "junit.xml"]
    done = elsewhere.run("pytest", *words)
    assert done.returncode == 0, done.stdout + done.stderr
    run = elsewhere.project / "reports" / "r1"
    states = [json.loads(line)["state"] for line in (run / "journal.jsonl").read_text().splitlines()]
    assert states == ["planned", "injected", "undone"]
    (verdict,) = json.loads((run / "a-pod-of-the-shop-is-lost" / "verdicts.json").read_text())
    assert (verdict["name"], verdict["status"]) == ("pods", "met")
    (result,) = (json.loads(path.read_text()) for path in run.glob("allure-results/*-result.json"))
    assert [step["name"] for step in result["steps"]][2] == "When 1 web pod is deleted"
    assert (run / "allure-results" / "categories.json").read_bytes() == CATEGORIES.read_bytes()
    assert 'tests="1"' in (elsewhere.project / "junit.xml").read_text()


def test_their_steps_are_listed_with_ours(elsewhere: Elsewhere) -> None:
    done = elsewhere.run("aftershock.cli", "steps", "--json")
    groups = {group["noun"]: group["steps"] for group in json.loads(done.stdout)}
    sentences = {s["text"]: s for steps in groups.values() for step in steps for s in step["sentences"]}
    assert sentences["the shop is open"]["example"] == "Given the shop is open"
    assert sentences["the shop is open"]["place"] == "features/shop/open.feature:6"
    assert [text for text, sentence in sentences.items() if not sentence["example"]] == []
    assert len(groups) > 10


def test_a_locustfile_of_theirs_finds_what_ours_share(elsewhere: Elsewhere) -> None:
    check = "from pathlib import Path; from aftershock.load.spec import check_locustfile as c; "
    done = elsewhere.run("timeit", "-n1", "-r1", check + "c(Path('loadtests/web.py'))")
    assert done.returncode == 0, done.stderr


def test_what_needs_a_checkout_says_so(elsewhere: Elsewhere) -> None:
    done = elsewhere.run("aftershock.cli", "up")
    assert done.returncode == 4
    assert done.stderr.startswith("aftershock: this needs a checkout of Aftershock")
    assert "do: clone Aftershock" in done.stderr
    assert "Traceback" not in done.stderr
