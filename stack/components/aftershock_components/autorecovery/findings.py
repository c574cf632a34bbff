"""Trouble, from what is seen: pure functions over pods, nodes and alerts."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from datetime import datetime, timedelta

import msgspec

from aftershock_components.autorecovery.exclusions import why_excluded
from aftershock_components.autorecovery.kube import Json
from aftershock_components.autorecovery.objects import (
    instant,
    is_control_plane,
    is_ready,
    statuses,
    terminations,
    workload_of,
)
from aftershock_components.autorecovery.playbooks import Exclusions, Trigger, Watched
from aftershock_components.durations import seconds

__all__ = ["Finding", "NodeLoad", "of_alert", "of_nodes", "of_pods"]


class Finding(msgspec.Struct, frozen=True, kw_only=True):
    """One piece of trouble.

    `key` tells it from every other, and is the same at each look. `subject` is what it is about
    (kind/namespace/name), `object` what an action would touch: repeated trouble of one object is
    acted on ever less often. `at`: since when. `data` is what the steps need to know. `excluded`:
    why nothing may be done about it.
    """

    key: str
    trigger: str
    subject: str
    object: str
    at: datetime
    says: str
    data: dict[str, str] = {}
    excluded: str = ""


class NodeLoad(msgspec.Struct, frozen=True, kw_only=True):
    """What the metrics API says of a node: the CPU in use, over what is allocatable, and when."""

    node: str
    ratio: float
    at: datetime


def of_pods(
    pods: Iterable[Json], triggers: Mapping[Watched, Trigger], *, rules: Exclusions, now: datetime
) -> Iterator[Finding]:
    """Yield what is wrong with pods' containers. A pod that is being deleted is nobody's trouble."""
    for pod in pods:
        if pod["metadata"].get("deletionTimestamp"):
            continue
        for status in statuses(pod):
            for kind, look in _LOOKS.items():
                trigger = triggers.get(kind)
                found = look(status, trigger, now) if trigger else None
                if found:
                    yield _finding(kind, pod, status, found, rules)


Found = tuple[str, datetime, str]
"""What tells this incident of the container from its others, since when it is, and in words."""


def _oom_killed(status: Json, trigger: Trigger, now: datetime) -> Found | None:
    for ended in terminations(status):
        if ended.get("reason") == "OOMKilled" and _is_fresh(ended, trigger, now):
            return (
                ended["finishedAt"],
                instant(ended["finishedAt"]),
                f"container {status['name']} was killed for want of memory",
            )
    return None


def _restarts(status: Json, trigger: Trigger, now: datetime) -> Found | None:
    count, last = status.get("restartCount", 0), next(terminations(status), None)
    if last is None or count <= (trigger.above or 0) or not _is_fresh(last, trigger, now):
        return None
    says = f"container {status['name']} was restarted {count} times"
    return "", instant(last["finishedAt"]), says


def _crash_loop(status: Json, trigger: Trigger, now: datetime) -> Found | None:  # noqa: ARG001 - one signature
    waiting = ((status.get("state") or {}).get("waiting") or {}).get("reason") == "CrashLoopBackOff"
    count, last = status.get("restartCount", 0), next(terminations(status), None)
    if not waiting or last is None or count < (trigger.above or 0):
        return None
    says = f"container {status['name']} crashes again and again: {count} restarts"
    return "", instant(last["finishedAt"]), says


_LOOKS: Mapping[Watched, Callable[[Json, Trigger, datetime], Found | None]] = {
    "oom-killed": _oom_killed,
    "restarts": _restarts,
    "crash-loop": _crash_loop,
}


def _is_fresh(ended: Json, trigger: Trigger, now: datetime) -> bool:
    return now - instant(ended["finishedAt"]) <= timedelta(seconds=seconds(trigger.fresh))


def _finding(kind: Watched, pod: Json, status: Json, found: Found, rules: Exclusions) -> Finding:
    what, at, says = found
    meta = pod["metadata"]
    return Finding(
        key="/".join(part for part in (kind, meta["uid"], status["name"], what) if part),
        trigger=kind,
        subject=f"pod/{meta['namespace']}/{meta['name']}",
        object=workload_of(pod),
        at=at,
        says=says,
        data={
            "namespace": meta["namespace"],
            "pod": meta["name"],
            "uid": meta["uid"],
            "container": status["name"],
            "workload": workload_of(pod),
        },
        excluded=why_excluded(pod, rules, containers=(status["name"],)),
    )


def of_nodes(
    nodes: Iterable[Json],
    loads: Iterable[NodeLoad],
    triggers: Mapping[Watched, Trigger],
    *,
    rules: Exclusions,
) -> Iterator[Finding]:
    """Yield nodes that are short of memory, and control-plane nodes that are short of CPU."""
    known = {node["metadata"]["name"]: node for node in nodes}
    if "memory-pressure" in triggers:
        for node in known.values():
            yield from _pressed(node, rules)
    cpu = triggers.get("control-plane-cpu")
    for load in loads if cpu else ():
        seen = known.get(load.node)
        if cpu and seen and is_control_plane(seen) and load.ratio > (cpu.above or 0):
            says = f"{load.ratio:.0%} of the CPU of control-plane node {load.node} is in use"
            yield _of_node("control-plane-cpu", seen, at=load.at, says=says)


def _pressed(node: Json, rules: Exclusions) -> Iterator[Finding]:
    # A node that is not ready says nothing new: what it said last may be long over.
    if not is_ready(node):
        return
    for condition in (node.get("status") or {}).get("conditions") or ():
        if condition["type"] == "MemoryPressure" and condition["status"] == "True":
            since = condition["lastTransitionTime"]
            says = f"node {node['metadata']['name']} runs out of memory"
            excluded = why_excluded(node, rules)
            yield _of_node(
                "memory-pressure", node, what=since, at=instant(since), says=says, excluded=excluded
            )


def _of_node(
    kind: Watched, node: Json, *, at: datetime, says: str, what: str = "", excluded: str = ""
) -> Finding:
    meta = node["metadata"]
    return Finding(
        key="/".join(part for part in (kind, meta["uid"], what) if part),
        trigger=kind,
        subject=f"node/{meta['name']}",
        object=f"node/{meta['name']}",
        at=at,
        says=says,
        data={"node": meta["name"], "uid": meta["uid"]},
        excluded=excluded,
    )


_ABOUT = ("namespace", "job", "service", "deployment", "pod", "node")


def of_alert(alert: Json, *, rules: Exclusions) -> Finding:
    """Return what an alert of a notification says.

    Raises:
        ValueError: it has no labels, or no beginning.

    """
    try:
        labels = {str(name): str(text) for name, text in alert["labels"].items()}
        name, began = labels["alertname"], str(alert["startsAt"])
        at = instant(began)
    except (KeyError, TypeError, AttributeError, ValueError) as error:
        raise ValueError(f"an alert with labels, alertname and startsAt is expected: {error!r}") from error
    about = {label: labels[label] for label in _ABOUT if label in labels}
    fingerprint = str(alert.get("fingerprint") or ",".join(f"{key}={labels[key]}" for key in sorted(labels)))
    subject = "/".join((name, *about.values()))
    excluded = ""
    if labels.get("namespace") in rules.namespaces:
        excluded = f"the namespace {labels['namespace']} is excluded"
    return Finding(
        key=f"{name}/{fingerprint}/{began}",
        trigger=name,
        subject=subject,
        object=_object_of(about, subject),
        at=at,
        says=str((alert.get("annotations") or {}).get("summary") or f"the alert {name} fires"),
        data=about,
        excluded=excluded,
    )


def _object_of(about: Mapping[str, str], subject: str) -> str:
    """Return what of the cluster the alert is about, in the words of the other findings."""
    if "node" in about and "namespace" not in about:
        return f"node/{about['node']}"
    name = about.get("deployment") or about.get("service") or about.get("job")
    return f"deployment/{about['namespace']}/{name}" if name and "namespace" in about else subject
