"""What When steps do to containers, their memory, CPU and disks, and to nodes, known before they run."""

from __future__ import annotations

from aftershock.cluster.targets import Amount, NodeWords
from aftershock.faults.container_kill import ContainerKill
from aftershock.faults.cpu_hog import CpuHog
from aftershock.faults.disk_fill import DiskFill
from aftershock.faults.kubelet_stop import KubeletStop
from aftershock.faults.memory_pressure import MemoryPressure
from aftershock.faults.node_cpu_hog import NodeCpuHog
from aftershock.faults.node_memory_pressure import NodeMemoryPressure
from aftershock.scene.acts import Breaks, on_node, on_pods

__all__ = [
    "asked_to_end",
    "disk_filled",
    "hogged",
    "killed",
    "kubelet_stopped",
    "memory_held",
    "node_hogged",
    "node_memory_taken",
]


def killed(*, amount: Amount, workload: str) -> Breaks:
    """Return the act of "{amount} {workload} containers are killed"."""
    return on_pods(ContainerKill, amount, workload, by="restart")


def asked_to_end(*, amount: Amount, workload: str) -> Breaks:
    """Return the act of "{amount} {workload} containers are asked to end"."""
    return on_pods(ContainerKill, amount, workload, by="restart", signal="SIGTERM")


def memory_held(*, amount: Amount, workload: str, percent: float, time: float) -> Breaks:
    """Return the act of "{amount} {workload} pods hold {percent} % of their memory limit for {time}"."""
    return on_pods(MemoryPressure, amount, workload, by="end", of_limit=percent / 100, for_s=time)


def hogged(*, amount: Amount, workload: str, burners: int, time: float) -> Breaks:
    """Return the act of "{burners} processes hog the CPU of {amount} {workload} pods for {time}"."""
    return on_pods(CpuHog, amount, workload, by="end", burners=burners, for_s=time)


def disk_filled(*, path: str, amount: Amount, workload: str, percent: float, time: float) -> Breaks:
    """Return the act of "the volume at {path} of {amount} {workload} pods is filled to {percent} % …"."""
    return on_pods(DiskFill, amount, workload, by="end", path=path, of_volume=percent / 100, for_s=time)


def node_hogged(*, percent: float, node: NodeWords, time: float) -> Breaks:
    """Return the act of "{percent} % of the CPU of {node} is taken for {time}"."""
    return on_node(NodeCpuHog, node, by="end", of_cores=percent / 100, for_s=time)


def node_memory_taken(*, node: NodeWords, time: float) -> Breaks:
    """Return the act of "the memory of {node} runs short for {time}"."""
    return on_node(NodeMemoryPressure, node, by="new pod", for_s=time)


def kubelet_stopped(*, node: NodeWords, time: float) -> Breaks:
    """Return the act of "the kubelet of {node} is stopped for {time}"."""
    return on_node(KubeletStop, node, by="end", for_s=time)
