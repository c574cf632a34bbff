"""Faults that take a node's power: paused or stopped, and given back. What they share.

The node's guardian lives before the power is taken, and gives it back when the time is over. Proof
is the API's: the node's Ready condition is not true any more, which its controller says when
the kubelet has been silent for 40 to 50 s.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Unpack

from aftershock.clock import from_rfc3339
from aftershock.cluster.api import Json
from aftershock.cluster.controllers import controllers_of
from aftershock.cluster.power import How, Power
from aftershock.cluster.targets import Target, choose_node, collection, condition
from aftershock.counting import counted
from aftershock.errors import EnvironmentUnusableError, RefusedError, TransientError
from aftershock.faults import guardians
from aftershock.faults.chosen import WhichNode
from aftershock.faults.evictable import load_of
from aftershock.faults.guardians import Order
from aftershock.faults.journal import Record
from aftershock.faults.protocol import Plan, Proof
from aftershock.faults.tools import Tools
from aftershock.forecast.beat import Delay

__all__ = ["FOR_S", "LEAST_S", "Once", "Powered", "PoweredUndo", "condition_of", "power_over"]

FOR_S = 120.0
# A node is noticed as lost after 40 to 50 s (measured 44 s): one that is back before proves nothing.
LEAST_S = 60.0
NODE_LEASES = "/apis/coordination.k8s.io/v1/namespaces/kube-node-lease/leases"


# Measured on kind: 44 s. The node's controller looks every 5 s whether a kubelet, which reports every 10 s,
# has been silent for node-monitor-grace-period (40 s; 50 s in newer versions).
SHOWS = Delay(
    earliest_s=30.0,
    usual_s=44.0,
    latest_s=60.0,
    by="node-monitor-grace-period, the node controller's look (every 5 s), kube-state-metrics",
)


class Powered:
    """A node loses its power for `for_s` seconds.

    It is chosen as choose_node has it, by `which`: node, role, workload, namespace, seed.
    """

    name: str
    how: How
    said: str
    shows_after: Mapping[str, Delay] = {"kube_node_status_condition": SHOWS}

    def __init__(self, tools: Tools, *, for_s: float = FOR_S, **which: Unpack[WhichNode]) -> None:
        self.tools = tools
        self.for_s = for_s
        self.which = which

    def _time(self) -> str:
        return f"{self.said} for {self.for_s:g} s"

    def plan(self) -> Plan:
        """Choose the node, and look whether there is power over it.

        Raises:
            RefusedError: there is no such node, it is not Ready, nothing has power over it, or the time
                is too short to be noticed.

        """
        if self.for_s < LEAST_S:
            raise RefusedError(
                f"{self.for_s:g} s are too short to prove that a node was lost",
                expected=f"at least {LEAST_S:g} s: the control plane notices after 40 to 50 s",
                found=f"{self.for_s:g} s",
            )
        choice = choose_node(self.tools.api, **self.which)
        (node,) = choice.targets
        power_over(self.tools, node.name).check(self.how, node.name)
        if condition_of(self.tools.api.get(node.path)) != "True":
            raise RefusedError(
                f"{node} is not Ready", expected="a node that is there to be lost", found="not Ready"
            )
        load = load_of(self.tools.api, node.name, self.tools.may_touch)
        pods = tuple(Target.of("pod", pod) for pod in load.evictable)
        return Plan(
            fault=self.name,
            targets=(node, *pods),
            undo={
                "node": node.name,
                "uid": node.uid,
                "how": self.how,
                "controllers": controllers_of(self.tools.api, load.evictable),
            },
            expires_after_s=self.for_s,
            lands_within_s=self.for_s,
            blast_radius=(
                f"{choice}: {self._time()}, with {counted(len(pods), 'pod')} of open namespaces "
                f"and {counted(len(load.left) + len(load.leaving), 'other')}"
            ),
            switch="guardian",
            marked=(node,),
            lasts=True,
        )

    def inject(self, plan: Plan, record: Record) -> None:
        """Start the guardian, and with the proof that it lives take the node's power.

        Raises:
            FaultError: there is no guardian; the node keeps its power.
            EnvironmentUnusableError: the power could not be taken.

        """
        power, node = power_over(self.tools, plan.undo["node"]), plan.undo["node"]
        order = Order(
            fault_id=plan.fault_id,
            node=node,
            how=self.how,
            expires_at=record.expires_at,
            origin=power.origin(),
        )
        guardians.arm(order)
        left_s = (record.expires_at - self.tools.clock.now()).total_seconds()
        power.take(self.how, node, expires_s=max(1.0, left_s))

    def landed(self, plan: Plan) -> Proof:
        """Ask the API whether the node is counted as lost."""
        node = self.tools.api.find(plan.targets[0].path)
        same = node is not None and node["metadata"]["uid"] == plan.undo["uid"]
        ready = condition_of(node) if node is not None and same else "the node is gone"
        return Proof(
            holds=same and ready != "True",
            source="Kubernetes API, condition of the node",
            facts={"node": plan.undo["node"], "ready": ready},
        )


class Once(Powered):
    """What is done to a node once, and nobody takes back: there is no switch, and nothing is marked.

    `for_s` is within which time it must be proven.
    """

    def _time(self) -> str:
        return self.said

    def plan(self) -> Plan:
        """Choose the node. Raises as Powered.plan."""
        plan = super().plan()
        return replace(plan, switch="none", lasts=False, marked=(), lands_within_s=self.for_s)

    def inject(self, plan: Plan, record: Record) -> None:
        """Do it.

        Raises:
            EnvironmentUnusableError: it could not be done.

        """
        node = plan.undo["node"]
        left_s = (record.expires_at - self.tools.clock.now()).total_seconds()
        power_over(self.tools, node).take(self.how, node, expires_s=left_s)


class PoweredUndo:
    """Gives the power back, and proves that the kubelet lives: it renews the node's Lease, and is Ready."""

    def __init__(self, tools: Tools) -> None:
        self.tools = tools
        self._seen: dict[str, str] = {}

    def undo(self, record: Record) -> None:
        """Give the power back; the guardian is not needed then.

        Where nothing has power over nodes, as in the cluster, that is left to the guardian.

        Raises:
            TransientError: it did not work; ask again.

        """
        if self.tools.power is None or self._node(record) is None:
            return
        try:
            self.tools.power.give(record.undo["how"], record.undo["node"])
        except EnvironmentUnusableError as error:
            raise TransientError(error.message, found=error.found) from error
        guardians.disarm(record.fault_id)

    def undone(self, record: Record) -> Proof:
        """Look whether the node is Ready, and its kubelet has renewed the Lease since we first looked.

        One look is enough where it has done so after the fault's time was over.
        """
        node, facts = self._node(record), {"node": record.undo["node"]}
        source = "Kubernetes API, condition and Lease of the node"
        if node is None:
            return Proof(holds=True, source=source, facts={**facts, "state": "gone"})
        lease = self.tools.api.find(f"{NODE_LEASES}/{record.undo['node']}") or {}
        renewed = str(lease.get("spec", {}).get("renewTime") or "")
        alive = renewed != self._seen.setdefault(record.fault_id, renewed) or (
            renewed != "" and from_rfc3339(renewed) > record.expires_at
        )
        ready = condition_of(node)
        return Proof(
            holds=alive and ready == "True",
            source=source,
            facts={**facts, "ready": ready, "kubelet renews": alive},
        )

    def _node(self, record: Record) -> Json | None:
        node = self.tools.api.find(f"{collection('node')}/{record.undo['node']}")
        return node if node is not None and node["metadata"]["uid"] == record.undo["uid"] else None


def condition_of(node: Json) -> str:
    """Return the status of a node's condition Ready: "True", "False", "Unknown"; "unknown" without one."""
    return str(condition(node, "Ready").get("status", "unknown"))


def power_over(tools: Tools, node: str) -> Power:
    """Return what has power over the node.

    Raises:
        RefusedError: nothing has.

    """
    if tools.power is None:
        raise RefusedError(
            f"nothing has power over {node}",
            expected="a kind cluster, or node_power in [tool.aftershock]: EC2, or commands",
            found="neither",
        )
    return tools.power
