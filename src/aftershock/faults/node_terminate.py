"""Node terminate: an EC2 instance is destroyed, for good; only its Node object can be taken back."""

from __future__ import annotations

from typing import Unpack

from aftershock.cluster.power import How
from aftershock.cluster.targets import collection
from aftershock.faults.chosen import WhichNode
from aftershock.faults.journal import Record
from aftershock.faults.powered import Once
from aftershock.faults.protocol import Proof
from aftershock.faults.tools import Tools

__all__ = ["NAME", "NodeTerminate", "NodeTerminateUndo"]

NAME = "node-terminate"
LANDS_WITHIN_S = 120.0


class NodeTerminate(Once):
    """A node's instance is terminated, its disk with it.

    It is chosen as choose_node has it, by `which`: node, role, workload, namespace, seed.
    """

    name = NAME
    how: How = "terminate"
    said = "terminated, for good"

    def __init__(self, tools: Tools, **which: Unpack[WhichNode]) -> None:
        super().__init__(tools, for_s=LANDS_WITHIN_S, **which)


class NodeTerminateUndo:
    """Removes the Node object, which nobody else does on a cluster without a cloud controller.

    A machine in its place is for `aftershock up --provider ec2` or an Auto Scaling group to make.
    """

    def __init__(self, tools: Tools) -> None:
        self.tools = tools

    def undo(self, record: Record) -> None:
        """Delete the Node of that UID, if it is not Ready: one that is was never terminated."""
        path = f"{collection('node')}/{record.undo['node']}"
        if self._lost(record):
            self.tools.api.delete(path, {"preconditions": {"uid": record.undo["uid"]}})

    def undone(self, record: Record) -> Proof:
        """Look whether no lost Node of that UID is there."""
        return Proof(
            holds=not self._lost(record),
            source="Kubernetes API, the node",
            facts={"node": record.undo["node"], "lost and still listed": self._lost(record)},
        )

    def _lost(self, record: Record) -> bool:
        node = self.tools.api.find(f"{collection('node')}/{record.undo['node']}")
        if node is None or node["metadata"]["uid"] != record.undo["uid"]:
            return False
        ready = [c["status"] for c in node["status"].get("conditions", ()) if c["type"] == "Ready"]
        return ready != ["True"]
