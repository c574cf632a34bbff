"""A scripted API for the watchers: lists and watches happen in the order that a test wrote."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from typing import Any

from aftershock.cluster.api import KubeApi
from aftershock.cluster.watch import Watch
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


def listing(*items: dict[str, Any], version: int = 10, more: str = "") -> str:
    meta = {"resourceVersion": str(version), "continue": more}
    return json.dumps({"metadata": meta, "items": list(items)})


def line(change: str, item: dict[str, Any]) -> bytes:
    return json.dumps({"type": change, "object": item}).encode()


def bookmark(version: int) -> bytes:
    """As the API writes it: what a pod must have is there, and empty."""
    empty = {"spec": {"containers": None}, "status": {}}
    return line("BOOKMARK", {"kind": "Pod", "metadata": {"resourceVersion": str(version)}, **empty})


def refused(code: int, reason: str = "Expired") -> bytes:
    said = {"status": "Failure", "code": code, "reason": reason, "message": f"says {code}"}
    return line("ERROR", {"kind": "Status", "metadata": {}, **said})


class ScriptedApi(KubeApi):
    """`lists` are answered in order, then the last one again; each watch plays one script.

    A callable in a script is called at its place; when all scripts are played, `done` is.
    """

    def __init__(
        self,
        lists: list[str | Exception],
        watches: list[Script | Watch | Exception],
        done: Callable[[], None],
    ) -> None:
        self.lists = lists
        self.watches = watches
        self.done = done
        self.asked: list[dict[str, str]] = []
        self.lengths: list[float] = []
        self.listed: list[dict[str, str]] = []
        self.on_list: Callable[[], None] = lambda: None

    def text(self, path: str, *, timeout_s: float | None = None, **query: str) -> str:
        self.listed.append(query)
        self.on_list()
        answer = self.lists.pop(0) if len(self.lists) > 1 else self.lists[0]
        if isinstance(answer, Exception):
            raise answer
        return answer

    def watch(self, path: str, *, timeout_s: float, **query: str) -> Watch:
        self.asked.append(query)
        self.lengths.append(timeout_s)
        if not self.watches:
            self.done()
            return Watch(iter(()))
        script = self.watches.pop(0)
        if isinstance(script, Exception):
            raise script
        if isinstance(script, Watch):
            return script
        return Watch(played(script), lambda: bool(script) and callable(script[0]))


def played(script: Script) -> Iterator[bytes]:
    """Yield the lines of a script. What is waited for is what stands behind a callable."""
    while script:
        step = script.pop(0)
        if isinstance(step, Exception):
            raise step
        if callable(step):
            step()
        else:
            yield step


def arriving(
    clock: FakeClock, *lines: tuple[float, bytes], watches: int = 1
) -> list[Script | Watch | Exception]:
    """Return watches on which lines arrive at these monotonic times, whoever listens.

    Each goes on where the one before was left.
    """
    left = list(lines)

    def wait() -> Iterator[bytes]:
        while left:
            due, text = left[0]
            clock.sleep(max(0.0, due - clock.monotonic()))
            del left[0]
            yield text

    def drained() -> bool:
        return bool(left) and left[0][0] > clock.monotonic()

    return [Watch(wait(), drained) for _ in range(watches)]


def pass_time(clock: FakeClock, seconds: float) -> Callable[[], None]:
    return lambda: clock.sleep(seconds)
