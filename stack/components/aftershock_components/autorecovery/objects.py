"""What is read off pods, deployments and nodes. No calls here."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime

from aftershock_components.autorecovery.kube import Json

__all__ = [
    "controller_of",
    "deployment_of",
    "instant",
    "is_control_plane",
    "is_ready",
    "rolling",
    "statuses",
    "terminations",
    "text_of",
    "workload_of",
]

CONTROL_PLANE = ("node-role.kubernetes.io/control-plane", "node-role.kubernetes.io/master")
SETTLED = ("NewReplicaSetAvailable", "MinimumReplicasAvailable")


def instant(text: str) -> datetime:
    """Return an API timestamp, which has whole seconds."""
    return datetime.fromisoformat(text)


def text_of(at: datetime) -> str:
    """Return an instant as the API writes it."""
    return at.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def controller_of(found: Json) -> tuple[str, str]:
    """Return kind and name of what made an object and would make it again; ("", "") for none."""
    for owner in found["metadata"].get("ownerReferences") or ():
        if owner.get("controller"):
            return str(owner["kind"]), str(owner["name"])
    return "", ""


def deployment_of(pod: Json) -> str:
    """Return the name of the pod's deployment, "" where it is of none.

    A ReplicaSet of a deployment is called after it, with the pods' template hash behind.
    """
    kind, name = controller_of(pod)
    template = (pod["metadata"].get("labels") or {}).get("pod-template-hash", "")
    if kind != "ReplicaSet" or not template or not name.endswith(f"-{template}"):
        return ""
    return name.removesuffix(f"-{template}")


def workload_of(pod: Json) -> str:
    """Return kind/namespace/name of what the pod is part of; of the pod itself where that is nothing."""
    namespace = pod["metadata"]["namespace"]
    deployment = deployment_of(pod)
    if deployment:
        return f"deployment/{namespace}/{deployment}"
    kind, name = controller_of(pod)
    return f"{kind.lower()}/{namespace}/{name}" if kind else f"pod/{namespace}/{pod['metadata']['name']}"


def statuses(pod: Json) -> list[Json]:
    """Return the status of each of the pod's containers."""
    return (pod.get("status") or {}).get("containerStatuses") or []


def terminations(status: Json) -> Iterator[Json]:
    """Yield how a container ended last: the run before this one, and this one if it is over."""
    for state in (status.get("state"), status.get("lastState")):
        ended = (state or {}).get("terminated")
        if ended and ended.get("finishedAt"):
            yield ended


def is_ready(found: Json) -> bool:
    """Whether a pod's, or a node's, condition Ready is true."""
    conditions = (found.get("status") or {}).get("conditions") or ()
    return any(entry["type"] == "Ready" and entry["status"] == "True" for entry in conditions)


def is_control_plane(node: Json) -> bool:
    """Whether the node bears the role, by its new or its old label."""
    labels = node["metadata"].get("labels") or {}
    return any(label in labels for label in CONTROL_PLANE)


def rolling(deployment: Json) -> str:
    """Return why a deployment is in the middle of a rollout or of a change of its size, "" if it is not."""
    spec, status = deployment["spec"], deployment.get("status") or {}
    wanted, updated = spec.get("replicas", 1), status.get("updatedReplicas", 0)
    if spec.get("paused"):
        return "its rollout is paused"
    if status.get("observedGeneration", 0) < deployment["metadata"].get("generation", 0):
        return "its latest specification is not taken up yet"
    if updated < wanted or status.get("replicas", 0) != updated:
        return (
            f"{updated} of {wanted} replicas are of its latest specification, of {status.get('replicas', 0)}"
        )
    for condition in status.get("conditions") or ():
        if condition["type"] == "Progressing" and condition.get("reason") not in SETTLED:
            return f"its rollout is not over: {condition.get('reason')}"
    return ""
