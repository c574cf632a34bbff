"""Every act by its name, and how every kind of change is put back. A new one is entered here."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from aftershock_components.carrier import limits, out_of_memory, scores
from aftershock_components.carrier.changes import PutBack
from aftershock_components.carrier.orders import Act

__all__ = ["ACTS", "kinds"]

ACTS: Mapping[str, Act] = {
    "oom": out_of_memory.act,
}


def kinds(*, proc: Path) -> dict[str, PutBack]:
    """Return how each kind of change is put back, on the node with that /proc."""
    return {
        limits.KIND: limits.putting_back(proc),
        scores.KIND: scores.putting_back(proc),
    }
