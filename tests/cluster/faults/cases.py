"""Every fault of the catalogue, with what it is told on the cluster that `aftershock up` makes.

Workloads differ as far as they can, so that several of them can be broken side by side. Times are as
short as each fault's own proof allows. What an autoscaler would answer to hits none
of its workloads.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

__all__ = ["CASES", "ELSEWHERE", "NODE", "NODES", "OTHER_NODE", "WORKLOADS", "Case", "case"]

NODE = "aftershock-worker2"
"""The node that loses its kubelet or its power."""

OTHER_NODE = "aftershock-worker"


@dataclass(frozen=True, kw_only=True)
class Case:
    """A fault, its arguments, and the dotted name of what acts: replaced by nothing, nothing may land."""

    fault: str
    acts: str
    arguments: Mapping[str, Any] = field(default_factory=dict)

    def __str__(self) -> str:
        """Name the case in a test's id."""
        return self.fault


def _carried(fault: str, module: str = "", **arguments: Any) -> Case:
    module = module or fault.replace("-", "_")
    return Case(fault=fault, acts=f"aftershock.faults.{module}.start_carriers", arguments=arguments)


def _network(fault: str, workload: str, **arguments: Any) -> Case:
    return _carried(fault, "networked", workload=workload, namespace="bookinfo", for_s=30.0, **arguments)


def _patch(fault: str, workload: str) -> Case:
    arguments = {"workload": workload, "namespace": "bookinfo", "for_s": 60.0}
    return Case(fault=fault, acts="aftershock.faults.workload_patch.apply_leaves", arguments=arguments)


def _power(fault: str) -> Case:
    acts = "aftershock.cluster.node_power.KindPower.take"
    return Case(fault=fault, acts=acts, arguments={"node": NODE, "for_s": 70.0})


def _book(workload: str) -> dict[str, str]:
    return {"workload": workload, "namespace": "bookinfo"}


CASES: tuple[Case, ...] = (
    _carried("api-unreachable", node=NODE, for_s=30.0),
    _patch("bad-configuration", "details"),
    _patch("bad-image", "ratings"),
    _network("connection-reset", "reviews-v2"),
    _carried("container-kill", **_book("productpage")),
    _carried("cpu-hog", "pressed", **_book("reviews-v1"), for_s=40.0),
    _carried("disk-fill", workload="ledger", namespace="demo", path="/data", of_volume=0.8, for_s=40.0),
    _network("dns-failure", "reviews-v3", names=["ratings"]),
    _patch("failing-readiness", "details"),
    _carried("kubelet-stop", node=NODE, for_s=80.0),
    _carried("memory-pressure", "pressed", **_book("reviews-v1"), of_limit=0.9, for_s=40.0),
    _network("network-latency", "reviews-v3", delay_s=0.2, jitter_s=0.05),
    _network("network-partition", "reviews-v2"),
    _carried("node-cpu-hog", node=OTHER_NODE, of_cores=0.3, for_s=40.0),
    Case(
        fault="node-drain",
        acts="aftershock.faults.node_drain.NodeDrain.inject",
        # Not one by name: the next one of its name would be empty.
        arguments={"workload": "nginx-web", "namespace": "demo"},
    ),
    _carried("node-memory-pressure", node=OTHER_NODE, for_s=60.0),
    _power("node-pause"),
    _power("node-stop"),
    _carried("out-of-memory", **_book("reviews-v2")),
    _network("packet-loss", "reviews-v1", of_packets=0.3),
    Case(
        fault="pod-kill",
        acts="aftershock.faults.pod_kill.PodKill.inject",
        arguments={"workload": "nginx-web", "namespace": "demo"},
    ),
    _patch("scaled-to-zero", "productpage"),
)

ELSEWHERE = frozenset({"node-reboot", "node-terminate"})
"""Faults that a kind cluster cannot have: its nodes have no boot of their own, and nobody makes them anew."""

# Those in a row are not in each other's way: they hit different workloads, or different parts of nodes.
WORKLOADS: tuple[tuple[str, ...], ...] = (
    ("memory-pressure", "network-partition", "scaled-to-zero"),
    ("bad-configuration", "connection-reset", "container-kill", "cpu-hog"),
    ("bad-image", "dns-failure", "failing-readiness", "out-of-memory"),
    ("disk-fill", "network-latency", "packet-loss", "pod-kill"),
)
NODES: tuple[tuple[str, ...], ...] = (
    ("kubelet-stop", "node-cpu-hog", "node-memory-pressure"),
    ("node-drain",),
    ("node-pause",),
    ("node-stop",),
    ("api-unreachable",),
)


def case(fault: str) -> Case:
    """Return the case of that fault."""
    return next(found for found in CASES if found.fault == fault)
