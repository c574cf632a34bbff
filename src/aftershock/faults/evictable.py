"""What a drain would evict from a node, and what it leaves there and why."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from aftershock.cluster.api import Json, KubeApi
from aftershock.cluster.controllers import owner_of
from aftershock.cluster.targets import Target

__all__ = ["Load", "load_of"]

STATIC = "kubernetes.io/config.mirror"


@dataclass(frozen=True, kw_only=True)
class Load:
    """What a node carries: pods to evict, pods that leave already, and those that stay, with the reason."""

    evictable: tuple[Json, ...]
    leaving: tuple[Json, ...]
    left: Mapping[str, str]

    def left_in_words(self) -> str:
        """Name the pods that stay, each with the reason."""
        return ", ".join(f"{pod} ({why})" for pod, why in self.left.items())


def load_of(api: KubeApi, node: str, may_evict: Callable[[str], bool]) -> Load:
    """Sort the pods of `node` by what a drain does with them."""
    evictable, leaving = [], []
    left: dict[str, str] = {}
    opened: dict[str, bool] = {}
    for pod in api.items("/api/v1/pods", fieldSelector=f"spec.nodeName={node}"):
        namespace = pod["metadata"]["namespace"]
        if namespace not in opened:
            opened[namespace] = may_evict(namespace)
        why = _why_left(pod) or ("" if opened[namespace] else f"namespace {namespace} is not open to faults")
        if why:
            left[str(Target.of("pod", pod))] = why
        elif "deletionTimestamp" in pod["metadata"]:
            leaving.append(pod)
        else:
            evictable.append(pod)
    return Load(evictable=tuple(evictable), leaving=tuple(leaving), left=left)


def _why_left(pod: Json) -> str:
    """Say why a drain leaves `pod` where it is, whatever its namespace; "" if it does not."""
    owner = owner_of(pod)
    if STATIC in (pod["metadata"].get("annotations") or {}):
        return "a static pod"
    if owner is not None and owner["kind"] == "DaemonSet":
        return "of a DaemonSet"
    if pod.get("status", {}).get("phase") in {"Succeeded", "Failed"}:
        return "finished"
    return "" if owner else "nothing would make it again"
