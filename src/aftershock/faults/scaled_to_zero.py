"""Scaled to zero: a Deployment or StatefulSet is asked for no pods at all.

Proof is the API's: no pod of it is live, and none is counted as Ready. An autoscaler leaves a
workload alone that is scaled to zero.
"""

from __future__ import annotations

from typing import Any

from aftershock.cluster.api import Json
from aftershock.cluster.controllers import pods_of
from aftershock.faults.patched import Leaf, leaf
from aftershock.faults.protocol import Plan
from aftershock.faults.workload_patch import WorkloadPatch

__all__ = ["NAME", "ScaledToZero"]

NAME = "scaled-to-zero"


class ScaledToZero(WorkloadPatch):
    """Nobody serves: the workload has no replicas."""

    name = NAME

    def leaves(self, found: Json) -> list[Leaf]:
        """Return the one leaf: its number of replicas."""
        return [leaf(found, ("spec", "replicas"), 0)]

    def effect(self) -> str:
        """Say what becomes of the workload, after its name."""
        return "scaled to zero"

    def seen(self, plan: Plan, found: Json) -> tuple[bool, dict[str, Any]]:  # noqa: ARG002 - the base's
        """Look whether it is asked for none, has none, and counts none as Ready."""
        wanted, live = found["spec"].get("replicas"), len(pods_of(self.tools.api, found))
        ready = found.get("status", {}).get("readyReplicas") or 0
        return (wanted, live, ready) == (0, 0, 0), {"wanted": wanted, "live pods": live, "ready": ready}
