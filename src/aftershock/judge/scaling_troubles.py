"""What keeps an HPA from doing its work: from its conditions, from events, and from what we saw ourselves."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from aftershock.clock import format_duration
from aftershock.judge.hands import by_hand
from aftershock.judge.record import Instant, clock_time, elapsed, end_of, gaps_within, within_bound
from aftershock.judge.scaling_record import resizes_in
from aftershock.judge.world import Owners, World, replay, selects
from aftershock.timeline import Event
from aftershock.verdict import Verdict, unknown, violated

__all__ = ["TROUBLES", "Trouble", "hpa_in_trouble", "troubles"]

TROUBLES: Mapping[str, str] = {
    "at its maximum": "the formula asks for more than its maximum allows",
    "without metrics": "its controller cannot get the metrics that it goes by",
    "without a request": "a pod states no request of what the target is a share of",
    "without a target": "what it points at does not exist",
    "overruled by hand": "somebody else set the replicas that it owns",
    "short of room": "pods that it asked for fit on no node",
}
"""What may be wrong, in the words of steps, and what that means."""


@dataclass(frozen=True, kw_only=True)
class Trouble:
    """One thing that is wrong, one of TROUBLES, from when it was first seen."""

    kind: str
    when: Instant
    text: str

    def __str__(self) -> str:
        return f"{clock_time(self.when.at)} {self.kind}: {self.text}"


def hpa_in_trouble(
    events: Iterable[Event], *, hpa: str, trouble: str, within_s: float, since: datetime
) -> Verdict:
    """Judge whether `hpa` ("hpa/NS/NAME") was seen to be in that trouble (of TROUBLES) in time.

    What was so already at `since` counts as at once.
    """
    record = list(events)
    namespace = hpa.split("/")[1]
    name = f"{hpa} is seen to be {trouble} within {format_duration(within_s)}"
    details: dict[str, Any] = {
        "expected": f"{TROUBLES[trouble]}, seen within {format_duration(within_s)}",
        "query": f"watch horizontalpodautoscalers, deployments, pods, events -n {namespace}",
    }
    end = end_of(record, observer=("watching", f"hpa/{namespace}"))
    if end is None or not any(event.kind == "hpa" and event.subject == hpa for event in record):
        return unknown(name, reason=f"the record does not show {hpa}", **details)
    found = troubles(record, hpa=hpa, since=since, until=end.at)
    details["evidence"] = tuple(map(str, found))
    right = next((item for item in found if item.kind == trouble), None)
    if right is not None:
        begin = _begin(record, since)
        took = max(0.0, elapsed(begin, right.when))
        return within_bound(
            name, observed=took, limit_s=within_s, resolution_s=right.when.resolution_s, **details
        )
    resources = ("hpa", "deployment", "pod", "event")
    holes = gaps_within(record, resources=resources, since=since, until=end.at, namespace=namespace)
    if holes:
        return unknown(name, reason=holes[0], **details)
    if (end.at - since).total_seconds() <= within_s:
        return unknown(name, reason="the record ends before its time was up", **details)
    other = f"; it is {found[0].kind}" if found else ""
    return violated(name, observed="not seen", reason=f"nothing shows it{other}", **details)


def troubles(events: Sequence[Event], *, hpa: str, since: datetime, until: datetime) -> list[Trouble]:
    """Return each thing that was wrong between `since` and `until`, once, in order of being seen."""
    first: dict[str, Trouble] = {}
    for found in _all(events, hpa):
        if found.when.at <= until and (found.kind not in first or first[found.kind].when.at < since):
            first[found.kind] = found
    ended = _over(events, hpa, since)
    kept = [trouble for kind, trouble in first.items() if trouble.when.at >= since or kind not in ended]
    return sorted(kept, key=lambda trouble: trouble.when.at)


def _begin(record: Sequence[Event], since: datetime) -> Instant:
    """Return `since` by both clocks, from the event nearest to it."""
    own = [event for event in record if event.mono is not None]
    nearest = min(own, key=lambda event: abs((event.at - since).total_seconds()))
    return Instant.of(nearest).plus((since - nearest.at).total_seconds(), resolution_s=0.0)


def _over(events: Iterable[Event], hpa: str, since: datetime) -> set[str]:
    """Return the troubles from before `since` that no longer were so then."""
    state = [event for event in events if event.kind == "hpa" and event.subject == hpa and event.at <= since]
    now = {trouble.kind for event in state[-1:] for trouble in _by_conditions(event, World())}
    # A missing metric and a missing request show as the same condition.
    now |= {"without a request"} if "without metrics" in now else set()
    return TROUBLES.keys() - now


def _all(events: Sequence[Event], hpa: str) -> Iterator[Trouble]:
    owners = Owners(events)
    told = [event for event in events if event.kind == "hpa" and event.subject == hpa]
    target = told[0].data["target"] if told else ""
    sizes: list[tuple[Instant, int]] = []
    for event, world in _with_events(events):
        if event.kind == "hpa" and event.subject == hpa:
            yield from _by_conditions(event, world)
        elif event.kind == "deployment" and event.subject == target:
            sizes.append((Instant.of(event), event.data["replicas"]))
        elif event.kind == "event" and event.data["reason"] == "FailedScheduling":
            yield from _no_room(event, world, owners, target)
    for resize in by_hand(events, hpa, list(resizes_in(sizes))):
        yield Trouble(
            kind="overruled by hand", when=resize.when, text=f"{resize} was not the HPA's own doing"
        )


def _with_events(events: Iterable[Event]) -> Iterator[tuple[Event, World]]:
    """Yield watch events and Kubernetes' own events, with the world at each."""
    world = World()
    for event in events:
        if event.source == "kubernetes" and event.kind == "event":
            yield event, world
        else:
            for seen, _ in replay([event]):
                world.apply(seen)
                yield seen, world


