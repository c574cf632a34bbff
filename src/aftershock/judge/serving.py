"""Whether pods that were added became Ready and serve."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from aftershock.clock import format_duration
from aftershock.judge.record import Instant, clock_time, elapsed, end_of, gaps_within, within_bound
from aftershock.judge.world import Data, Owners, World, healthy, replay
from aftershock.timeline import Event
from aftershock.verdict import Verdict, unknown, violated

__all__ = ["Added", "added_pods", "added_replicas_serve"]


@dataclass(kw_only=True)
class Added:
    """A pod that came after a resize, and when what was first seen of it. `served`: a request answered."""

    subject: str
    uid: str
    asked: Instant
    scheduled: Instant | None = None
    started: Instant | None = None
    ready: Instant | None = None
    routed: Instant | None = None
    served: Instant | None = None
    gone: Instant | None = None
    requests: int | None = None

    @property
    def done(self) -> Instant | None:
        """When it was both Ready and in the service's endpoints."""
        if self.ready is None or self.routed is None:
            return None
        return max(self.ready, self.routed, key=lambda instant: instant.at)

    def __str__(self) -> str:
        steps = [("Ready", self.ready), ("in the endpoints", self.routed), ("deleted", self.gone)]
        shown = [f"{word} after {elapsed(self.asked, when):.2f} s" for word, when in steps if when]
        served = [] if self.requests is None else [f"answered {self.requests} requests"]
        return f"{self.subject}, wanted since {clock_time(self.asked.at)}: " + ", ".join(shown + served)


def added_replicas_serve(
    events: Iterable[Event],
    *,
    workload: str,
    service: str,
    within_s: float,
    since: datetime,
    until: datetime | None = None,
    need_requests: bool = True,
) -> Verdict:
    """Judge whether every pod that `workload` gained since then served within `within_s`.

    Counted from the resize that asked for it ("deployment/NS/NAME" wants more replicas) to
    the instant at which it is Ready and in the endpoints of `service` (a name). With
    `need_requests` there must also be a "served" event for it, with at least one request.
    A pod that was removed again before its time was up is left out.
    """
    record = list(events)
    namespace = workload.split("/")[1]
    name = f"added replicas of {workload} serve within {format_duration(within_s)}"
    details: dict[str, Any] = {
        "expected": f"every added pod Ready and in the endpoints within {format_duration(within_s)}"
        + (", and answering requests" if need_requests else ""),
        "query": f"watch deployments, pods, endpointslices -n {namespace}; requests by pod",
    }
    last = end_of(record, observer=("watching", f"pod/{namespace}"))
    if last is None:
        return unknown(name, reason="the record is empty", **details)
    end = min(last, Instant(at=until), key=lambda instant: instant.at) if until else last
    resources = ("pod", "deployment", "replicaset", "endpointslice")
    holes = gaps_within(record, resources=resources, since=since, until=end.at, namespace=namespace)
    if holes:
        return unknown(name, reason=holes[0], evidence=tuple(holes), **details)
    pods = [
        pod
        for pod in added_pods(record, workload, service, since, end)
        if pod.done or pod.gone is None or elapsed(pod.asked, pod.gone) > within_s
    ]
    details["evidence"] = tuple(map(str, pods))
    if not pods:
        return unknown(name, reason="no pod was added, or none stayed long enough", **details)
    return _verdict(name, pods, end, within_s, details, need_requests=need_requests)


