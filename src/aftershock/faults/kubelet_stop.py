"""Kubelet stopped: a node is no longer heard of, while its containers go on.

The node's systemd stops the kubelet, with a timer armed before that starts it again when the
time is over. While it is stopped nothing reaches the carrier through the API; to end early, a
carrier on another node calls it. Proof is the API's: the node is not Ready.
"""

from __future__ import annotations

import json
from datetime import timedelta
from functools import partial
from typing import Unpack

from aftershock.clock import rfc3339, wait_until
from aftershock.cluster.api import Json
from aftershock.cluster.targets import choose_node, condition
from aftershock.faults.carried import Carried, CarriedUndo, carriers_of, start_carriers
from aftershock.faults.carrier import UNDOING
from aftershock.faults.chosen import WhichNode
from aftershock.faults.journal import Record
from aftershock.faults.kubelet_stats import check_time
from aftershock.faults.protocol import Plan, Proof
from aftershock.faults.tools import Tools

__all__ = ["NAME", "KubeletStop", "KubeletStopUndo"]

NAME = "kubelet-stop"
# A node is not Ready 40 to 50 s after its last sign of life (node-monitor-grace-period), which comes
# every 10 s; the carrier waits 3 s before it stops the kubelet.
LEAST_S = 75.0
LANDS_WITHIN_S = 75.0
CALL_WITHIN_S = 10.0
# How long a kubelet takes from its start by the timer until the API knows that it is there.
BACK_WITHIN_S = 20.0
# If nobody answers the call: others wait to be undone, too.
WAIT_AT_MOST_S = 45.0


class KubeletStop(Carried):
    """The kubelet of a node is stopped for `for_s`.

    The node is chosen as choose_node has it, by `which`: node, role, workload, namespace, seed.
    """

    name = NAME

    def __init__(self, tools: Tools, *, for_s: float, **which: Unpack[WhichNode]) -> None:
        self.tools = tools
        self.for_s = for_s
        self.which = which

    def plan(self) -> Plan:
        """Choose the node.

        Raises:
            RefusedError: there is no such node, or the time is too short to be noticed.

        """
        check_time(self.for_s, least_s=LEAST_S, by="the control plane gives a node up after 40 to 50 s")
        choice = choose_node(self.tools.api, **self.which)
        return Plan(
            fault=NAME,
            targets=choice.targets,
            undo={"aims": [{"node": choice.targets[0].name}]},
            expires_after_s=self.for_s,
            lands_within_s=LANDS_WITHIN_S,
            blast_radius=f"the kubelet of {choice} is stopped; its containers go on, as they are",
            switch="timer",
            lasts=True,
        )

    def inject(self, plan: Plan, record: Record) -> None:
        """Start the carrier.

        Raises:
            FaultError: it did not start.

        """
        start_carriers(self.tools, plan, record, act="kubelet")

    def landed(self, plan: Plan) -> Proof:
        """Ask the API whether the node is given up."""
        (aim,) = plan.undo["aims"]
        ready = _ready(self.tools.api.get(f"/api/v1/nodes/{aim['node']}"))
        facts = {"node": aim["node"], "Ready": ready["status"], "reason": ready.get("reason", "")}
        return Proof(holds=ready["status"] == "Unknown", source="Kubernetes API, node condition", facts=facts)


class KubeletStopUndo(CarriedUndo):
    """Has the carrier end early, by a call from another node; else waits for the node's own timer."""

    def __init__(self, tools: Tools) -> None:
        super().__init__(tools)
        self.tools = tools

    def undo(self, record: Record) -> None:
        """Get the kubelet back, then remove the carrier as usual.

        Raises:
            FaultError: something could not be put back.
            DeadlineError: the kubelet does not tell how the carrier ended: it is still stopped.

        """
        for name, aim in carriers_of(record.fault_id, record.undo):
            if self._is_over(name):
                continue
            self._call(name, aim["node"], record)
            left = (record.expires_at - self.tools.clock.now()).total_seconds()
            wait_until(
                partial(self._is_over, name),
                within_s=min(max(left, 0.0), WAIT_AT_MOST_S) + BACK_WITHIN_S,
                what=f"the kubelet of {aim['node']} to be heard again",
                clock=self.tools.clock,
            )
        super().undo(record)

    def undone(self, record: Record) -> Proof:
        """Look whether no carrier is left and the nodes are heard of."""
        carriers = super().undone(record)
        nodes = {
            aim["node"]: self.tools.api.find(f"/api/v1/nodes/{aim['node']}") for aim in record.undo["aims"]
        }
        silent = [
            name for name, node in nodes.items() if node is not None and _ready(node)["status"] != "True"
        ]
        facts = {**carriers.facts, "nodes not ready": ", ".join(silent) or "none"}
        return Proof(holds=carriers.holds and not silent, source=carriers.source, facts=facts)

    def _is_over(self, name: str) -> bool:
        """Whether the kubelet has told how the carrier ended, which it cannot while it is stopped."""
        return self.tools.carriers.outcome(name) is not None or self.tools.carriers.gone(name)

    def _call(self, name: str, node: str, record: Record) -> None:
        """Have a carrier on another node tell this one to end. If none answers, the node's timer is left."""
        address = self.tools.carriers.address(name)
        peers = [
            str(found["metadata"]["name"])
            for found in self.tools.api.items("/api/v1/nodes")
            if found["metadata"]["name"] != node and _ready(found)["status"] == "True"
        ]
        if not address or not peers:
            return
        caller = f"{name}-call"
        until = self.tools.clock.now() + timedelta(seconds=CALL_WITHIN_S)
        args = ["call", "--fault-id", caller, "--expires-at", rfc3339(until)]
        args += ["--options", json.dumps({"name": name, "address": address})]
        self._remove(caller)
        try:
            self.tools.carriers.start(
                caller, record=record, node=peers[0], args=args, lifetime_s=CALL_WITHIN_S, size=UNDOING
            )
            wait_until(
                lambda: self.tools.carriers.outcome(caller) is not None,
                within_s=CALL_WITHIN_S + BACK_WITHIN_S,
                what=f"carrier {caller} to end",
                clock=self.tools.clock,
            )
        finally:
            self._remove(caller)


def _ready(node: Json) -> Json:
    return condition(node, "Ready") or {"status": "Unknown"}
