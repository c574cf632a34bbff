"""Steps on a node: cordoned and drained through the eviction API, and uncordoned when it is well again."""

from __future__ import annotations

from aftershock_components.autorecovery.exclusions import why_excluded
from aftershock_components.autorecovery.findings import Finding
from aftershock_components.autorecovery.incidents import Plan
from aftershock_components.autorecovery.kube import ConflictError, GoneError, Json, NotNowError
from aftershock_components.autorecovery.objects import controller_of, is_control_plane, is_ready
from aftershock_components.autorecovery.playbooks import Drain
from aftershock_components.autorecovery.steps.protocol import (
    BY,
    Changed,
    Done,
    Later,
    Nothing,
    Setting,
    annotations_of,
)

__all__ = ["drain", "plan_drain", "uncordon"]

MIRROR = "kubernetes.io/config.mirror"
OVER = ("Succeeded", "Failed")


async def plan_drain(step: Drain, finding: Finding, setting: Setting) -> Plan | Later | Nothing:  # noqa: ARG001 - one signature for all
    """Plan to drain a worker, if there is another one for its pods."""
    name = finding.data.get("node", "")
    node = await setting.kube.find(_path(name))
    if node is None:
        return Nothing(f"node {name} is gone")
    why = why_excluded(node, setting.rules)
    if why:
        return Nothing(why, excluded=True)
    if is_control_plane(node):
        return Nothing(f"node {name} is of the control plane")
    if node["spec"].get("unschedulable"):
        return Nothing(f"node {name} is cordoned already: somebody else is at it")
    others = [other for other in setting.nodes() if other["metadata"]["name"] != name and _takes_pods(other)]
    if not others:
        return Nothing(f"node {name} is the last one that takes pods")
    return Plan(
        do="drain",
        what=f"cordon and drain node {name}: {finding.says}",
        about=f"node/{name}",
        data={"node": name, "uid": node["metadata"]["uid"]},
    )


async def drain(plan: Plan, mark: str, setting: Setting) -> Done | Later | Changed | Nothing:
    """Cordon the node, and ask for the eviction of every pod that can go; done when none is left."""
    name = plan.data["node"]
    node = await setting.kube.find(_path(name))
    if node is None or node["metadata"]["uid"] != plan.data["uid"]:
        return Nothing(f"node {name} is gone")
    if not node["spec"].get("unschedulable"):
        if annotations_of(node).get(BY) == mark:
            return Nothing(f"somebody has uncordoned node {name}")
        try:
            await _cordon(node, on=True, mark=mark, setting=setting)
        except ConflictError as error:
            return Later(str(error))
    there = await setting.kube.items("/api/v1/pods", fieldSelector=f"spec.nodeName={name}")
    left = [await _evict(pod, setting) for pod in there if _goes(pod, setting)]
    return Later(f"{len(left)} pods are still on node {name}: {', '.join(left)}") if left else Done(plan.what)


async def uncordon(plan: Plan, setting: Setting) -> Done | Later:
    """Uncordon the node, if it is our cordon."""
    name = plan.data["node"]
    node = await setting.kube.find(_path(name))
    if node is None or node["metadata"]["uid"] != plan.data["uid"]:
        return Done(f"node {name} is gone")
    if BY not in annotations_of(node):
        return Done(f"node {name} is left as it is: the cordon is not ours")
    try:
        await _cordon(node, on=False, mark=None, setting=setting)
    except ConflictError as error:
        return Later(str(error))
    return Done(f"node {name} is uncordoned")


async def _evict(pod: Json, setting: Setting) -> str:
    """Ask for the eviction of a pod; return what is to be said of it, since it is still there now."""
    meta = pod["metadata"]
    if meta.get("deletionTimestamp"):
        return f"{meta['name']} (leaving)"
    try:
        await setting.kube.evict(namespace=meta["namespace"], name=meta["name"], uid=meta["uid"])
    except NotNowError:
        return f"{meta['name']} (its budget does not allow it now)"
    except (GoneError, ConflictError):
        return f"{meta['name']} (gone)"
    return f"{meta['name']} (asked to leave)"


def _goes(pod: Json, setting: Setting) -> bool:
    """Whether a drain moves the pod: not what is the node's own, over, excluded, or made by nobody."""
    kind, _ = controller_of(pod)
    mirror = MIRROR in annotations_of(pod)
    over = (pod.get("status") or {}).get("phase") in OVER
    return not (mirror or over or kind in {"", "DaemonSet", "Node"} or why_excluded(pod, setting.rules))


async def _cordon(node: Json, *, on: bool, mark: str | None, setting: Setting) -> None:
    meta = {"resourceVersion": node["metadata"]["resourceVersion"], "annotations": {BY: mark}}
    body: Json = {"metadata": meta, "spec": {"unschedulable": True if on else None}}
    await setting.kube.patch(_path(node["metadata"]["name"]), body)


def _takes_pods(node: Json) -> bool:
    return is_ready(node) and not node["spec"].get("unschedulable") and not is_control_plane(node)


def _path(name: str) -> str:
    return f"/api/v1/nodes/{name}"
