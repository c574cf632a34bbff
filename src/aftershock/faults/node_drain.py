"""Node drain: cordon a node and evict its pods through the eviction API.

A refusal by a PodDisruptionBudget (429) is asked again until the time is over. The pods' own
ends are looked for more often: one list of the node's pods costs less than a refusal. Left where
they are, and named: pods of a DaemonSet, static pods, finished ones, those of namespaces
that did not opt in, and pods that nothing would make again. emptyDir data is lost, as in
every eviction.

The cordon and its mark are one patch. The undo uncordons only what bears our mark.
"""

from __future__ import annotations

from collections.abc import Iterable
from http import HTTPStatus
from typing import Unpack

from aftershock.clock import format_duration, wait_until
from aftershock.cluster.api import Json, KubeApi
from aftershock.cluster.targets import Target, choose_node
from aftershock.counting import counted
from aftershock.errors import ApiError, DeadlineError, FaultError, RefusedError, TransientError
from aftershock.faults import marks
from aftershock.faults.chosen import WhichNode
from aftershock.faults.evictable import load_of
from aftershock.faults.evictions import LOOK_S, REFUSED, NodeEvictions
from aftershock.faults.journal import Record
from aftershock.faults.protocol import Plan, Proof
from aftershock.faults.tools import Tools
from aftershock.timeline import Event

__all__ = ["NAME", "NodeDrain", "NodeDrainUndo"]

NAME = "node-drain"
EXPIRES_AFTER_S = 900.0
CORDON_TAINT = "node.kubernetes.io/unschedulable"


class NodeDrain:
    """Drains a node, chosen as choose_node has it, by `which`: node, role, workload, namespace, seed.

    `within_s` bounds the evictions and the pods' own ends; `grace_s` overrides the pods'
    grace periods.
    """

    name = NAME

    def __init__(
        self,
        tools: Tools,
        *,
        within_s: float = 120.0,
        grace_s: int | None = None,
        **which: Unpack[WhichNode],
    ) -> None:
        self.api = tools.api
        self.may_evict = tools.may_touch
        self.clock = tools.clock
        self.within_s = within_s
        self.grace_s = grace_s
        self.which = which
        self._heard: list[Event] = []

    def plan(self) -> Plan:
        """Choose the node and list what would be evicted.

        Raises:
            RefusedError: there is no such node or workload, or nothing to evict.

        """
        choice = choose_node(self.api, **self.which)
        (node,) = choice.targets
        load = load_of(self.api, node.name, self.may_evict)
        if not load.evictable:
            raise RefusedError(
                f"there is nothing to evict on {node}",
                expected="at least one pod of a namespace that opted in",
                found=load.left_in_words() or "no pods",
            )
        pods = tuple(Target.of("pod", pod) for pod in load.evictable)
        return Plan(
            fault=NAME,
            targets=(node, *pods),
            undo={"node": node.name, "uid": node.uid},
            expires_after_s=EXPIRES_AFTER_S,
            switch="reaper",
            marked=(),  # the node's mark is one patch with its cordon; the pods' own would go with them
            blast_radius=(
                f"{choice}: cordoned; evicted: {', '.join(map(str, pods))}; "
                f"left: {load.left_in_words() or 'nothing'}"
            ),
        )

    def inject(self, plan: Plan, record: Record) -> None:
        """Cordon, then evict until every pod is gone.

        Raises:
            FaultError: some were not evicted in time; it says which and why.

        """
        node = plan.targets[0]
        wait_until(
            lambda: _cordon(self.api, node, record),
            within_s=10.0,
            what=f"{node} to be cordoned",
            clock=self.clock,
        )
        load = load_of(self.api, node.name, self.may_evict)
        # A pod may have come to the node after the plan was made.
        pods = dict.fromkeys((*plan.targets[1:], *(Target.of("pod", pod) for pod in load.evictable)), "")
        evictions = NodeEvictions(self.api, node, clock=self.clock, grace_s=self.grace_s)
        try:
            wait_until(
                lambda: self._evict(pods, evictions, plan.fault_id),
                within_s=self.within_s,
                every_s=LOOK_S,
                what=f"{node} to be drained",
                clock=self.clock,
            )
        except DeadlineError as error:
            left = counted(len(pods), "pod")
            raise FaultError(
                f"{left} of {node} could not be evicted within {format_duration(self.within_s)}",
                expected="every pod gone, as far as the PodDisruptionBudgets allow",
                found="; ".join(f"{pod}: {why}" for pod, why in pods.items()),
            ) from error

    def landed(self, plan: Plan) -> Proof:
        """Ask the API whether the node is closed, and empty of what can be evicted."""
        node = self.api.get(plan.targets[0].path)
        load = load_of(self.api, node["metadata"]["name"], self.may_evict)
        there = [str(Target.of("pod", pod)) for pod in (*load.evictable, *load.leaving)]
        closed = bool(node["spec"].get("unschedulable"))
        return Proof(
            holds=closed and not there,
            source="Kubernetes API, pods of the node",
            facts={
                "node": node["metadata"]["name"],
                "unschedulable": closed,
                "evicted": len(plan.targets) - 1,
                "still_there": ", ".join(there) or "none",
                "left": load.left_in_words() or "none",
            },
        )

    def testimony(self, plan: Plan) -> Iterable[Event]:
        """Return when each eviction was refused for the first time, accepted, and complete."""
        return [event for event in self._heard if event.data["fault_id"] == plan.fault_id]

    def _evict(self, pods: dict[Target, str], evictions: NodeEvictions, fault_id: str) -> bool:
        """Look once more at every pod, ask for those that are still there; forget those that are gone."""
        for pod, state in evictions.states(dict(pods)):
            if state != pods[pod] and not (state.startswith(REFUSED) and pods[pod]):
                self._hear(state, pod, fault_id)
            pods[pod] = state
            if state == "gone":
                del pods[pod]
        return not pods

    def _hear(self, state: str, pod: Target, fault_id: str) -> None:
        word, _, reason = state.partition(": ")
        event = Event(
            at=self.clock.now(),
            mono=self.clock.monotonic(),
            source="harness",
            kind=f"eviction-{word}",
            subject=str(pod),
            data={"fault_id": fault_id, "reason": reason},
            resolution_s=LOOK_S,
        )
        self._heard.append(event)


