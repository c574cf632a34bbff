"""What a run's figures are obtained on: versions and nodes, asked of the cluster before the first fault."""

from __future__ import annotations

import platform
from collections import Counter
from collections.abc import Callable, Sequence
from functools import partial
from importlib.metadata import version

from aftershock.cluster.api import Json, KubeApi
from aftershock.cluster.targets import is_control_plane
from aftershock.counting import counted

__all__ = ["facts_of"]

_OF_NODES = {
    "kubelet": "kubeletVersion",
    "runtime": "containerRuntimeVersion",
    "kernel": "kernelVersion",
    "system": "osImage",
}


def facts_of(api: KubeApi) -> dict[str, str]:
    """Return facts by their names, as a reader of a report wants them; what is not known is left out."""
    found = {"aftershock": version("aftershock"), "python": platform.python_version()}
    if about := api.find("/version"):
        found["kubernetes"] = str(about["gitVersion"])
    if nodes := api.items("/api/v1/nodes"):
        control = sum(map(is_control_plane, nodes))
        found["nodes"] = f"{len(nodes)}: {control} control plane, {counted(len(nodes) - control, 'worker')}"
        found["node sizes"] = _counted(nodes, _size)
        found |= {name: _counted(nodes, partial(_told, field)) for name, field in _OF_NODES.items()}
    return {name: value for name, value in found.items() if value}


def _counted(nodes: Sequence[Json], look: Callable[[Json], str]) -> str:
    counted = Counter(filter(None, map(look, nodes)))
    if len(counted) == 1:
        return next(iter(counted))
    return ", ".join(f"{count} x {value}" for value, count in sorted(counted.items()))


def _size(node: Json) -> str:
    room = node.get("status", {}).get("allocatable", {})
    return f"{room['cpu']} CPU, {room['memory']}" if {"cpu", "memory"} <= set(room) else ""


def _told(field: str, node: Json) -> str:
    return str(node.get("status", {}).get("nodeInfo", {}).get(field, ""))
