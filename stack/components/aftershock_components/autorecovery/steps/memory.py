"""More memory for the deployment that is nearest to its own limit on a node that runs out of it."""

from __future__ import annotations

import copy
from collections.abc import Iterator
from dataclasses import dataclass

from aftershock_components.autorecovery.exclusions import why_excluded
from aftershock_components.autorecovery.findings import Finding
from aftershock_components.autorecovery.incidents import Plan
from aftershock_components.autorecovery.kube import ConflictError, Json
from aftershock_components.autorecovery.objects import deployment_of, rolling
from aftershock_components.autorecovery.playbooks import AddMemory
from aftershock_components.autorecovery.quantities import mebibytes, quantity
from aftershock_components.autorecovery.steps.pods import deployment_path
from aftershock_components.autorecovery.steps.protocol import (
    BY,
    Changed,
    Done,
    Later,
    Nothing,
    Setting,
    annotations_of,
)

__all__ = ["plan_add_memory", "set_memory"]


@dataclass(frozen=True, kw_only=True)
class Use:
    """What a container uses of its limit."""

    namespace: str
    deployment: str
    container: str
    ratio: float


async def plan_add_memory(step: AddMemory, finding: Finding, setting: Setting) -> Plan | Later | Nothing:
    """Plan a higher limit, where a container on the node is near its own."""
    node = finding.data.get("node", "")
    used = {
        (item["metadata"]["namespace"], item["metadata"]["name"]): item.get("containers") or []
        for item in await setting.kube.items("/apis/metrics.k8s.io/v1beta1/pods")
    }
    uses = [use for pod in _pods_on(node, setting) for use in _uses(pod, used)]
    nearest = max(uses, key=lambda use: use.ratio, default=None)
    if nearest is None or nearest.ratio < step.from_ratio:
        seen = f"{nearest.deployment} uses {nearest.ratio:.0%}" if nearest else "none has a limit"
        return Nothing(f"no deployment on {node} is at {step.from_ratio:.0%} of its own limit: {seen}")
    deployment = await setting.kube.find(deployment_path(nearest.namespace, nearest.deployment))
    if deployment is None:
        return Nothing(f"deployment {nearest.deployment} is gone")
    why = why_excluded(deployment, setting.rules)
    if why:
        return Nothing(why, excluded=True)
    busy = rolling(deployment)
    if busy:
        return Later(f"deployment {nearest.deployment}: {busy}")
    if await _is_vertical(deployment, setting):
        return Nothing(f"a vertical autoscaler owns what {nearest.deployment} asks for")
    return _more(step, nearest, deployment)


def _more(step: AddMemory, use: Use, deployment: Json) -> Plan | Nothing:
    limit = _limit(deployment, use.container)
    before = quantity(limit) if limit else 0.0
    to = min(before + quantity(step.add), quantity(step.most))
    if to <= before:
        return Nothing(f"the limit of {use.deployment} is {limit} already, and {step.most} is the most")
    return Plan(
        do="set-memory",
        what=f"raise the memory limit of {use.deployment}/{use.container} from {limit} to {mebibytes(to)}: "
        f"it uses {use.ratio:.0%} of it",
        about=f"deployment/{use.namespace}/{use.deployment}",
        data={
            "path": deployment_path(use.namespace, use.deployment),
            "container": use.container,
            "before": limit,
            "to": mebibytes(to),
        },
    )


async def set_memory(plan: Plan, mark: str, setting: Setting) -> Done | Later | Changed | Nothing:
    """Set the limit, and the request where it was the same; the deployment rolls out by itself."""
    data = plan.data
    found = await setting.kube.find(data["path"])
    if found is None:
        return Nothing(f"{plan.about} is gone")
    if annotations_of(found).get(BY) == mark:
        return Done(f"{plan.what} (done before)")
    if _limit(found, data["container"]) != data["before"]:
        return Changed(f"the limit is {_limit(found, data['container'])} by now")
    containers = copy.deepcopy(found["spec"]["template"]["spec"]["containers"])
    for container in containers:
        if container["name"] == data["container"]:
            resources = container["resources"]
            resources["limits"]["memory"] = data["to"]
            if resources.get("requests", {}).get("memory") == data["before"]:
                resources["requests"]["memory"] = data["to"]
    body = {
        "metadata": {"resourceVersion": found["metadata"]["resourceVersion"], "annotations": {BY: mark}},
        "spec": {"template": {"spec": {"containers": containers}}},
    }
    try:
        await setting.kube.patch(data["path"], body)
    except ConflictError as error:
        return Changed(str(error))
    return Done(plan.what)


def _pods_on(node: str, setting: Setting) -> Iterator[Json]:
    for pod in setting.pods():
        if pod["spec"].get("nodeName") == node and not why_excluded(pod, setting.rules):
            yield pod


def _uses(pod: Json, used: dict[tuple[str, str], list[Json]]) -> Iterator[Use]:
    meta, deployment = pod["metadata"], deployment_of(pod)
    limits = {
        container["name"]: (container.get("resources") or {}).get("limits", {}).get("memory")
        for container in pod["spec"]["containers"]
    }
    for container in used.get((meta["namespace"], meta["name"]), ()) if deployment else ():
        limit = limits.get(container["name"])
        if limit:
            yield Use(
                namespace=meta["namespace"],
                deployment=deployment,
                container=container["name"],
                ratio=quantity(container["usage"]["memory"]) / quantity(limit),
            )


def _limit(deployment: Json, name: str) -> str:
    for container in deployment["spec"]["template"]["spec"]["containers"]:
        if container["name"] == name:
            return str(((container.get("resources") or {}).get("limits") or {}).get("memory") or "")
    return ""


async def _is_vertical(deployment: Json, setting: Setting) -> bool:
    """Whether a vertical autoscaler that acts is on the deployment; a cluster may not know the kind."""
    meta = deployment["metadata"]
    path = f"/apis/autoscaling.k8s.io/v1/namespaces/{meta['namespace']}/verticalpodautoscalers"
    found = await setting.kube.find(path)
    return any(
        vpa["spec"]["targetRef"].get("name") == meta["name"]
        and (vpa["spec"].get("updatePolicy") or {}).get("updateMode", "Auto") != "Off"
        for vpa in (found or {}).get("items") or ()
    )
