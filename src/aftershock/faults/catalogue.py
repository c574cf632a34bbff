"""The catalogue: every fault by its name, and how it is taken back. A new one is entered here."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from aftershock.faults import (
    api_unreachable,
    connection_reset,
    dns_failure,
    network_latency,
    network_loss,
    network_partition,
    node_drain,
    out_of_memory,
)
from aftershock.faults.carried import CarriedUndo
from aftershock.faults.networked import LookedUndo
from aftershock.faults.protocol import Undo
from aftershock.faults.tools import Tools

__all__ = ["UNDOS", "undos_with"]

UNDOS: Mapping[str, Callable[[Tools], Undo]] = {
    api_unreachable.NAME: api_unreachable.ApiUnreachableUndo,
    connection_reset.NAME: LookedUndo,
    dns_failure.NAME: LookedUndo,
    network_latency.NAME: LookedUndo,
    network_loss.NAME: LookedUndo,
    network_partition.NAME: LookedUndo,
    node_drain.NAME: node_drain.NodeDrainUndo,
    out_of_memory.NAME: CarriedUndo,
}


def undos_with(tools: Tools) -> dict[str, Undo]:
    """Return how each kind of fault is undone, by the fault's name."""
    return {name: make(tools) for name, make in UNDOS.items()}
