"""Node reboot: an EC2 instance boots anew, and comes back by itself. Proof is the kubelet's own boot ID."""

from __future__ import annotations

from dataclasses import replace
from typing import Unpack

from aftershock.cluster.power import How
from aftershock.faults.chosen import WhichNode
from aftershock.faults.powered import Once, condition_of
from aftershock.faults.protocol import Plan, Proof
from aftershock.faults.tools import Tools

__all__ = ["NAME", "NodeReboot"]

NAME = "node-reboot"
# EC2 asks the system to shut down, and cuts its power after some minutes where it does not.
BACK_WITHIN_S = 360.0


class NodeReboot(Once):
    """A node is rebooted: everything on it is started again.

    It is chosen as choose_node has it, by `which`: node, role, workload, namespace, seed.
    """

    name = NAME
    how: How = "reboot"
    said = "rebooted"

    def __init__(self, tools: Tools, **which: Unpack[WhichNode]) -> None:
        super().__init__(tools, for_s=BACK_WITHIN_S, **which)

    def plan(self) -> Plan:
        """Choose the node, and remember which boot it is in. Raises as Powered.plan."""
        plan = super().plan()
        node = self.tools.api.get(plan.targets[0].path)
        boot = str(node["status"].get("nodeInfo", {}).get("bootID", ""))
        return replace(plan, undo={**plan.undo, "boot": boot})

    def landed(self, plan: Plan) -> Proof:
        """Ask the API whether the node's kubelet reports another boot."""
        node = self.tools.api.find(plan.targets[0].path)
        same = node is not None and node["metadata"]["uid"] == plan.undo["uid"]
        boot = str(node["status"].get("nodeInfo", {}).get("bootID", "")) if node is not None and same else ""
        return Proof(
            holds=boot not in {"", plan.undo["boot"]},
            source="Kubernetes API, boot ID of the node",
            facts={
                "node": plan.undo["node"],
                "boot": boot or "the node is gone",
                "before": plan.undo["boot"],
                "ready": condition_of(node) if node is not None else "the node is gone",
            },
        )
