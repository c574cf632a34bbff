"""The same pods drained from the same node by both, in turn."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from aftershock.cluster.connection import Cluster
from aftershock.errors import AftershockError
from aftershock.faults.injector import Injector
from aftershock.faults.node_drain import NodeDrain
from benchmarks.faults.landing import inject, settle
from benchmarks.faults.leavers import Leavers, leavers
from benchmarks.faults.peer import drain_nodes

__all__ = ["OURS", "PEER", "Drain", "drains"]

OURS = "Aftershock, call to proof"
PEER = "chaos run, drain_nodes"
ALL_AT_ONCE = "100%"


@dataclass(frozen=True, kw_only=True)
class Drain:
    """One drain: by whom, how many might leave at once, how long it took, and why it failed ("")."""

    by: str
    may_leave: int | str
    took_s: float
    failed: str = ""


def drains(cluster: Cluster, injector: Injector, *, trials: int, pods: int, folder: Path) -> Iterator[Drain]:
    """Drain `pods` pods that may all leave at once, in turn by both; then one at a time.

    With a budget of one the peer is tried once: it gives up at the first refusal.
    """
    with leavers(cluster.api, count=pods) as there:
        settle(cluster.api)
        for _ in range(trials):
            yield _ours(injector, there, ALL_AT_ONCE)
            yield _peers(cluster, there, ALL_AT_ONCE, folder)
        for number in range(trials):
            yield _ours(injector, there, 1)
            if not number:
                yield _peers(cluster, there, 1, folder)


def _ours(injector: Injector, there: Leavers, may_leave: int | str) -> Drain:
    there.gather(may_leave=may_leave)
    landing = inject(injector, NodeDrain(injector.tools, node=there.node), title=OURS)
    _hold_gone(there)
    return Drain(by=OURS, may_leave=may_leave, took_s=landing.landed_s)


def _peers(cluster: Cluster, there: Leavers, may_leave: int | str, folder: Path) -> Drain:
    there.gather(may_leave=may_leave)
    done = drain_nodes(cluster, there.node, folder=folder)
    if not done.failed:
        _hold_gone(there)
    return Drain(by=PEER, may_leave=may_leave, took_s=done.took_s, failed=done.failed)


def _hold_gone(there: Leavers) -> None:
    """Hold that a drain did what it said; the node is open again, but its pods run elsewhere."""
    if not there.are_gone():
        raise AftershockError(f"{there.node} was not drained", expected="none of its pods", found="some")
