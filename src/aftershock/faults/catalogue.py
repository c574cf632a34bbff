"""The catalogue: every fault by its name, how it is made and taken back. A new one is entered here."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from aftershock.faults import node_drain, out_of_memory
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
    node_drain.NAME: node_drain.NodeDrainUndo,
    out_of_memory.NAME: CarriedUndo,
}


def undos_with(tools: Tools) -> dict[str, Undo]:
    """Return how each kind of fault is undone, by the fault's name."""
    return {name: make(tools) for name, make in UNDOS.items()}