def _verdict(
    name: str,
    pods: Sequence[Added],
    end: Instant,
    within_s: float,
    details: dict[str, Any],
    *,
    need_requests: bool,
) -> Verdict:
    late = [pod for pod in pods if pod.done is None]
    overdue = [pod for pod in late if elapsed(pod.asked, end) > within_s + end.resolution_s]
    if overdue:
        reason = (
            f"{overdue[0].subject} does not serve {elapsed(overdue[0].asked, end):.1f} s after the resize"
        )
        return violated(name, observed=f"{len(late)} of {len(pods)} do not serve", reason=reason, **details)
    if late:
        reason = f"the record ends before {late[0].subject} had its time"
        return unknown(name, reason=reason, **details)
    took, resolution_s = max(
        (elapsed(pod.asked, pod.done), pod.asked.resolution_s + pod.done.resolution_s)
        for pod in pods
        if pod.done
    )
    verdict = within_bound(name, observed=took, limit_s=within_s, resolution_s=resolution_s, **details)
    if verdict.status != "met" or not need_requests:
        return verdict
    unproven = [pod.subject for pod in pods if pod.requests is None]
    if unproven:
        reason = f"the record does not show whether {unproven[0]} answered requests"
        return unknown(name, observed=round(took, 3), unit="s", reason=reason, **details)
    idle = [pod.subject for pod in pods if not pod.requests]
    if idle:
        reason = f"{idle[0]} answered no request"
        return violated(name, observed=f"{len(idle)} of {len(pods)} idle", reason=reason, **details)
    return verdict


def added_pods(
    record: Sequence[Event], workload: str, service: str, since: datetime, end: Instant
) -> list[Added]:
    """Find the pods that came after a resize upwards, in order of their coming."""
    owners = Owners(record)
    known: set[str] = set()
    added: dict[str, Added] = {}
    asked = _asked(record, workload, since, end)
    for event, world in replay(record):
        if event.at > end.at:
            break
        if event.kind == "pod" and owners.workload(event.data) == workload:
            uid = event.data["uid"]
            if uid not in known and (resize := _asked_for(Instant.of(event), asked)):
                added[uid] = Added(subject=event.subject, uid=uid, asked=resize)
            known.add(uid)
        _follow(event, world, added, service)
    _count(record, added.values())
    return list(added.values())


def _asked(record: Sequence[Event], workload: str, since: datetime, end: Instant) -> list[Instant]:
    """Return when more replicas were asked for, in order."""
    asked: list[Instant] = []
    replicas = 0
    for event in record:
        if (event.source, event.kind, event.subject) != ("kubernetes", "deployment", workload):
            continue
        if event.at > end.at:
            break
        wanted = int(event.data["replicas"])
        if wanted > replicas and event.at >= since:
            asked.append(Instant.of(event))
        replicas = wanted
    return asked


def _asked_for(seen: Instant, asked: Sequence[Instant]) -> Instant | None:
    """Return the resize for which a pod came that was first seen then: the last one before.

    Pods and deployments are watched apart: within their errors it is chance which of them is seen first.
    """
    before = [when for when in asked if elapsed(seen, when) <= seen.resolution_s + when.resolution_s]
    return before[-1] if before else None


def _follow(event: Event, world: World, added: dict[str, Added], service: str) -> None:
    """Note what `event` first shows of the added pods."""
    now = Instant.of(event)
    pod = added.get(event.data["uid"]) if event.kind == "pod" else None
    if pod:
        _see(pod, event.data, now)
    if event.kind == "endpointslice" and event.data["service"] == service:
        for uid in _routed(world, service):
            if uid in added:
                added[uid].routed = added[uid].routed or now


def _see(pod: Added, data: Data, now: Instant) -> None:
    if data["node"]:
        pod.scheduled = pod.scheduled or now
    if all(container["state"] == "running" for container in data["containers"]):
        pod.started = pod.started or now
    if healthy(data):
        pod.ready = pod.ready or now
    if data["deletion_at"] or data["type"] in {"DELETED", "GONE"}:
        pod.gone = pod.gone or now


def _routed(world: World, service: str) -> Iterator[str]:
    for piece in world.all("endpointslice"):
        if piece["service"] == service:
            yield from (endpoint["uid"] for endpoint in piece["endpoints"] if endpoint["ready"])


def _count(record: Iterable[Event], pods: Iterable[Added]) -> None:
    """Note how many requests each pod is said to have answered."""
    answered: dict[str, int] = {}
    first: dict[str, Instant] = {}
    for event in record:
        if event.kind == "served":
            answered[event.subject] = max(answered.get(event.subject, 0), int(event.data["requests"]))
            if event.data["requests"]:
                first.setdefault(event.subject, Instant.of(event))
    for pod in pods:
        pod.requests = answered.get(pod.subject)
        pod.served = first.get(pod.subject)
