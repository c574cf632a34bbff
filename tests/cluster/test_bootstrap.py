"""The bootstrap script for real: three fresh Debian machines, which are containers here, become a cluster.

Programs and images come from the kind cluster's nodes, so that nothing is downloaded but Debian's packages.
"""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest

from aftershock.clock import wait_until
from aftershock.cluster.ec2.machines import SCRIPT
from aftershock.cluster.kind.catalogue import load_catalogue
from aftershock.cluster.kind.engine import Engine, find_engine
from aftershock.config import project_root, state_dir

ROOT = project_root(Path(__file__).parent)
SOURCE = "aftershock-control-plane"
IMAGE = "localhost/aftershock-test/machine:1"
MACHINES = ("alder", "birch", "cedar")
RANGES = ("--pods", "10.244.0.0/16", "--services", "10.96.0.0/16")
ADMIN = ("kubectl", "--kubeconfig", "/etc/kubernetes/admin.conf")


class Fleet:
    """Three machines, and the script on them."""

    def __init__(self, engine: Engine, offline: Path) -> None:
        self.engine = engine
        self.offline = offline

    def start(self) -> None:
        script = f"{ROOT / SCRIPT}:/usr/local/sbin/node:ro"
        for name in MACHINES:
            self.engine.run(
                "run", "--detach", "--name", f"aftershock-test-{name}", "--hostname", name, "--privileged",
                "--network", "kind", "--tmpfs", "/tmp", "--tmpfs", "/run", "--volume", "/var",
                "--cgroupns=private", "--volume", "/lib/modules:/lib/modules:ro", "--memory", "3g",
                "--volume", f"{self.offline}:/offline:ro", "--volume", script,
                IMAGE,
            )  # fmt: skip
        for name in MACHINES:
            wait_until(lambda name=name: self._booted(name), within_s=60, what=f"{name} to boot")

    def _booted(self, name: str) -> bool:
        state = ("systemctl", "is-system-running", "--wait")
        return self.engine.shell.succeeds(self.engine.name, "exec", f"aftershock-test-{name}", *state)

    def end(self) -> None:
        self.engine.run("rm", "--force", "--ignore", "--volumes", *(f"aftershock-test-{m}" for m in MACHINES))

    def on(self, machine: str, *words: str) -> str:
        return self.engine.run("exec", f"aftershock-test-{machine}", *words)

    def node(self, machine: str, *words: str) -> str:
        return self.on(machine, "node", *words)

    def everywhere(self, *words: str) -> None:
        with ThreadPoolExecutor(len(MACHINES)) as pool:
            list(pool.map(lambda machine: self.node(machine, *words), MACHINES))

    def get(self, *words: str) -> list[dict[str, Any]]:
        found: list[dict[str, Any]] = json.loads(self.on("alder", *ADMIN, "get", *words, "-o", "json"))[
            "items"
        ]
        return found


@pytest.fixture(scope="module")
def fleet(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Fleet]:
    engine = find_engine(log=state_dir() / "logs" / "test-bootstrap.log", state=state_dir())
    offline = tmp_path_factory.mktemp("offline")
    catalogue = load_catalogue(ROOT)
    build = tmp_path_factory.mktemp("machine")
    shutil.copy(ROOT / "tests/cluster/machine/Containerfile", build)
    shutil.copy(ROOT / "cluster/kind/images/node/rootfs/usr/local/bin/entrypoint", build)
    engine.run("build", "--build-arg", f"DEBIAN={catalogue.tag('debian')}", "--tag", IMAGE, build)
    engine.run("cp", f"{SOURCE}:/usr/bin/hyperkube", offline / "hyperkube")
    for name in ("kubeadm", "kubelet", "kubectl"):
        (offline / name).symlink_to("hyperkube")
    core = [image.reference for image in catalogue.of_role("core")]
    core += [name for image in catalogue.of_role("core") for name in image.also]
    command = f"ctr -n k8s.io images export /tmp/core.tar {' '.join(core)}"
    engine.run("exec", SOURCE, "sh", "-c", command)
    engine.run("cp", f"{SOURCE}:/tmp/core.tar", offline / "images.tar")
    engine.run("exec", SOURCE, "rm", "/tmp/core.tar")
    fleet = Fleet(engine, offline)
    fleet.end()
    try:
        fleet.start()
        yield fleet
    finally:
        fleet.end()
        shutil.rmtree(offline)


def make(fleet: Fleet) -> None:
    """Call every verb as the EC2 provider does."""
    version = ("--kubernetes", load_catalogue(ROOT).versions["kubernetes"].removeprefix("v"))
    fleet.everywhere("prepare", *version, "--programs", "/offline", "--images", "/offline/images.tar")
    fleet.node(
        "alder", "control-plane", *version, *RANGES, "--etcd", "3.6.4-0", "--coredns", "v1.12.3",
        "--provider-id", "aws:///zone/i-0a", "--container",
    )  # fmt: skip
    joining = fleet.node("alder", "join-command").split()
    for number, machine in enumerate(MACHINES[1:]):
        fleet.node(machine, "worker", *joining, "--provider-id", f"aws:///zone/i-0b{number}", "--container")
    entries = ["=".join(line.split()) for line in fleet.node("alder", "nodes").splitlines()]
    fleet.everywhere("network", *RANGES, *entries)


def test_fresh_machines_become_a_cluster_and_a_second_call_changes_nothing(fleet: Fleet) -> None:
    make(fleet)

    def ready() -> bool:
        nodes = fleet.get("nodes")
        conditions = [
            c["status"] for node in nodes for c in node["status"]["conditions"] if c["type"] == "Ready"
        ]
        return conditions == ["True"] * len(MACHINES)

    wait_until(ready, within_s=120, every_s=2, what="three Ready nodes")
    nodes = {node["metadata"]["name"]: node for node in fleet.get("nodes")}
    assert sorted(nodes) == sorted(MACHINES)
    assert nodes["alder"]["spec"]["providerID"] == "aws:///zone/i-0a"

    def served() -> bool:
        pods = fleet.get("pods", "-n", "kube-system", "-l", "k8s-app=kube-dns")
        return [
            c["status"] for pod in pods for c in pod["status"].get("conditions", []) if c["type"] == "Ready"
        ] == ["True"] * 2

    wait_until(served, within_s=120, every_s=2, what="CoreDNS, whose pods reach the API server")
    before = {name: node["metadata"]["uid"] for name, node in nodes.items()}
    make(fleet)
    after = {node["metadata"]["name"]: node["metadata"]["uid"] for node in fleet.get("nodes")}
    assert after == before


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
