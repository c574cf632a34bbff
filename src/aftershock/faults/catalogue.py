"""The catalogue: every fault by its name, how it is made and taken back. A new one is entered here."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from aftershock.faults import (
    container_kill,
    cpu_hog,
    disk_fill,
    kubelet_stop,
    memory_pressure,
    node_cpu_hog,
    node_drain,
    node_memory_pressure,
    out_of_memory,
)
from aftershock.faults.carried import CarriedUndo
from aftershock.faults.protocol import Fault, Undo
from aftershock.faults.tools import Tools

__all__ = ["FAULTS", "UNDOS", "undos_with"]

FAULTS: Mapping[str, Callable[..., Fault]] = {
    node_drain.NAME: node_drain.NodeDrain,
    out_of_memory.NAME: out_of_memory.OutOfMemory,
}
"""What makes a fault: called with the tools, and by name with what its signature asks for."""

UNDOS: Mapping[str, Callable[[Tools], Undo]] = {
    container_kill.NAME: CarriedUndo,
    cpu_hog.NAME: CarriedUndo,
    disk_fill.NAME: disk_fill.DiskFillUndo,
    kubelet_stop.NAME: kubelet_stop.KubeletStopUndo,
    memory_pressure.NAME: CarriedUndo,
    node_cpu_hog.NAME: CarriedUndo,
    node_drain.NAME: node_drain.NodeDrainUndo,
    node_memory_pressure.NAME: CarriedUndo,
    out_of_memory.NAME: CarriedUndo,
}


def undos_with(tools: Tools) -> dict[str, Undo]:
    """Return how each kind of fault is undone, by the fault's name."""
    return {name: make(tools) for name, make in UNDOS.items()}
