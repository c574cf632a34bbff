"""A scripted API for the watchers: lists and watches happen in the order that a test wrote."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from typing import Any

from aftershock.cluster.api import KubeApi
from aftershock.testing import FakeClock

Script = list[bytes | Exception | Callable[[], None]]


def pod(name: str, *, version: int = 1, ready: bool = True, **metadata: Any) -> dict[str, Any]:
    state = {"running": {"startedAt": "2026-01-01T00:00:00Z"}}
    return {
        "metadata": {
            "name": name,
            "namespace": "demo",
            "uid": metadata.pop("uid", f"uid-{name}"),
            "resourceVersion": str(version),
            "labels": {"app": "web"},
            "ownerReferences": [{"kind": "ReplicaSet", "name": "web-1", "uid": "rs", "controller": True}],
            **metadata,
        },
        "spec": {
            "nodeName": "worker",
            "containers": [{"name": "main", "resources": {"requests": {"cpu": "0.1", "memory": "64Mi"}}}],
        },
        "status": {
            "phase": "Running",
            "startTime": "2026-01-01T00:00:00Z",
            "conditions": [
                {"type": "Ready", "status": str(ready), "lastTransitionTime": "2026-01-01T00:00:05Z"}
            ],
            "containerStatuses": [{"name": "main", "ready": ready, "restartCount": 0, "state": state}],
        },
    }


def listing(*items: dict[str, Any], version: int = 10) -> str:
    return json.dumps({"metadata": {"resourceVersion": str(version)}, "items": list(items)})


def line(change: str, item: dict[str, Any]) -> bytes:
    return json.dumps({"type": change, "object": item}).encode()


def bookmark(version: int) -> bytes:
    return line("BOOKMARK", {"kind": "Pod", "metadata": {"resourceVersion": str(version)}})


def refused(code: int, reason: str = "Expired") -> bytes:
    return line("ERROR", {"kind": "Status", "code": code, "reason": reason, "message": f"says {code}"})


class ScriptedApi(KubeApi):
    """`lists` are answered in order, then the last one again; each watch plays one script.

    A callable in a script is called at its place; when all scripts are played, `done` is.
    """

    def __init__(self, lists: list[str | Exception], watches: list[Script], done: Callable[[], None]) -> None:
        self.lists = lists
        self.watches = watches
        self.done = done
        self.asked: list[dict[str, str]] = []

    def text(self, path: str, *, timeout_s: float | None = None, **query: str) -> str:
        answer = self.lists.pop(0) if len(self.lists) > 1 else self.lists[0]
        if isinstance(answer, Exception):
            raise answer
        return answer

    def watch(self, path: str, *, timeout_s: float, **query: str) -> Iterator[bytes]:
        self.asked.append(query)
        if not self.watches:
            self.done()
            return
        for step in self.watches.pop(0):
            if isinstance(step, Exception):
                raise step
            if callable(step):
                step()
            else:
                yield step


def pass_time(clock: FakeClock, seconds: float) -> Callable[[], None]:
    return lambda: clock.sleep(seconds)
