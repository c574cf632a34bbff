"""One of those whose cost is compared, in a process of its own.

`python -m benchmarks.recorder.contender NAME KUBECONFIG FOLDER NAMESPACE…` follows the pods and
answers each line of its standard input with a line of JSON about itself; it ends with its
input, and then says what made it give up, if something did.
"""

from __future__ import annotations

import json
import os
import resource
import sys
import threading
import time
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any

from aftershock.clock import SystemClock, rfc3339
from aftershock.cluster.connect import kubeconfig_api
from aftershock.errors import AftershockError
from aftershock.observe.recorder import Recorder
from aftershock.observe.resources import RESOURCES
from aftershock.timeline import Timeline

__all__ = ["NAMES", "Task"]

_PAGE = 500

Events = Callable[[], int]
"""How many events there were so far."""


@dataclass(frozen=True, kw_only=True)
class Task:
    """What is to be followed, and where to write. `at_end` and `kept` live as long as the process."""

    kubeconfig: str
    folder: Path
    namespaces: list[str]
    at_end: list[Callable[[], None]] = field(default_factory=list)
    kept: list[Any] = field(default_factory=list)


def _recorder(task: Task, *, kinds: Iterable[str]) -> Events:
    timeline = Timeline(task.folder / "timeline.jsonl")
    api = kubeconfig_api(Path(task.kubeconfig), "bench")
    recorder = Recorder(api, timeline, namespaces=task.namespaces, kinds=kinds)
    recorder.start()
    task.at_end.append(recorder.stop)
    return lambda: len(timeline)


def _core(task: Task) -> Any:
    from kubernetes import client, config  # noqa: PLC0415 - its import is part of its memory

    config.load_kube_config(task.kubeconfig)  # type: ignore[no-untyped-call]  # it ships no types
    return client.CoreV1Api()


def _client(task: Task) -> Events:
    """Follow as the official client's documentation shows it: list, then stream; nothing is kept."""
    from kubernetes import watch  # noqa: PLC0415

    core = _core(task)
    seen = 0
    page = core.list_pod_for_all_namespaces(limit=_PAGE)
    while page.metadata._continue:  # noqa: SLF001 - it is the client's own name
        seen += len(page.items)
        page = core.list_pod_for_all_namespaces(limit=_PAGE, _continue=page.metadata._continue)  # noqa: SLF001
    seen += len(page.items)
    version = page.metadata.resource_version
    del page

    def stream() -> None:
        nonlocal seen
        watching: Any = watch.Watch
        for _ in watching().stream(core.list_pod_for_all_namespaces, resource_version=version):
            seen += 1

    threading.Thread(target=stream, name="watch", daemon=True).start()
    return lambda: seen


def _models(task: Task) -> Events:
    """Keep model objects of some pods: what a state of the cluster made of them takes."""
    kept = _core(task).list_namespaced_pod(task.namespaces[0], limit=_PAGE).items
    task.kept.append(kept)
    return lambda: len(kept)


NAMES: Mapping[str, Callable[[Task], Events]] = {
    "recorder": partial(_recorder, kinds=("pod",)),
    "recorder of all": partial(_recorder, kinds=tuple(RESOURCES)),
    "client": _client,
    "models": _models,
}


def _resident() -> int:
    """Return the bytes of memory that this process holds."""
    return int(Path("/proc/self/statm").read_text(encoding="ascii").split()[1]) * os.sysconf("SC_PAGE_SIZE")


def _say(**facts: Any) -> None:
    sys.stdout.write(json.dumps(facts) + "\n")
    sys.stdout.flush()


def _main(name: str, task: Task) -> None:
    empty, begun = _resident(), time.process_time()
    events = NAMES[name](task)
    listed_at = rfc3339(SystemClock().now())

    def facts() -> None:
        _say(
            events=events(),
            cpu_s=time.process_time() - begun,
            grown=_resident() - empty,
            peak=resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024 - empty,
            listed_at=listed_at,
        )

    facts()
    for _ in sys.stdin:
        facts()
    try:
        for stop in task.at_end:
            stop()
    except AftershockError as error:
        _say(gave_up=str(error))
    else:
        _say(gave_up="")


if __name__ == "__main__":
    _name, _kubeconfig, _folder, *_namespaces = sys.argv[1:]
    _main(
        _name,
        Task(kubeconfig=_kubeconfig, folder=Path(_folder), namespaces=_namespaces),
    )
