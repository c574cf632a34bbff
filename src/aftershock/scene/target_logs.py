"""The logs of what was harmed, when the scenario ends: the tail of each, and of the container before.

Whose: pods of the workloads that a fault hit, or that a recovery was judged of; those that restarted
last come first. A pod that is gone took its logs along: then its successor's are kept.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any

from aftershock.clock import Clock, rfc3339
from aftershock.cluster.api import KubeApi
from aftershock.errors import AftershockError
from aftershock.judge.record import injection
from aftershock.judge.world import Owners, replay
from aftershock.report.secrets import redact
from aftershock.timeline import Event
from aftershock.verdict import Verdict

__all__ = ["FOLDER", "write_target_logs"]

FOLDER = "logs"
_MOST_PODS = 6
_MOST_LINES, _MOST_BYTES = 200, 64 * 1024  # of each container: what a person reads, not an archive
_ONE_WITHIN_S, _ALL_WITHIN_S = 3.0, 12.0
"""A node that does not answer must not keep the run: its logs are then told to be missing."""


def write_target_logs(
    folder: Path, *, api: KubeApi, record: Sequence[Event], verdicts: Sequence[Verdict], clock: Clock
) -> None:
    """Write a file for each container below logs/ in `folder`, also where its log could not be had."""
    begun = injection(record)
    if begun is None:
        return
    until = clock.monotonic() + _ALL_WITHIN_S
    for pod in _pods(record, verdicts)[:_MOST_PODS]:
        for container in pod["containers"]:
            for previous in (False, True) if container["restarts"] else (False,):
                name = f"{pod['name']}.{container['name']}{'.previous' if previous else ''}.log"
                if clock.monotonic() >= until:
                    text = f"not asked for: the logs before took {_ALL_WITHIN_S:g} s\n"
                else:
                    text = _log(api, pod, container["name"], previous=previous, since=rfc3339(begun.at))
                path = folder / FOLDER / name
                path.parent.mkdir(parents=True, exist_ok=True)
                path.write_text(redact(text), encoding="utf-8")


def _log(api: KubeApi, pod: Any, container: str, *, previous: bool, since: str) -> str:
    query = {"container": container, "timestamps": "true", "limitBytes": str(_MOST_BYTES)}
    # The container before ended when it was harmed; of the one that runs, what it said since.
    query |= {"previous": "true"} if previous else {"sinceTime": since}
    path = f"/api/v1/namespaces/{pod['namespace']}/pods/{pod['name']}/log"
    try:
        text = api.text(path, timeout_s=_ONE_WITHIN_S, tailLines=str(_MOST_LINES), **query)
    except AftershockError as error:
        return f"not to be had: {error.message}\n"
    return text or "it wrote nothing\n"


def _pods(record: Sequence[Event], verdicts: Iterable[Verdict]) -> list[Any]:
    """Return the pods of those workloads that live at the end: most restarted first, then newest."""
    owners = Owners(record)
    of_pod, world = {}, None
    for event, now in replay(record):
        world = now
        if event.kind == "pod":
            of_pod[event.subject] = owners.workload(event.data)
    wanted = {of_pod.get(subject, subject) for subject in _subjects(record, verdicts)}
    living = [pod for pod in (world.all("pod") if world else ()) if owners.workload(pod) in wanted]
    living.sort(key=lambda pod: str(pod["created_at"]), reverse=True)
    return sorted(living, key=lambda pod: -sum(container["restarts"] for container in pod["containers"]))


def _subjects(record: Sequence[Event], verdicts: Iterable[Verdict]) -> Iterator[str]:
    for event in record:
        if event.source == "harness" and event.kind in {"injecting", "injected"}:
            yield event.subject
    for verdict in verdicts:
        yield str((verdict.question or {}).get("arguments", {}).get("workload", ""))