def _by_conditions(event: Event, world: World) -> Iterator[Trouble]:
    conditions: Mapping[str, Mapping[str, str]] = event.data.get("conditions") or {}
    when = Instant.of(event)
    able, active = conditions.get("AbleToScale", {}), conditions.get("ScalingActive", {})
    limited = conditions.get("ScalingLimited", {})
    if able.get("status") == "False" and able["reason"] == "FailedGetScale":
        there = world.get("deployment", event.data["target"])
        own = "" if there else f"; the record shows no {event.data['target']}"
        yield Trouble(kind="without a target", when=when, text=f"{able['message']}{own}")
    elif active.get("status") == "False" and active["reason"].startswith("FailedGet"):
        bare = _bare_pod(event, world)
        if bare or "missing request" in active["message"]:
            own = f"; {bare} states none" if bare else ""
            yield Trouble(kind="without a request", when=when, text=f"{active['message']}{own}")
        else:
            yield Trouble(kind="without metrics", when=when, text=f"{active['reason']}: {active['message']}")
    if limited.get("status") == "True" and limited["reason"] == "TooManyReplicas":
        text = f"{limited['message']} ({event.data['max']})"
        yield Trouble(kind="at its maximum", when=when, text=text)


def _bare_pod(event: Event, world: World) -> str:
    """Return a pod of the target without a request of a resource that the HPA takes a share of."""
    deployment = world.get("deployment", event.data["target"])
    shares = {
        {"cpu": "cpu_request_m", "memory": "memory_request"}[target["name"]]
        for target in event.data.get("targets", ())
        if target["percent"] is not None and target["name"] in {"cpu", "memory"}
    }
    for pod in world.all("pod") if deployment else ():
        ours = pod["namespace"] == event.data["namespace"]
        if ours and deployment and selects(deployment["selector"], pod["labels"]):
            for container in pod["containers"]:
                if any(container[share] is None for share in shares):
                    return f"container {container['name']} of pod/{pod['namespace']}/{pod['name']}"
    return ""


def _no_room(event: Event, world: World, owners: Owners, target: str) -> Iterator[Trouble]:
    pod = world.get("pod", event.subject)
    if pod is not None and pod["node"] is None and owners.workload(pod) == target:
        yield Trouble(
            kind="short of room", when=Instant.of(event), text=f"{event.subject}: {event.data['message']}"
        )
