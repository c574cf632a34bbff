"""Memory pressure on a node: its memory is taken until the kubelet's own eviction threshold is passed.

A carrier that the kubelet does not evict (system-node-critical) holds the memory, just past the
threshold and no further; what the kubelet wins by evicting others is not taken again. Proof is
the API's: the node says MemoryPressure; whom the kubelet evicted is told with it.
"""

from __future__ import annotations

from typing import Unpack

from aftershock.cluster.api import Json, KubeApi
from aftershock.cluster.quantity import number
from aftershock.cluster.targets import choose_node, condition
from aftershock.errors import RefusedError
from aftershock.faults.carried import Carried, start_carriers
from aftershock.faults.carrier import CRITICAL, Size
from aftershock.faults.chosen import WhichNode
from aftershock.faults.journal import Record
from aftershock.faults.kubelet_stats import check_time, memory_of_pods
from aftershock.faults.protocol import Plan, Proof
from aftershock.faults.tools import Tools

__all__ = ["NAME", "NodeMemoryPressure"]

NAME = "node-memory-pressure"
# How far past the threshold: enough to be sure, little enough that one or two evictions end it.
PAST = 16 << 20
LEAST_LEFT = 32 << 20
# To be taken, to be measured by the kubelet (10 s), to be told to the API (10 s).
LEAST_S = 45.0
SIGNAL = "memory.available"
CONDITION = "MemoryPressure"
# From this priority on the kubelet evicts nobody.
CRITICAL_PRIORITY = 2_000_000_000


class NodeMemoryPressure(Carried):
    """A node is held past its kubelet's eviction threshold for `for_s`.

    The node is chosen as choose_node has it, by `which`: node, role, workload, namespace, seed.
    """

    name = NAME

    def __init__(self, tools: Tools, *, for_s: float, **which: Unpack[WhichNode]) -> None:
        self.tools = tools
        self.for_s = for_s
        self.which = which

    def plan(self) -> Plan:
        """Choose the node, and read its kubelet's threshold.

        Raises:
            RefusedError: there is no such node, its kubelet has no threshold, it is under pressure, or
                pods that may not be touched would go first.

        """
        check_time(self.for_s, least_s=LEAST_S, by="filling, the kubelet's look, its report to the API")
        api = self.tools.api
        choice = choose_node(api, **self.which)
        (target,) = choice.targets
        node = api.get(target.path)
        if _condition(node) == "True":
            raise RefusedError(f"{target} is under memory pressure already", expected="a node that is not")
        threshold = _threshold(api, target.name, node)
        leave = threshold - PAST
        if leave < LEAST_LEFT:
            raise RefusedError(
                f"the kubelet of {target} evicts only below {threshold} bytes",
                expected=f"a threshold {SIGNAL} of at least {LEAST_LEFT + PAST} bytes (evictionHard)",
                found=f"{threshold} bytes",
                hint="without one the kernel would kill before the kubelet evicts",
            )
        if bystanders := _bystanders(self.tools, target.name):
            raise RefusedError(
                f"the kubelet of {target} would evict pods that may not be touched",
                expected="only pods of namespaces that opted in use more memory than they request",
                found=", ".join(bystanders),
                hint="choose another node, or give them requests",
            )
        aim = {"node": target.name, "options": {"leave_bytes": leave}}
        return Plan(
            fault=NAME,
            targets=choice.targets,
            undo={"aims": [aim], "evicted": sorted(_evicted(api, target.name))},
            expires_after_s=self.for_s,
            blast_radius=(
                f"{choice} is left {leave} bytes of memory; its kubelet evicts pods of its own choice, "
                "whatever their budgets say, and new ones stay away"
            ),
            switch="carrier",
            lasts=True,
        )

    def inject(self, plan: Plan, record: Record) -> None:
        """Start the carrier.

        Raises:
            FaultError: it did not start.

        """
        size = Size(requests={"cpu": "50m", "memory": "32Mi"}, limits={"cpu": "500m"}, priority=CRITICAL)
        start_carriers(self.tools, plan, record, act="node-memory", size=size)

    def landed(self, plan: Plan) -> Proof:
        """Ask the API for the node's condition, and for whom the kubelet evicted."""
        (aim,) = plan.undo["aims"]
        condition = _condition(self.tools.api.get(f"/api/v1/nodes/{aim['node']}"))
        evicted = _evicted(self.tools.api, aim["node"]) - set(plan.undo["evicted"])
        return Proof(
            holds=condition == "True",
            source="Kubernetes API, node condition",
            facts={
                "node": aim["node"],
                CONDITION: condition,
                "evicted": ", ".join(sorted(evicted)) or "none",
            },
        )


def _condition(node: Json) -> str:
    return str(condition(node, CONDITION).get("status", "unknown"))


def _evicted(api: KubeApi, node: str) -> set[str]:
    """Return the pods that this node's kubelet has evicted, as far as they are still known."""
    pods = api.items("/api/v1/pods", fieldSelector=f"spec.nodeName={node}")
    return {
        f"{pod['metadata']['namespace']}/{pod['metadata']['name']}"
        for pod in pods
        if pod["status"].get("reason") == "Evicted"
    }


def _bystanders(tools: Tools, node: str) -> list[str]:
    """Return the pods that a kubelet evicts first (above their requests) and that may not be touched."""
    used = memory_of_pods(tools.api, node)
    found = []
    for pod in tools.api.items("/api/v1/pods", fieldSelector=f"spec.nodeName={node}"):
        meta, spec = pod["metadata"], pod["spec"]
        asked = sum(
            number((entry.get("resources", {}).get("requests") or {}).get("memory", "0"))
            for entry in spec["containers"]
        )
        evictable = spec.get("priority", 0) < CRITICAL_PRIORITY and used.get(meta["uid"], 0) > asked
        if evictable and not tools.may_touch(meta["namespace"]):
            found.append(f"{meta['namespace']}/{meta['name']}")
    return sorted(found)


def _threshold(api: KubeApi, name: str, node: Json) -> int:
    """Return below how many bytes the kubelet evicts; 0 if it never does."""
    config = api.get(f"/api/v1/nodes/{name}/proxy/configz")["kubeletconfig"]
    text = str((config.get("evictionHard") or {}).get(SIGNAL, "0"))
    if text.endswith("%"):
        return int(float(text[:-1]) / 100 * number(node["status"]["capacity"]["memory"]))
    return int(number(text))
