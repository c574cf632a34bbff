"""The catalogue: every fault by its name, what makes it, how it is taken back. A new one is entered here."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from aftershock.faults import (
    api_unreachable,
    bad_configuration,
    bad_image,
    connection_reset,
    container_kill,
    cpu_hog,
    disk_fill,
    dns_failure,
    failing_readiness,
    kubelet_stop,
    memory_pressure,
    network_latency,
    network_loss,
    network_partition,
    node_cpu_hog,
    node_drain,
    node_memory_pressure,
    node_pause,
    node_reboot,
    node_stop,
    node_terminate,
    out_of_memory,
    pod_kill,
    scaled_to_zero,
)
from aftershock.faults.carried import CarriedUndo
from aftershock.faults.networked import LookedUndo
from aftershock.faults.patched import PatchUndo
from aftershock.faults.powered import PoweredUndo
from aftershock.faults.protocol import Fault, Undo
from aftershock.faults.setting import NAME as SETTING
from aftershock.faults.tools import Tools

__all__ = ["FAULTS", "UNDOS", "undos_with"]

FAULTS: Mapping[str, Callable[..., Fault]] = {
    api_unreachable.NAME: api_unreachable.ApiUnreachable,
    bad_configuration.NAME: bad_configuration.BadConfiguration,
    bad_image.NAME: bad_image.BadImage,
    connection_reset.NAME: connection_reset.ConnectionReset,
    container_kill.NAME: container_kill.ContainerKill,
    cpu_hog.NAME: cpu_hog.CpuHog,
    disk_fill.NAME: disk_fill.DiskFill,
    dns_failure.NAME: dns_failure.DnsFailure,
    failing_readiness.NAME: failing_readiness.FailingReadiness,
    kubelet_stop.NAME: kubelet_stop.KubeletStop,
    memory_pressure.NAME: memory_pressure.MemoryPressure,
    network_latency.NAME: network_latency.NetworkLatency,
    network_loss.NAME: network_loss.NetworkLoss,
    network_partition.NAME: network_partition.NetworkPartition,
    node_cpu_hog.NAME: node_cpu_hog.NodeCpuHog,
    node_drain.NAME: node_drain.NodeDrain,
    node_memory_pressure.NAME: node_memory_pressure.NodeMemoryPressure,
    node_pause.NAME: node_pause.NodePause,
    node_reboot.NAME: node_reboot.NodeReboot,
    node_stop.NAME: node_stop.NodeStop,
    node_terminate.NAME: node_terminate.NodeTerminate,
    out_of_memory.NAME: out_of_memory.OutOfMemory,
    pod_kill.NAME: pod_kill.PodKill,
    scaled_to_zero.NAME: scaled_to_zero.ScaledToZero,
}
"""What makes a fault: called with the tools, and by name with what its signature asks for."""

UNDOS: Mapping[str, Callable[[Tools], Undo]] = {
    api_unreachable.NAME: api_unreachable.ApiUnreachableUndo,
    bad_configuration.NAME: PatchUndo,
    bad_image.NAME: PatchUndo,
    connection_reset.NAME: LookedUndo,
    container_kill.NAME: CarriedUndo,
    cpu_hog.NAME: CarriedUndo,
    disk_fill.NAME: disk_fill.DiskFillUndo,
    dns_failure.NAME: LookedUndo,
    failing_readiness.NAME: PatchUndo,
    kubelet_stop.NAME: kubelet_stop.KubeletStopUndo,
    memory_pressure.NAME: CarriedUndo,
    network_latency.NAME: LookedUndo,
    network_loss.NAME: LookedUndo,
    network_partition.NAME: LookedUndo,
    node_cpu_hog.NAME: CarriedUndo,
    node_drain.NAME: node_drain.NodeDrainUndo,
    node_memory_pressure.NAME: CarriedUndo,
    node_pause.NAME: PoweredUndo,
    node_reboot.NAME: PoweredUndo,
    node_stop.NAME: PoweredUndo,
    node_terminate.NAME: node_terminate.NodeTerminateUndo,
    out_of_memory.NAME: CarriedUndo,
    pod_kill.NAME: pod_kill.PodKillUndo,
    scaled_to_zero.NAME: PatchUndo,
    SETTING: PatchUndo,
}
"""How each is taken back; and a setting, which is no fault."""


def undos_with(tools: Tools) -> dict[str, Undo]:
    """Return how each kind of fault is undone, by the fault's name."""
    return {name: make(tools) for name, make in UNDOS.items()}