class NodeDrainUndo:
    """Uncordons the node if it is our fault's mark that it bears."""

    def __init__(self, tools: Tools) -> None:
        self.api = tools.api

    def undo(self, record: Record) -> None:
        """Take mark and cordon off in one patch.

        Raises:
            TransientError: the node changed meanwhile; ask again.

        """
        node = self._node(record)
        if node is not None and _is_marked(node, record):
            _patch(self.api, node, mark=None, unschedulable=None)

    def undone(self, record: Record) -> Proof:
        """Look whether the mark is gone and pods can be scheduled there."""
        node = self._node(record)
        if node is None:
            return Proof(holds=True, source="Kubernetes API", facts={"node": "gone"})
        marked = _is_marked(node, record)
        closed = bool(node["spec"].get("unschedulable"))
        tainted = any(taint["key"] == CORDON_TAINT for taint in node["spec"].get("taints") or ())
        facts = {"node": record.undo["node"], "unschedulable": closed, "our_mark": marked}
        if closed and not marked:
            facts["cordoned_by"] = "someone else"
        return Proof(holds=not marked and (closed or not tainted), source="Kubernetes API", facts=facts)

    def _node(self, record: Record) -> Json | None:
        return self.api.find(f"/api/v1/nodes/{record.undo['node']}")


def _cordon(api: KubeApi, target: Target, record: Record) -> bool:
    """Cordon and mark in one patch. One that is cordoned already stays as it is: it is not ours to open."""
    node = api.get(target.path)
    if not node["spec"].get("unschedulable"):
        _patch(api, node, mark=marks.encode(record), unschedulable=True)
    return True


def _patch(api: KubeApi, node: Json, *, mark: str | None, unschedulable: bool | None) -> None:
    """Change a node as it was read; one that changed meanwhile is read again by the caller's next try."""
    meta = {
        "resourceVersion": node["metadata"]["resourceVersion"],
        "annotations": {marks.CORDON_MARK: mark},
    }
    body = {"metadata": meta, "spec": {"unschedulable": unschedulable}}
    try:
        api.patch(f"/api/v1/nodes/{node['metadata']['name']}", body)
    except ApiError as error:
        if error.status != HTTPStatus.CONFLICT:
            raise
        raise TransientError("the node changed meanwhile", found=error.found) from error


def _is_marked(node: Json, record: Record) -> bool:
    mark = marks.read(node, marks.CORDON_MARK)
    return mark is not None and mark.fault_id == record.fault_id
