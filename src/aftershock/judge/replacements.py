"""Whether evicted pods were replaced in time: by pods of the same owner, in the order they came."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from aftershock.clock import format_duration
from aftershock.judge.record import Instant, clock_time, elapsed, end_of, gaps_within, within_bound
from aftershock.judge.world import Owners, World, healthy, replay
from aftershock.timeline import Event
from aftershock.verdict import Verdict, unknown, violated

__all__ = ["replaced_within"]


@dataclass(kw_only=True)
class _Evicted:
    """A pod that had to leave, and its replacement as far as it came."""

    subject: str
    workload: str
    left: Instant
    enough: Instant | None = None  # its owner had all it wants without a replacement
    by: str = ""
    ready: Instant | None = None

    @property
    def done(self) -> Instant | None:
        """When the loss was made good."""
        return self.ready or self.enough

    def __str__(self) -> str:
        left = f"{self.subject} left {clock_time(self.left.at)}"
        if self.ready:
            return f"{left}; {self.by} Ready after {elapsed(self.left, self.ready):.2f} s"
        if self.enough:
            return f"{left}; {self.workload} needed no replacement"
        return f"{left}; {self.by or 'no replacement'} not Ready"


def replaced_within(
    events: Iterable[Event],
    *,
    node: str,
    within_s: float,
    since: datetime,
    until: datetime | None = None,
) -> Verdict:
    """Judge whether every pod that left `node` was replaced by a Ready one within `within_s`.

    Counted from the first sight of its deletion to the replacement's first Ready. The n-th
    pod of an owner to leave is replaced by the n-th new pod of that owner. An owner that
    wants fewer pods by then, and has them, needs no replacement. Daemon sets' pods and bare
    pods (which nobody replaces) are not counted.
    """
    record = list(events)
    name = f"pods of {node} are replaced within {format_duration(within_s)}"
    details: dict[str, Any] = {
        "expected": f"a Ready pod of the same owner within {format_duration(within_s)} of each eviction",
        "query": f"watch pods, spec.nodeName={node}; new pods by owner",
    }
    last = end_of(record)
    if last is None:
        return unknown(name, reason="the record is empty", **details)
    end = min(last, Instant(at=until), key=lambda instant: instant.at) if until else last
    holes = gaps_within(record, resources=("pod", "replicaset"), since=since, until=end.at)
    if holes:
        return unknown(name, reason=holes[0], evidence=tuple(holes), **details)
    evicted = _follow(record, node, since, end)
    details["evidence"] = tuple(map(str, evicted))
    if not evicted:
        return unknown(name, reason=f"no pod left {node}", **details)
    open_cases = [case for case in evicted if case.done is None]
    overdue = [case for case in open_cases if elapsed(case.left, end) > within_s + case.left.resolution_s]
    if overdue:
        observed = f"{len(open_cases)} of {len(evicted)} not replaced"
        return violated(name, observed=observed, reason=str(overdue[0]), **details)
    if open_cases:
        reason = f"the record ends before the time was up: {open_cases[0]}"
        return unknown(name, reason=reason, **details)
    took, resolution_s = max(
        (elapsed(case.left, case.done), case.left.resolution_s + case.done.resolution_s)
        for case in evicted
        if case.done
    )
    return within_bound(name, observed=took, limit_s=within_s, resolution_s=resolution_s, **details)


def _follow(record: Sequence[Event], node: str, since: datetime, end: Instant) -> list[_Evicted]:
    owners = Owners(record)
    known: set[str] = set()
    leaving: set[str] = set()
    evicted: list[_Evicted] = []
    fresh: dict[str, tuple[str, str]] = {}  # uid of a new pod: its workload and subject
    ready: dict[str, Instant] = {}
    for event, world in replay(record):
        if event.at > end.at:
            break
        if event.kind == "pod":
            pod, uid = event.data, event.data["uid"]
            workload = owners.workload(pod)
            if uid not in known and event.at >= since:
                fresh[uid] = (workload, event.subject)
            known.add(uid)
            goes = bool(pod["deletion_at"]) or pod["type"] in {"DELETED", "GONE"}
            if goes and uid not in leaving:
                leaving.add(uid)
                if event.at >= since and pod["node"] == node and _replaceable(workload):
                    evicted.append(_Evicted(subject=event.subject, workload=workload, left=Instant.of(event)))
            if healthy(pod):
                ready.setdefault(uid, Instant.of(event))
        _note_enough(evicted, world, owners, Instant.of(event))
    _pair(evicted, fresh, ready)
    return evicted


def _replaceable(workload: str) -> bool:
    return not workload.startswith(("pod/", "daemonset/"))


def _note_enough(evicted: Iterable[_Evicted], world: World, owners: Owners, now: Instant) -> None:
    """Note the owners that have as many Ready pods as they want."""
    for case in evicted:
        deployment = world.get("deployment", case.workload)
        if case.enough is None and deployment is not None and now.at > case.left.at:
            own = [pod for pod in world.all("pod") if owners.workload(pod) == case.workload]
            if sum(1 for pod in own if healthy(pod)) >= deployment["replicas"]:
                case.enough = now


def _pair(evicted: Sequence[_Evicted], fresh: dict[str, tuple[str, str]], ready: dict[str, Instant]) -> None:
    """Give each case the next new pod of its owner."""
    waiting = list(fresh.items())
    for case in evicted:
        match = next((item for item in waiting if item[1][0] == case.workload), None)
        if match is None:
            continue
        waiting.remove(match)
        uid, (_, case.by) = match
        case.ready = ready.get(uid)
