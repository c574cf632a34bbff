"""What a Vertical Pod Autoscaler did: recommended requests, evicted a pod, and the new pod asks for them."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import datetime
from typing import Any

from aftershock.clock import format_duration
from aftershock.judge.record import Instant, clock_time, elapsed, end_of, gaps_within, within_bound
from aftershock.judge.world import Data, Owners, replay
from aftershock.timeline import Event
from aftershock.verdict import Verdict, unknown, violated

__all__ = ["EVICTED", "vpa_evicted", "vpa_recommended"]

EVICTED = "EvictedByVPA"
"""The reason of the event that its updater writes about a pod."""


def vpa_recommended(events: Iterable[Event], *, vpa: str, within_s: float, since: datetime) -> Verdict:
    """Judge whether `vpa` ("vpa/NS/NAME") had a recommendation within `within_s` of `since`."""
    record = list(events)
    name = f"{vpa} recommends requests within {format_duration(within_s)}"
    details = _details(vpa, f"a recommendation within {format_duration(within_s)}")
    looks = [event for event in record if event.kind == "vpa" and event.subject == vpa]
    if not looks:
        return unknown(name, reason=f"the record does not show {vpa}", **details)
    found = next((event for event in looks if event.data["recommended"]), None)
    if found is not None:
        details["evidence"] = tuple(_lines(found))
        took = max(0.0, (found.at - since).total_seconds())
        return within_bound(name, observed=took, limit_s=within_s, resolution_s=found.resolution_s, **details)
    if (looks[-1].at - since).total_seconds() <= within_s:
        return unknown(name, reason="the record ends before its time was up", **details)
    return violated(name, observed="none", reason="it recommends nothing", **details)


def vpa_evicted(
    events: Iterable[Event], *, vpa: str, workload: str, within_s: float, since: datetime
) -> Verdict:
    """Judge whether it evicted a pod of `workload` in time, and a new pod asks for what it recommends.

    Counted to the instant at which the new pod was there.
    """
    record = list(events)
    name = f"{vpa} evicts a pod within {format_duration(within_s)}, and the new one asks for what it says"
    details = _details(vpa, f"a pod evicted and replaced within {format_duration(within_s)}")
    end = end_of(record)
    looks = [e for e in record if e.kind == "vpa" and e.subject == vpa and e.data["recommended"]]
    if end is None or not looks:
        return unknown(name, reason=f"the record does not show what {vpa} recommends", **details)
    evictions = [e for e in _of_workload(record, workload) if e.data["reason"] == EVICTED and e.at >= since]
    wanted = looks[-1].data["recommended"]
    born = _born(record, workload, evictions[0].at) if evictions else None
    holes = gaps_within(
        record, resources=("pod", "event"), since=since, until=end.at, namespace=vpa.split("/")[1]
    )
    if born is None:
        if holes or (end.at - since).total_seconds() <= within_s:
            return unknown(name, reason=holes[0] if holes else "its time was not up yet", **details)
        seen = "evicted, not replaced" if evictions else "not evicted"
        return violated(name, observed=seen, reason=f"{seen} within the time", **details)
    when, pod = born
    details["evidence"] = (
        f"{clock_time(evictions[0].at)} {evictions[0].subject}: {evictions[0].data['message']}",
        f"{clock_time(when.at)} pod/{pod['namespace']}/{pod['name']} asks for {_asks(pod)}",
        *_lines(looks[-1]),
    )
    wrong = _differences(pod, wanted)
    if wrong:
        return violated(name, observed=_asks(pod), reason=wrong, **details)
    took = elapsed(Instant(at=since), when)
    return within_bound(name, observed=took, limit_s=within_s, resolution_s=when.resolution_s, **details)


def _details(vpa: str, expected: str) -> dict[str, Any]:
    _, namespace, name = vpa.split("/")
    path = f"/apis/autoscaling.k8s.io/v1/namespaces/{namespace}/verticalpodautoscalers/{name}"
    return {"expected": expected, "query": f"GET {path}; watch pods, events -n {namespace}"}


def _of_workload(record: Sequence[Event], workload: str) -> Iterator[Event]:
    """Yield Kubernetes' events about pods of `workload`."""
    owners = Owners(record)
    ours = {
        event.subject for event in record if event.kind == "pod" and owners.workload(event.data) == workload
    }
    yield from (event for event in record if event.kind == "event" and event.subject in ours)


def _born(record: Sequence[Event], workload: str, since: datetime) -> tuple[Instant, Data] | None:
    """Return the first pod of `workload` that came after `since`."""
    owners, known = Owners(record), set[str]()
    for event, _ in replay(record):
        if event.kind != "pod" or owners.workload(event.data) != workload:
            continue
        if event.data["uid"] not in known and event.at >= since and event.data["type"] == "ADDED":
            return Instant.of(event), event.data
        known.add(event.data["uid"])
    return None


def _lines(look: Event) -> Iterator[str]:
    for container, values in sorted(look.data["recommended"].items()):
        shown = ", ".join(
            f"{word} {values[word]['cpu_m']}m and {values[word]['memory'] / 2**20:.0f} MiB"
            for word in ("target", "lower", "upper")
            if word in values
        )
        yield f"recommended for {container}: {shown}"


def _asks(pod: Data) -> str:
    return "; ".join(
        f"{c['name']}: {c['cpu_request_m']}m, {(c['memory_request'] or 0) / 2**20:.0f} MiB"
        for c in pod["containers"]
    )


def _differences(pod: Data, wanted: Mapping[str, Any]) -> str:
    """Say which container does not ask for its target; empty where all do."""
    for container in pod["containers"]:
        target = wanted.get(container["name"], {}).get("target")
        asked = {"cpu_m": container["cpu_request_m"], "memory": container["memory_request"]}
        if target is not None and asked != target:
            return f"container {container['name']} asks for something else than the target"
    return ""
