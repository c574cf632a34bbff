"""What kind leaves to us: limits of the nodes, their network, and images for the stack."""

from __future__ import annotations

import base64
import json
import os
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

from aftershock.cluster.api import KubeApi
from aftershock.cluster.kind.builder import Builder, names_in_nodes
from aftershock.cluster.kind.catalogue import Catalogue, Image
from aftershock.cluster.kind.engine import Engine
from aftershock.cluster.progress import Progress
from aftershock.errors import EnvironmentUnusableError

__all__ = ["NODE_CPUS", "NODE_MEMORY_GIB", "Nodes", "reserved"]

T = TypeVar("T")

# A t3.medium: what the same stack gets per node on EC2.
NODE_CPUS = 2
NODE_MEMORY_GIB = 4
# For the kubelet, containerd and systemd, which live beside the pods; measured: up to 190 MiB. Without it
# the node would be full, and the kernel kill, before the kubelet sees its pods' memory run short.
SYSTEM_MIB = 384

# Of each core of a machine that has no more than a node may use, in thousandths. The other nodes and the
# harness take a seventh while they are idle, and burners under a quota get 93 % of it (measured): with less
# kept back, a node that has all there is would still be below 90 % of what was promised to its pods.
SHARED_M = 250

# kind's own.
POD_SUBNET = "10.244.0.0/16"
SERVICE_SUBNET = "10.96.0.0/16"


def reserved() -> dict[str, str]:
    """Return what a kubelet must reserve, so that its pods get the node's limit less the system's part.

    A kubelet in a container sees the whole machine as its capacity. Where that is little, nodes share it:
    some of its CPU stays with the others, or no node could ever be as busy as its pods may make it.
    """
    page = os.sysconf("SC_PAGE_SIZE")
    own_kib = (NODE_MEMORY_GIB * 1024 - SYSTEM_MIB) * 1024
    spare_kib = os.sysconf("SC_PHYS_PAGES") * page // 1024 - own_kib
    cpus = os.cpu_count() or NODE_CPUS
    spare_m = max((cpus - NODE_CPUS) * 1000, cpus * SHARED_M)
    return {"cpu": f"{spare_m}m", "memory": f"{max(spare_kib, 0)}Ki"}


@dataclass(frozen=True)
class _Node:
    name: str
    address: str
    pod_cidr: str


