"""Whether a workload is whole at this moment, counted from its pods and not from a status.

A Deployment's status may be older than the last deletion, and then says that all is well.
"""

from __future__ import annotations

from collections.abc import Callable

from aftershock.cluster.api import Json, KubeApi
from aftershock.cluster.stack import is_ready
from aftershock.cluster.targets import Workload, collection, find_workload, label_selector
from aftershock.cluster.targets import is_ready as pod_is_ready
from aftershock.errors import RefusedError

__all__ = ["not_whole", "too_few"]


def not_whole(api: KubeApi, workload: str, *, namespace: str = "") -> str:
    """Say why the workload is not as its newest specification says; "" if it is.

    `workload` and `namespace` are as `find_workload` takes them.
    """
    try:
        found = find_workload(api, workload, namespace=namespace)
    except RefusedError as error:
        return error.message
    late = [item["metadata"]["name"] for item in _deployments(api, found) if not is_ready(item)]
    if late:
        return f"not as specified: {', '.join(late)}"
    return too_few(api, workload, namespace=namespace)


def too_few(
    api: KubeApi, workload: str, *, namespace: str = "", counts: Callable[[Json], bool] = lambda _: True
) -> str:
    """Say how many pods are missing, of those that are Ready and that `counts` lets count; "" if none.

    Wanted is what the Deployments with these pods want together; one pod where none has them.
    """
    try:
        found = find_workload(api, workload, namespace=namespace)
    except RefusedError as error:
        return error.message  # none of its pods is alive: a state like others
    wanted = sum(item["spec"].get("replicas", 1) for item in _deployments(api, found)) or 1
    ready = sum(pod_is_ready(pod) and counts(pod) for pod in found.pods)
    return "" if ready >= wanted else f"{ready} of {wanted} pods of {found} are Ready"


def _deployments(api: KubeApi, found: Workload) -> list[Json]:
    """Return the Deployments whose pods are the workload's."""
    own = set(found.selector.split(","))
    items = api.items(collection("deployment", found.namespace))
    return [{**item, "kind": "Deployment"} for item in items if own <= _terms(item)]


def _terms(deployment: Json) -> set[str]:
    """Return what the Deployment's pods bear, as a selector has it."""
    labels = deployment["spec"].get("template", {}).get("metadata", {}).get("labels") or {}
    written = {f"{key}={value}" for key, value in labels.items()}
    return written | set(label_selector(deployment["spec"]["selector"]).split(","))
