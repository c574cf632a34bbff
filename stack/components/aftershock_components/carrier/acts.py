"""Every act by its name, and how every kind of change is put back. A new one is entered here."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from aftershock_components.carrier import (
    api_unreachable,
    calls,
    cpu,
    disk,
    dns_failure,
    kubelet,
    measure,
    memory,
    netem,
    network_latency,
    network_loss,
    network_partition,
    network_reset,
    node_memory,
    node_timer,
    out_of_memory,
    rules,
    scores,
    signals,
    values,
)
from aftershock_components.carrier.changes import PutBack
from aftershock_components.carrier.orders import Act

__all__ = ["ACTS", "kinds"]

ACTS: Mapping[str, Act] = {
    "api-unreachable": api_unreachable.act,
    "call": calls.act,
    "cpu": cpu.act,
    "disk": disk.act,
    "disk-usage": disk.measure,
    "dns": dns_failure.act,
    "kubelet": kubelet.act,
    "latency": network_latency.act,
    "loss": network_loss.act,
    "measure": measure.act,
    "memory": memory.act,
    "node-cpu": cpu.act_on_node,
    "node-memory": node_memory.act,
    "oom": out_of_memory.act,
    "partition": network_partition.act,
    "reset": network_reset.act,
    "signal": signals.act,
}


def kinds(*, proc: Path) -> dict[str, PutBack]:
    """Return how each kind of change is put back, on the node with that /proc."""
    return {
        kubelet.KIND: kubelet.putting_back(proc),
        netem.KIND: netem.putting_back(proc),
        node_timer.KIND: node_timer.putting_back(proc),
        rules.KIND: rules.putting_back(proc),
        scores.KIND: scores.putting_back(proc),
        signals.KIND: signals.putting_back(proc),
        values.KIND: values.put_back,
    }
