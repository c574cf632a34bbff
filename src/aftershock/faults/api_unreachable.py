"""API server unreachable from a node: neither the node's own programs nor its pods get through to it.

Nobody can be told anything on that node meanwhile. So a timer of the node's systemd is armed before
the act, the rule ends by the kernel's clock, and an early end is asked for over the pod network, from
the API server's side. Proof: a pod on the node gets no answer, and the node's heartbeat stays away.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import timedelta
from typing import Any, Unpack

from aftershock.clock import wait_until
from aftershock.cluster.api import KubeApi
from aftershock.cluster.own import PODS
from aftershock.cluster.targets import choose_node
from aftershock.errors import ApiError, FaultError, RefusedError, TransientError
from aftershock.faults.carried import carriers_of, start_carriers
from aftershock.faults.chosen import WhichNode
from aftershock.faults.journal import Record
from aftershock.faults.kubelet_stats import check_time
from aftershock.faults.looks import Look, Looks
from aftershock.faults.networked import BEFORE_S, Looked, LookedUndo
from aftershock.faults.protocol import Plan, Proof
from aftershock.faults.tools import Tools

__all__ = ["NAME", "ApiUnreachable", "ApiUnreachableUndo"]

NAME = "api-unreachable"
SLICES = "/apis/discovery.k8s.io/v1/namespaces/default/endpointslices"
STOP_PORT = 8087
# A kubelet renews its Lease every 10 s (a quarter of its 40 s); later than this it has missed one.
# Until the node's kubelet has told that the carrier runs: then it cannot tell any more. Part of BEFORE_S.
SETTLE_S = 2.0
SILENT_S = 13.0
LEAST_S = 30.0
# A connection that hung is given up by the kubelet after 45 s (HTTP/2: 30 s idle, 15 s for a ping).
BACK_WITHIN_S = 90.0
# The node's own timer strikes 3 s after the end.
TIMER_S = 5.0


class ApiUnreachable(Looked):
    """The API server cannot be reached from a node for `for_s`.

    The node is chosen as choose_node has it, by `which`: node, role, workload, namespace, seed.
    `servers` ("address:port") are what else leads to the API server, as a load balancer that the
    kubelet goes through.
    """

    name = NAME

    def __init__(
        self, tools: Tools, *, for_s: float, servers: Sequence[str] = (), **which: Unpack[WhichNode]
    ) -> None:
        self.tools = tools
        self.for_s = for_s
        self.servers = tuple(servers)
        self.which = which
        self._heartbeat: tuple[str, float] = ("", 0.0)

    def plan(self) -> Plan:
        """Choose the node, and find out where the API server is.

        Raises:
            RefusedError: there is no such node, or nobody says where the API server is.

        """
        check_time(self.for_s, least_s=LEAST_S, by="a heartbeat that stays away")
        choice = choose_node(self.tools.api, **self.which)
        servers = sorted({*_servers(self.tools.api), *self.servers})
        if not servers:
            raise RefusedError("nobody says where the API server is", expected=f"addresses in {SLICES}")
        return Plan(
            fault=NAME,
            targets=choice.targets,
            undo={"aims": [{"node": choice.targets[0].name, "options": {"servers": servers}}], "looks": 1},
            expires_after_s=self.for_s + BEFORE_S,
            blast_radius=f"for {self.for_s:g} s {choice} and its pods do not reach {', '.join(servers)}",
            switch="timer",
            lasts=True,
        )

    def inject(self, plan: Plan, record: Record) -> None:
        """Measure from a pod on the node, then start a carrier there.

        Raises:
            FaultError: the API server is not reached already, or the carrier did not start.

        """
        (aim,) = plan.undo["aims"]
        servers = [[one.rpartition(":")[0].strip("[]"), int(one.rpartition(":")[2])] for one in _from(aim)]
        options = {"servers": servers, "tries": 5, "request": ""}
        self._looks = Looks(self.tools, plan.fault_id, [Look(node=aim["node"], options=options)])
        before = self._looks.start(record)
        if not all(found["answered"] == found["tries"] for found in before.values()):
            raise FaultError(
                "the API server is not reached already, so nothing could be proven", found=str(before)
            )
        told = {"stop_port": STOP_PORT, "settle_s": SETTLE_S}
        start_carriers(self.tools, plan, record, act="api-unreachable", options=told)
        self._looks.begin()

    def landed(self, plan: Plan) -> Proof:
        """Look whether a pod on the node gets no answer, and the node's heartbeat stays away."""
        node = plan.targets[0].name
        beat, now = _heartbeat(self.tools.api, node), self.tools.clock.monotonic()
        if beat != self._heartbeat[0]:
            self._heartbeat = (beat, now)
        silent_s = now - self._heartbeat[1]
        found = list(self._looks.during()) if self._looks else []
        cut = bool(found) and all(since and since[-1]["lost"] == since[-1]["tries"] for _, _, since in found)
        facts = {key: dict(since[-1]) if since else "not measured yet" for key, _, since in found}
        return Proof(
            holds=cut and silent_s >= SILENT_S,
            source="measured by a pod on the node; Lease of the node",
            facts={**facts, "last heartbeat": beat, "silent_s": round(silent_s, 1)},
        )


