"""Three fresh Debian machines, which are containers here, with what they would download: nothing of kind.

Programs and images are those that this machine has built or pulled anyway.
"""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import yaml

from aftershock.clock import wait_until
from aftershock.cluster.ec2.machines import SCRIPT
from aftershock.cluster.kind.builder import Builder, names_in_nodes
from aftershock.cluster.kind.catalogue import Catalogue, load_catalogue
from aftershock.cluster.kind.engine import Engine, find_engine
from aftershock.cluster.progress import Progress
from aftershock.config import project_root, state_dir

__all__ = ["ADDRESSES", "CONTEXT", "MACHINES", "RANGES", "Fleet"]

ROOT = project_root(Path(__file__).parent)
IMAGE = "localhost/aftershock-test/machine:1"
NETWORK = "aftershock-test"
SUBNET = "10.98.7.0/24"
CONTEXT = "three-machines"
MACHINES = ("alder", "birch", "cedar")
ADDRESSES = {name: f"10.98.7.{number}" for number, name in enumerate(MACHINES, start=11)}
"""A machine keeps its address when it is switched off, as on EC2; an engine's container would get another."""

RANGES = ("--pods", "10.244.0.0/16", "--services", "10.96.0.0/16")
PROGRAMS = ("kubeadm", "kubelet", "kubectl")
ADMIN = ("kubectl", "--kubeconfig", "/etc/kubernetes/admin.conf")


class Fleet:
    """The machines, and the script on them. `offline` is the folder of what they would download."""

    def __init__(self, offline: Path) -> None:
        self.offline = offline
        self.log = state_dir() / "logs" / "test-machines.log"
        self.log.parent.mkdir(parents=True, exist_ok=True)
        self.engine: Engine = find_engine(log=self.log, state=state_dir())
        self.catalogue: Catalogue = load_catalogue(ROOT)
        self.version = self.catalogue.versions["kubernetes"].removeprefix("v")

    def build(self) -> None:
        """Make the machines' image, and put programs and images of the whole stack into the folder."""
        builder = Builder(
            catalogue=self.catalogue, engine=self.engine, state=state_dir(), log=self.log, progress=Progress()
        )
        images = self.catalogue.of_role("core", "stack")
        builder.build([self.catalogue.images["debian"], *images])
        shutil.copy2(builder.programs.compile("hyperkube"), self.offline / "hyperkube")
        for name in PROGRAMS:
            (self.offline / name).symlink_to("hyperkube")
        names = [
            (self.catalogue.tag(image.name), name)
            for image in images
            for name in names_in_nodes(image, self.catalogue)
        ]
        several = ["--multi-image-archive"] if self.engine.name == "podman" else []
        try:
            for tag, name in names:
                self.engine.run("tag", tag, name)
            self.engine.run(
                "save", *several, "--output", self.offline / "images.tar", *(name for _, name in names)
            )
        finally:
            # Podman takes names away by untag, Docker by rmi; an image has its other name left.
            verb = "untag" if self.engine.name == "podman" else "rmi"
            for tag, name in names:
                self.engine.run(verb, *([tag] if verb == "untag" else []), name)
        scratch = self.offline / "machine"
        scratch.mkdir()
        shutil.copy(ROOT / "tests/cluster/machine/Containerfile", scratch)
        shutil.copy(ROOT / "cluster/kind/images/node/rootfs/usr/local/bin/entrypoint", scratch)
        self.engine.run(
            "build", "--build-arg", f"DEBIAN={self.catalogue.tag('debian')}", "--tag", IMAGE, scratch
        )

    @property
    def components(self) -> str:
        """The name of our own parts' image in the nodes."""
        return names_in_nodes(self.catalogue.images["components"], self.catalogue)[0]

    def start(self) -> None:
        """Boot three machines."""
        self.engine.run("network", "create", "--subnet", SUBNET, NETWORK)
        script = f"{ROOT / SCRIPT}:/usr/local/sbin/node:ro"
        for name, address in ADDRESSES.items():
            self.engine.run(
                "run", "--detach", "--name", container(name), "--hostname", name, "--privileged",
                "--network", NETWORK, "--ip", address, "--tmpfs", "/tmp", "--tmpfs", "/run",
                "--volume", "/var", "--cgroupns=private", "--volume", "/lib/modules:/lib/modules:ro",
                "--memory", "4g", "--volume", f"{self.offline}:/offline:ro", "--volume", script, IMAGE,
            )  # fmt: skip
        for name in MACHINES:
            wait_until(lambda name=name: self._booted(name), within_s=60, what=f"{name} to boot")

    def _booted(self, name: str) -> bool:
        state = ("systemctl", "is-system-running", "--wait")
        return self.engine.shell.succeeds(self.engine.name, "exec", container(name), *state)

    def end(self) -> None:
        """Remove the machines, with their disks and their network."""
        self.engine.run("rm", "--force", "--ignore", "--volumes", *map(container, MACHINES))
        self.engine.shell.succeeds(self.engine.name, "network", "rm", NETWORK)

    # -- what is done on them

    def on(self, machine: str, *words: str) -> str:
        """Run a command on a machine."""
        return self.engine.run("exec", container(machine), *words)

    def node(self, machine: str, *words: str) -> str:
        """Call the script on a machine."""
        return self.on(machine, "node", *words)

    def everywhere(self, *words: str, machines: Iterable[str] = MACHINES) -> None:
        """Call the script on machines at once."""
        _side_by_side(lambda machine: self.node(machine, *words), machines)

    def bootstrap(self) -> None:
        """Call every verb as the EC2 provider does."""
        version = ("--kubernetes", self.version)
        self.everywhere("prepare", *version, "--programs", "/offline", "--images", "/offline/images.tar")
        self.node(
            "alder", "control-plane", *version, *RANGES, "--etcd", "3.6.4-0", "--coredns", "v1.12.3",
            "--provider-id", "aws:///zone/i-0alder", "--container",
        )  # fmt: skip
        joining = self.node("alder", "join-command").split()
        for name in MACHINES[1:]:
            self.node(name, "worker", *joining, "--provider-id", f"aws:///zone/i-0{name}", "--container")
        entries = ["=".join(line.split()) for line in self.node("alder", "nodes").splitlines()]
        self.everywhere("network", *RANGES, *entries)

    def get(self, *words: str) -> list[dict[str, Any]]:
        """Return the items that kubectl gets."""
        found: dict[str, Any] = json.loads(self.on("alder", *ADMIN, "get", *words, "-o", "json"))
        items: list[dict[str, Any]] = found["items"]
        return items

    def kubeconfig(self, path: Path) -> Path:
        """Write a kubeconfig whose only context is ours."""
        told = yaml.safe_load(self.on("alder", "cat", "/etc/kubernetes/admin.conf"))
        told["contexts"][0]["name"] = told["current-context"] = CONTEXT
        path.touch(mode=0o600)
        path.write_text(yaml.safe_dump(told), encoding="utf-8")
        return path


def container(machine: str) -> str:
    """Return what the engine calls a machine."""
    return f"aftershock-test-{machine}"


def _side_by_side(act: Callable[[str], object], machines: Iterable[str]) -> None:
    with ThreadPoolExecutor(len(MACHINES)) as pool:
        list(pool.map(act, machines))
