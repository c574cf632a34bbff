"""A cluster whose looks measure what a test says, for the tests of faults on the network."""

from __future__ import annotations

import json
from typing import Any

from aftershock.faults.networked import NetworkFault
from aftershock.faults.protocol import Plan, Proof
from aftershock.faults.tools import Tools, tools
from aftershock.testing import FakeClock
from aftershock.testing.kube import node, pod
from tests.unit.faults.carriers import JOBS, PODS, Node

SERVER = "10.0.1.5:8080"


def figures(**found: Any) -> dict[str, Any]:
    """Return what a look measures: ten answers in a millisecond each, unless said otherwise."""
    base = {"tries": 10, "answered": 10, "lost": 0, "reset": 0, "refused": 0, "unreachable": 0}
    times = {"least": 1.0, "median": 1.0, "most": 1.0}
    return {**base, "connect_ms": times, "answer_ms": times, **found}


def took(median: float) -> dict[str, float]:
    return {"least": median, "median": median, "most": median}


class Field(Node):
    """Two workers; `before` is what the looks measure before the fault, by server or name."""

    def __init__(self) -> None:
        super().__init__()
        self.state = {"running": {}}
        self.before: dict[str, Any] = {SERVER: figures()}
        self.add(
            "/api/v1/namespaces", {"metadata": {"name": "demo", "labels": {"aftershock.dev/allow": "true"}}}
        )
        self.add("/api/v1/nodes", node("worker"), node("worker2"))
        self.add_pods(serving("web-0"))

    def react(self, method: str, path: str) -> None:
        super().react(method, path)
        if method == "POST" and path.startswith(JOBS) and "-look-" in path:
            self.logs[self._log(path.removeprefix(JOBS))] = ""
            self.measure(self.before)

    def measure(self, found: dict[str, Any], times: int = 1) -> None:
        """Let every look print rounds."""
        line = json.dumps({"event": "measured", "round": 1, "figures": found})
        for path in [path for path in self.logs if "-look-" in path]:
            self.logs[path] += f"2026-01-01T00:00:01Z {line}\n" * times

    def say(self, line: str) -> None:
        """Let every look print a line of its own."""
        for path in [path for path in self.logs if "-look-" in path]:
            self.logs[path] += f"2026-01-01T00:00:01Z {line}\n"

    def told(self, word: str) -> list[dict[str, Any]]:
        """Return the options of the carriers that were started to do `word`."""
        return [
            json.loads(command[command.index("--options") + 1])
            for command in self.commands()
            if command[0] == word and "--options" in command
        ]

    @staticmethod
    def _log(name: str) -> str:
        return f"{PODS}{name}-abc/log"


def serving(name: str, *, ip: str = "10.0.1.5", **more: Any) -> dict[str, Any]:
    """Return a pod that serves at 8080."""
    ports = [{"containerPort": 9000, "protocol": "UDP"}, {"containerPort": 8080}]
    made = pod(
        name,
        spec={"containers": [{"name": "main", "image": "nginx", "resources": {}, "ports": ports}]},
        **more,
    )
    made["status"]["podIP"] = ip
    return made


def kit(api: Node, clock: FakeClock) -> Tools:
    image = "aftershock.dev/components:abc123"
    return tools(api, carrier_image=image, may_touch=lambda namespace: True, clock=clock)


def inject(fault: NetworkFault, clock: FakeClock) -> Plan:
    plan = fault.plan()
    fault.inject(plan, plan.record(run_id="run1", now=clock.now()))
    return plan


def proof(fault: NetworkFault, plan: Plan, found: dict[str, Any]) -> Proof:
    """Return the proof after the looks have measured `found` a few times."""
    api = fault.tools.api
    assert isinstance(api, Field)
    api.measure(found, 5)
    return fault.landed(plan)