class Nodes:
    """The node containers of one cluster."""

    def __init__(self, *, engine: Engine, names: list[str], progress: Progress) -> None:
        self.engine = engine
        self.names = sorted(names)
        self.progress = progress

    def limit(self) -> None:
        """Give every node its limits; does nothing to one that has them."""
        cpus = min(NODE_CPUS, os.cpu_count() or NODE_CPUS)
        swap = ["--memory-swap", f"{NODE_MEMORY_GIB}g"] if self.engine.name == "docker" else []
        limits = ["--cpus", str(cpus), "--memory", f"{NODE_MEMORY_GIB}g", *swap]
        self._each(lambda name: self.engine.run("update", *limits, name))

    def connect(self, api: KubeApi) -> None:
        """Give pods a network: a veth pair each, a route to every other node's pods.

        The configuration is a file and a systemd unit in the node, so that it is there
        again after the node was stopped and started.
        """
        nodes = [
            _Node(
                name=item["metadata"]["name"],
                address=next(a["address"] for a in item["status"]["addresses"] if a["type"] == "InternalIP"),
                pod_cidr=item["spec"]["podCIDR"],
            )
            for item in api.items("/api/v1/nodes")
        ]
        with ThreadPoolExecutor(len(nodes)) as pool:
            list(pool.map(lambda node: self._connect_one(node, [n for n in nodes if n != node]), nodes))

    def _connect_one(self, node: _Node, others: list[_Node]) -> None:
        own = f"ip route replace unreachable {node.pod_cidr}\n"
        routes = "".join(f"ip route replace {other.pod_cidr} via {other.address}\n" for other in others)
        files = {
            "/etc/cni/net.d/10-aftershock.conflist": json.dumps(_conflist(node.pod_cidr)),
            "/usr/local/bin/aftershock-network": f"#!/bin/sh\nset -eu\n{own}{routes}{_RULES}",
            "/etc/systemd/system/aftershock-network.service": _UNIT,
        }
        script = ["set -eu", "mkdir -p /etc/cni/net.d", "rm -f /etc/cni/net.d/*kindnet*"]
        for path, text in files.items():
            script.append(f"echo {base64.b64encode(text.encode()).decode()} | base64 -d > {path}")
        script += [
            "chmod 755 /usr/local/bin/aftershock-network",
            "systemctl enable --quiet aftershock-network.service",
            "/usr/local/bin/aftershock-network",
        ]
        self.engine.run("exec", node.name, "sh", "-c", "\n".join(script))

    def rejoin(self, name: str) -> None:
        """Make a node that was started again what it was, with the engine alone.

        The engine forgets its limits and may give it another address: measured on Podman 4.3. Its own
        unit has laid its network already; the others learn where its pods are now.
        """
        self.limit()
        found = self.engine.run("exec", name, "sh", "-c", _ADDRESS_AND_PODS).split()
        if len(found) != 2:  # noqa: PLR2004 - one address, one range of pods
            raise EnvironmentUnusableError(
                f"cannot tell where {name} and its pods are",
                expected="an address and a range",
                found=str(found),
            )
        address, pod_cidr = found
        route = f"ip route replace {pod_cidr} via"
        change = f"sed -i 's#^{route} .*#{route} {address}#' /usr/local/bin/aftershock-network"
        for other in self.names:
            if other != name:
                self.engine.run("exec", other, "sh", "-c", f"{change} && {route} {address}")

    def load(self, images: list[Image], *, catalogue: Catalogue, builder: Builder, scratch: Path) -> None:
        """Bring `images` into every node's containerd, under all their names; skips what is there."""
        missing = dict(self._each(lambda name: (name, self._lacking(name, images, catalogue))))
        wanted = [image for image in images if any(image in lacking for lacking in missing.values())]
        if not wanted:
            return
        archive = scratch / "stack-images.tar"
        archive.unlink(missing_ok=True)
        try:
            with self.progress.task(f"export {len(wanted)} images"):
                builder.save(wanted, archive)
            self._each(lambda name: self._load_one(name, missing[name], archive, catalogue))
        finally:
            archive.unlink(missing_ok=True)

    def _lacking(self, node: str, images: list[Image], catalogue: Catalogue) -> list[Image]:
        """Return those of `images` that a node does not hold under every name."""
        present = set(self.engine.run("exec", node, "ctr", "-n", "k8s.io", "images", "ls", "-q").split())
        return [
            image
            for image in images
            if not {catalogue.tag(image.name), *names_in_nodes(image, catalogue)} <= present
        ]

    def _each(self, act: Callable[[str], T]) -> list[T]:
        """Do `act` to every node at once, and return the results in the order of the names."""
        with ThreadPoolExecutor(len(self.names)) as pool:
            return list(pool.map(act, self.names))

    def _load_one(self, node: str, images: list[Image], archive: Path, catalogue: Catalogue) -> None:
        if not images:
            return
        tags = "\n".join(
            f"ctr -n k8s.io images tag --force {catalogue.tag(image.name)} {name}"
            for image in images
            for name in names_in_nodes(image, catalogue)
        )
        with self.progress.task(f"load {len(images)} images into {node}"):
            with archive.open("rb") as stream:
                self.engine.shell.run(
                    self.engine.name,
                    "exec",
                    "-i",
                    node,
                    "ctr",
                    "-n",
                    "k8s.io",
                    "images",
                    "import",
                    "-",
                    stdin=stream,
                )
            self.engine.run("exec", node, "sh", "-euc", tags)


def _conflist(pod_cidr: str) -> dict[str, object]:
    return {
        "cniVersion": "0.4.0",
        "name": "aftershock",
        "plugins": [
            {
                "type": "ptp",
                "ipMasq": False,
                "ipam": {
                    "type": "host-local",
                    "dataDir": "/run/cni-ipam",
                    "routes": [{"dst": "0.0.0.0/0"}],
                    "ranges": [[{"subnet": pod_cidr}]],
                },
            },
            {"type": "portmap", "capabilities": {"portMappings": True}},
        ],
    }


_ADDRESS_AND_PODS = """\
ip -4 -o address show dev eth0 | sed 's#.* inet \\([0-9.]*\\)/.*#\\1#'
sed -n 's/^ip route replace unreachable //p' /usr/local/bin/aftershock-network
"""

# Pods reach what is outside the cluster under their node's address, and one another under their
# own. What is addressed to the cluster must not leave the machine: a pod that is gone (the
# unreachable route above; a live pod's own route is narrower) and a service that kube-proxy has
# not programmed yet are refused here. A gateway further out might answer in their place.
_RULES = f"""\
once() {{
  table=$1 how=$2 chain=$3; shift 3
  iptables -w -t $table -C $chain "$@" 2>/dev/null || iptables -w -t $table $how $chain "$@"
}}
once nat -A POSTROUTING -s {POD_SUBNET} ! -d {POD_SUBNET} -j MASQUERADE
for chain in OUTPUT FORWARD; do
  once filter -I $chain -d {SERVICE_SUBNET} -j REJECT
  once filter -I $chain -d {SERVICE_SUBNET} -p tcp -j REJECT --reject-with tcp-reset
done
"""

_UNIT = """\
[Unit]
Description=Routes between the pods of the nodes
Before=kubelet.service

[Service]
Type=oneshot
ExecStart=/usr/local/bin/aftershock-network

[Install]
WantedBy=multi-user.target
"""
