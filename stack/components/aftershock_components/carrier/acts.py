"""Every act by its name, and how every kind of change is put back. A new one is entered here."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from aftershock_components.carrier import (
    calls,
    cpu,
    disk,
    kubelet,
    memory,
    node_memory,
    out_of_memory,
    scores,
    signals,
    values,
)
from aftershock_components.carrier.changes import PutBack
from aftershock_components.carrier.orders import Act

__all__ = ["ACTS", "kinds"]

ACTS: Mapping[str, Act] = {
    "call": calls.act,
    "cpu": cpu.act,
    "disk": disk.act,
    "disk-usage": disk.measure,
    "kubelet": kubelet.act,
    "memory": memory.act,
    "node-cpu": cpu.act_on_node,
    "node-memory": node_memory.act,
    "oom": out_of_memory.act,
    "signal": signals.act,
}


def kinds(*, proc: Path) -> dict[str, PutBack]:
    """Return how each kind of change is put back, on the node with that /proc."""
    return {
        kubelet.KIND: kubelet.put_back,
        scores.KIND: scores.putting_back(proc),
        signals.KIND: signals.putting_back(proc),
        values.KIND: values.put_back,
    }
