"""Pods to be drained, alone on their node beside what a drain leaves there, and brought back to it.

Chaos Toolkit's drain takes every pod of a node, and fails at one without volumes, a DaemonSet's
too; ours takes those of open namespaces. So that both have the same to do, everything else is
sent away from the node first and kept away by a taint, and spread again at the end.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from http import HTTPStatus
from pathlib import Path

from aftershock.clock import SystemClock, wait_until
from aftershock.cluster.api import Json, KubeApi
from aftershock.cluster.apply import Applier
from aftershock.cluster.targets import Target, is_control_plane
from aftershock.errors import ApiError
from aftershock.faults.carrier import Carriers
from aftershock.faults.evictable import load_of
from aftershock.faults.evictions import NodeEvictions
from benchmarks.pods import NAMESPACE, deployment, pods_of, ready_pods, remove, script_pod

__all__ = ["Leavers", "choose", "clear", "leavers", "objects", "set_open", "taint"]

NAME = "leavers"

_LABELS = {"app": NAME, "app.kubernetes.io/part-of": f"aftershock-{NAME}"}
_FOLDERS = (
    f"/apis/apps/v1/namespaces/{NAMESPACE}/deployments",
    f"/apis/policy/v1/namespaces/{NAMESPACE}/poddisruptionbudgets",
    f"/api/v1/namespaces/{NAMESPACE}/configmaps",
)
_BUDGET = f"{_FOLDERS[1]}/{NAME}"
_TAINT = {"key": "aftershock.dev/bench", "value": NAME, "effect": "NoExecute"}
_WITHIN_S = 120.0


@dataclass(frozen=True, kw_only=True)
class Leavers:
    """The pods, by their API, and the node that is drained of them."""

    api: KubeApi
    node: str
    count: int

    def gather(self, *, may_leave: int | str) -> None:
        """Bring all of them to the node, Ready; their budget allows `may_leave` to be away at once."""
        set_open(self.api, self.node, is_open=True)
        self.api.patch(_BUDGET, {"spec": {"maxUnavailable": may_leave}})
        wait_until(self._gathered, within_s=_WITHIN_S, every_s=1.0, what=f"{NAME} on {self.node}")
        allowed = self.count if isinstance(may_leave, str) else may_leave

        def counted() -> bool:
            status = self.api.get(_BUDGET).get("status", {})
            return bool(status.get("disruptionsAllowed") == allowed)

        wait_until(counted, within_s=_WITHIN_S, what=f"the budget to allow {allowed} disruptions")

    def are_gone(self) -> bool:
        """Whether none of them is on the node any more."""
        return not [pod for pod in pods_of(self.api, _LABELS) if pod["spec"].get("nodeName") == self.node]

    def _gathered(self) -> bool:
        """Whether all are there; those that are elsewhere are deleted, to be made again here."""
        for pod in pods_of(self.api, _LABELS):
            if (
                pod["spec"].get("nodeName") not in {None, self.node}
                and "deletionTimestamp" not in pod["metadata"]
            ):
                self.api.delete(Target.of("pod", pod).path, {"gracePeriodSeconds": 0})
        here = [pod for pod in ready_pods(self.api, _LABELS) if pod["spec"]["nodeName"] == self.node]
        return len(here) == len(pods_of(self.api, _LABELS)) == self.count


@contextmanager
def leavers(api: KubeApi, *, count: int) -> Iterator[Leavers]:
    """Have `count` of them on a node of their own for the length of the block."""
    remove(api, _LABELS, folders=_FOLDERS)  # of a run that was killed
    for found in api.items("/api/v1/nodes"):
        taint(api, found["metadata"]["name"], on=False)
    node, moved = choose(api)
    try:
        clear(api, node, moved)
        Applier(api).apply(objects(count, node=node.name, image=Carriers(api).image()))
        yield Leavers(api=api, node=node.name, count=count)
    finally:
        remove(api, _LABELS, folders=_FOLDERS)
        taint(api, node.name, on=False)
        set_open(api, node.name, is_open=True)
        _spread(api, node.name, moved)


def objects(count: int, *, node: str, image: str) -> list[Json]:
    """Return the manifests: the script, its pods, that rather run on `node`, and their budget."""
    script = Path(__file__).with_name("leaver.py")
    meta = {"name": NAME, "namespace": NAMESPACE, "labels": _LABELS}
    pod = script_pod(script, name="leaver", config=NAME, image=image)
    there = {"key": "kubernetes.io/hostname", "operator": "In", "values": [node]}
    rather = {"weight": 100, "preference": {"matchExpressions": [there]}}
    pod["affinity"] = {"nodeAffinity": {"preferredDuringSchedulingIgnoredDuringExecution": [rather]}}
    pod["tolerations"] = [{"key": _TAINT["key"], "operator": "Exists"}]
    # In place of the scheduler's own constraints, which would spread them over the nodes.
    pod["topologySpreadConstraints"] = [
        {
            "maxSkew": count,
            "topologyKey": "kubernetes.io/os",
            "whenUnsatisfiable": "ScheduleAnyway",
            "labelSelector": {"matchLabels": _LABELS},
        }
    ]
    return [
        {
            "apiVersion": "v1",
            "kind": "ConfigMap",
            "metadata": meta,
            "data": {script.name: script.read_text("utf-8")},
        },
        deployment(NAME, _LABELS, pod, replicas=count),
        {
            "apiVersion": "policy/v1",
            "kind": "PodDisruptionBudget",
            "metadata": meta,
            "spec": {"maxUnavailable": "100%", "selector": {"matchLabels": _LABELS}},
        },
    ]


def set_open(api: KubeApi, node: str, *, is_open: bool) -> None:
    """Cordon a node or open it."""
    api.patch(f"/api/v1/nodes/{node}", {"spec": {"unschedulable": None if is_open else True}})


def choose(api: KubeApi) -> tuple[Target, list[Json]]:
    """Choose the worker that holds the least of what a drain may take; return that as well."""
    workers = [Target.of("node", node) for node in api.items("/api/v1/nodes") if not is_control_plane(node)]
    loads = {node: list(load_of(api, node.name, lambda _: True).evictable) for node in workers}
    node = min(loads, key=lambda worker: len(loads[worker]))
    return node, loads[node]


def clear(api: KubeApi, node: Target, moved: Sequence[Json]) -> None:
    """Evict `moved` from the node, and let a taint take what else does not tolerate it."""
    left = dict.fromkeys((Target.of("pod", pod) for pod in moved), "")
    evictions = NodeEvictions(api, node, clock=SystemClock(), grace_s=None)

    def cleared() -> bool:
        left.update(evictions.states(left))
        return all(state == "gone" for state in left.values())

    def alone() -> bool:
        pods = api.items("/api/v1/pods", fieldSelector=f"spec.nodeName={node.name}")
        return all(map(_tolerates, pods))

    set_open(api, node.name, is_open=False)
    wait_until(cleared, within_s=_WITHIN_S, what=f"{node} to be cleared")
    taint(api, node.name, on=True)
    wait_until(alone, within_s=_WITHIN_S, what=f"{node} to hold nothing but what stays")
    set_open(api, node.name, is_open=True)


def taint(api: KubeApi, name: str, *, on: bool) -> None:
    """Put our taint on a node, or take it off; does nothing where that is so already."""
    path = f"/api/v1/nodes/{name}"

    def done() -> bool:
        node = api.get(path)
        taints = node["spec"].get("taints") or []
        others = [one for one in taints if one["key"] != _TAINT["key"]]
        if on != (taints == others):
            return True
        wanted = [*others, _TAINT] if on else others
        meta = {"resourceVersion": node["metadata"]["resourceVersion"]}
        try:
            api.patch(path, {"metadata": meta, "spec": {"taints": wanted or None}})
        except ApiError as error:
            if error.status != HTTPStatus.CONFLICT:
                raise
        return False

    wait_until(done, within_s=_WITHIN_S, what=f"{name} {'with' if on else 'without'} our taint")


def _tolerates(pod: Json) -> bool:
    """Whether a pod stays on a node with our taint."""
    return any(
        entry.get("operator") == "Exists" and entry.get("key", _TAINT["key"]) == _TAINT["key"]
        for entry in pod["spec"].get("tolerations") or ()
    )


def _spread(api: KubeApi, node: str, moved: Sequence[Json]) -> None:
    """Have one pod of each controller that lost one on `node` made again, which is where there is room."""
    for pod in moved:
        (owner,) = [ref["uid"] for ref in pod["metadata"]["ownerReferences"] if ref.get("controller")]
        namespace = pod["metadata"]["namespace"]
        others = [
            other
            for other in api.items(f"/api/v1/namespaces/{namespace}/pods")
            if other["spec"].get("nodeName") != node
            and "deletionTimestamp" not in other["metadata"]
            and owner in {ref["uid"] for ref in other["metadata"].get("ownerReferences") or ()}
        ]
        for other in others[:1]:
            api.delete(Target.of("pod", other).path)