class ApiUnreachableUndo(LookedUndo):
    """Asks the carrier to stop, and waits until the node is heard of again."""

    def undo(self, record: Record) -> None:
        """End it now where the carrier can be asked, else when its time is over; then as ever.

        Raises:
            FaultError: something could not be put back.
            DeadlineError: the node is not heard of again, or a pod does not end.

        """
        for name, aim in carriers_of(record.fault_id, record.undo):
            if self.tools.carriers.gone(name):
                continue
            before = _heartbeat(self.tools.api, aim["node"])
            if self.tools.carriers.outcome(name) is None and not self._stopped(name):
                self._sit_out(record)
            wait_until(
                lambda node=aim["node"], before=before: _heartbeat(self.tools.api, node) != before,  # type: ignore[misc]  # the loop's own
                within_s=BACK_WITHIN_S,
                every_s=1.0,
                what=f"a heartbeat of node {aim['node']}",
                clock=self.tools.clock,
            )
        super().undo(record)

    def _stopped(self, name: str) -> bool:
        """Ask a carrier to stop, by way of the API server's own connection to its pod."""
        for pod in self.tools.api.items(PODS, labelSelector=f"job-name={name}"):
            try:
                path = f"{PODS}/{pod['metadata']['name']}:{STOP_PORT}/proxy/stop/{name}"
                self.tools.api.text(path)
            except (ApiError, TransientError):  # it was killed, or we may not: its time ends it
                continue
            return True
        return False

    def _sit_out(self, record: Record) -> None:
        ends = record.expires_at + timedelta(seconds=TIMER_S)
        left = (ends - self.tools.clock.now()).total_seconds()
        wait_until(
            lambda: self.tools.clock.now() >= ends,
            within_s=max(left, 0.0) + 1.0,
            every_s=1.0,
            what=f"the end of {record.fault_id}",
            clock=self.tools.clock,
        )


def _from(aim: Mapping[str, Any]) -> list[str]:
    servers: list[str] = aim["options"]["servers"]
    return servers


def _servers(api: KubeApi) -> set[str]:
    """Return where the API server is, as the cluster itself has it: address:port."""
    found = set()
    for part in api.items(SLICES, labelSelector="kubernetes.io/service-name=kubernetes"):
        for endpoint in part.get("endpoints") or ():
            for address in endpoint["addresses"]:
                shown = f"[{address}]" if ":" in address else address
                found |= {f"{shown}:{port['port']}" for port in part["ports"]}
    return found


def _heartbeat(api: KubeApi, node: str) -> str:
    lease = api.find(f"/apis/coordination.k8s.io/v1/namespaces/kube-node-lease/leases/{node}")
    return str((lease or {}).get("spec", {}).get("renewTime", ""))
