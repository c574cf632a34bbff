"""All that is seen at this moment: pods and nodes by their watches, the nodes' CPU by asking."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from datetime import datetime, timedelta

from aftershock_components.autorecovery.findings import Finding, NodeLoad, of_nodes, of_pods
from aftershock_components.autorecovery.kube import Json, Kube, KubeError
from aftershock_components.autorecovery.objects import instant
from aftershock_components.autorecovery.playbooks import Playbooks
from aftershock_components.autorecovery.quantities import quantity
from aftershock_components.autorecovery.watching import Kept

__all__ = ["Seeing"]

LOADS_EVERY = timedelta(seconds=5)
LOADS_LAST = timedelta(seconds=60)
"""What was measured longer ago says nothing of now; metrics-server measures every 10 to 15 s."""
METRICS = "/apis/metrics.k8s.io/v1beta1/nodes"


class Seeing:
    """What the engine is told of the cluster."""

    def __init__(
        self, kube: Kube, books: Playbooks, pods: Kept, nodes: Kept, *, now: Callable[[], datetime]
    ) -> None:
        self.kube = kube
        self.books = books
        self.pods = pods
        self.nodes = nodes
        self.now = now
        self.loads: list[NodeLoad] = []
        self.problem = ""
        self._asked_at: datetime | None = None

    @property
    def synced(self) -> bool:
        """Whether there is anything to tell yet."""
        return self.pods.synced and self.nodes.synced

    async def findings(self) -> list[Finding]:
        """Return all trouble there is now."""
        now, triggers, rules = self.now(), self.books.watched(), self.books.exclusions
        if "control-plane-cpu" in triggers:
            await self._measure(now)
        return [
            *of_pods(list(self.pods.objects.values()), triggers, rules=rules, now=now),
            *of_nodes(list(self.nodes.objects.values()), self.loads, triggers, rules=rules),
        ]

    async def _measure(self, now: datetime) -> None:
        """Ask for the nodes' CPU, as often as it may change. Without an answer nothing is known."""
        if self._asked_at is None or now - self._asked_at >= LOADS_EVERY:
            self._asked_at = now
            try:
                usages = await self.kube.items(METRICS)
                self.problem = ""
            except KubeError as error:
                usages, self.problem = [], str(error)
            nodes = {node["metadata"]["name"]: node for node in self.nodes.objects.values()}
            self.loads = list(_loads(usages, nodes))
        self.loads = [load for load in self.loads if now - load.at <= LOADS_LAST]


def _loads(usages: Iterable[Json], nodes: Mapping[str, Json]) -> Iterable[NodeLoad]:
    for usage in usages:
        name = usage["metadata"]["name"]
        allocatable = ((nodes.get(name) or {}).get("status") or {}).get("allocatable") or {}
        if "cpu" in allocatable:
            ratio = quantity(usage["usage"]["cpu"]) / quantity(allocatable["cpu"])
            yield NodeLoad(node=name, ratio=ratio, at=instant(usage["timestamp"]))
