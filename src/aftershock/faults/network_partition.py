"""Partition: nothing passes between a pod and everybody, or one other workload.

The pod's own node is spared unless asked otherwise, so that the kubelet's probes succeed: only those
who use the pod notice. Proof is a peer pod's, from another node; against one workload, it is measured
in the pod's own network, towards the pods of that workload.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Unpack

from aftershock.cluster.api import Json
from aftershock.cluster.targets import Workload, find_workload
from aftershock.errors import RefusedError
from aftershock.faults.chosen import Pods, WhichPods
from aftershock.faults.looks import Figures, Look, server_of
from aftershock.faults.networked import NetworkFault
from aftershock.faults.tools import Tools

__all__ = ["NAME", "NetworkPartition"]

NAME = "network-partition"


class NetworkPartition(NetworkFault):
    """The pods are cut off from everybody or the workload `peers`; with `probes_too` from their node too."""

    name = NAME
    act = "partition"

    def __init__(
        self,
        tools: Tools,
        *,
        peers: str = "",
        peers_namespace: str = "",
        probes_too: bool = False,
        for_s: float,
        port: int = 0,
        **which: Unpack[WhichPods],
    ) -> None:
        super().__init__(tools, Pods(**which), for_s=for_s, port=port)
        self.peers = peers
        self.peers_namespace = peers_namespace
        self.probes_too = probes_too

    def options(self) -> Mapping[str, Any]:
        """Return whether the node is spared. From whom is in each aim, as it was when planned."""
        return {"spare_node": not (self.probes_too or self.peers)}

    def effect(self) -> str:
        """Say from whom."""
        everybody = "everybody" if self.probes_too else "everybody but its node"
        return f"is cut off from {self.peers or everybody}"

    def more_aim(self, pod: Json, aim: Mapping[str, Any]) -> Mapping[str, Any]:
        """Return where the pod is reached; against one workload, that one's addresses.

        Raises:
            RefusedError: the workload has no address, or it is the pod's own.

        """
        if not self.peers:
            return super().more_aim(pod, aim)
        workload = find_workload(self.tools.api, self.peers, namespace=self.peers_namespace)
        if pod["metadata"]["uid"] in {peer["metadata"]["uid"] for peer in workload.pods}:
            raise RefusedError(f"{self.peers} cannot be cut off from itself")
        pods = [peer["status"]["podIP"] for peer in workload.pods]
        servers = [list(server_of(peer, peer["spec"]["containers"][0]["name"])) for peer in workload.pods]
        addresses = sorted({*pods, *self._services(workload)})
        return {"servers": servers, "options": {"peers": addresses}}

    def looks(self, aims: Sequence[Mapping[str, Any]]) -> list[Look]:
        """Return a look from a peer; against one workload, one in each pod's own network."""
        if not self.peers:
            return super().looks(aims)
        return [
            Look(node=aim["node"], aim=aim, options={"servers": aim["servers"], **self.measuring()})
            for aim in aims
        ]

    def shows(self, before: Figures, since: Sequence[Figures]) -> bool:
        """Whether nothing came back, not even a refusal."""
        return bool(before["answered"] and since[-1]["lost"] == since[-1]["tries"])

    def _services(self, workload: Workload) -> set[str]:
        """Return the cluster addresses of the services that lead to that workload.

        A pod sends to those; it is the node that finds a pod behind them.
        """
        found: set[str] = set()
        for service in self.tools.api.items(f"/api/v1/namespaces/{workload.namespace}/services"):
            selector = service["spec"].get("selector") or {}
            wanted = selector.items()
            if wanted and any(
                wanted <= (pod["metadata"].get("labels") or {}).items() for pod in workload.pods
            ):
                found |= {one for one in service["spec"].get("clusterIPs") or () if one != "None"}
        return found
