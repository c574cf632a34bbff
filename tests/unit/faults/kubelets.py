"""What a kubelet would measure and be configured with, for the tests of faults that ask it."""

from __future__ import annotations

import json
from typing import Any

from tests.unit.faults.carriers import Node

MIB = 1 << 20
PROXY = "/api/v1/nodes/worker/proxy"


def measure(
    api: Node, *, at: str, cores: float = 0.01, mib: int = 10, node_cores: float = 0.2, uid: str = "uid-web-0"
) -> None:
    """Let the kubelet of `worker` have measured this at that time."""

    def figures(cpu: float, memory: int) -> dict[str, Any]:
        return {
            "cpu": {"time": at, "usageNanoCores": int(cpu * 1e9)},
            "memory": {"time": at, "workingSetBytes": memory * MIB},
        }

    api.objects[f"{PROXY}/stats/summary"] = {
        "node": {"nodeName": "worker", **figures(node_cores, 500)},
        "pods": [
            {"podRef": {"uid": "another"}, "containers": [{"name": "main", **figures(9, 9000)}]},
            {"podRef": {"uid": uid}, "containers": [{"name": "main", **figures(cores, mib)}]},
        ],
    }


def configure(api: Node, **eviction: str) -> None:
    """Let the kubelet of `worker` evict so."""
    hard = {name.replace("_", "."): value for name, value in eviction.items()}
    api.objects[f"{PROXY}/configz"] = {"kubeletconfig": {"evictionHard": hard}}


def options_of(command: list[str]) -> dict[str, Any]:
    """Return a carrier's options."""
    found: dict[str, Any] = json.loads(command[command.index("--options") + 1])
    return found
