"""What the HPA controller could have seen at any moment, from the record.

The controller looks every `sync_s` seconds, at a phase that the record does not show; our
poll of the metrics API sees a new sample up to a poll later than the controller might. So
a look is not one state but the set of all that it may have met.
"""

from __future__ import annotations

import copy
import itertools
from bisect import bisect_right
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Any

from aftershock.clock import from_rfc3339
from aftershock.judge.hpa import level_of, recommend, requests_of, utilisation, values_of
from aftershock.judge.hpa_spec import Metric, PodSeen, Sample, Spec, read_spec, unreadable
from aftershock.judge.record import Instant, clock_time
from aftershock.judge.world import World, selects
from aftershock.timeline import Event

__all__ = ["LAG_S", "Resize", "ScalingRecord", "Snapshot", "read_scaling", "resizes_in"]

LAG_S = 1.0
"""From the controller's reading of the metrics to our receipt of the new size, at most."""

_SETTINGS = ("target", "min", "max", "cpu_percent", "targets", "behavior")
_POLLED = frozenset({"pod-metrics", "pod-own-metric"})

Samples = Mapping[str, Sample]
Own = Mapping[str, Mapping[str, int]]
"""The pods' own metrics: milli-units by metric and pod."""


@dataclass(frozen=True, kw_only=True)
class Snapshot:
    """Pods, samples and wanted replicas from `when` on, until the next snapshot."""

    when: Instant
    replicas: int
    pods: tuple[PodSeen, ...]
    samples: Samples
    own: Own = field(default_factory=dict)

    def percent(self) -> int | None:
        """CPU utilisation in whole percent of the requests, over all pods that have a sample."""
        requests = {pod.name: pod.request_m for pod in self.pods if pod.request_m and not pod.deleting}
        used = {name: s.cpu_m for name, s in self.samples.items() if s.cpu_m is not None}
        return utilisation(used, requests)

    def level(self, metric: Metric) -> int | None:
        """Return what the HPA compares with that metric's target, over all pods that have a value."""
        pods = [pod for pod in self.pods if not pod.deleting]
        values = values_of(metric, self.samples, self.own)
        requests = requests_of(metric, pods) or {}
        names = {pod.name for pod in pods}
        return level_of(metric, {name: v for name, v in values.items() if name in names}, requests)

    def since(self, at: datetime) -> Snapshot:
        """Return the snapshot without the samples that ended before `at`."""
        fresh = {name: sample for name, sample in self.samples.items() if sample.timestamp >= at}
        return replace(self, samples=fresh)


@dataclass(frozen=True, kw_only=True)
class Resize:
    """The deployment's wanted replicas went from `before` to `after`."""

    when: Instant
    before: int
    after: int

    def __str__(self) -> str:
        return f"{self.before} → {self.after}"


class ScalingRecord:
    """One HPA, its target and its pods through the record."""

    def __init__(self, spec: Spec, snapshots: Sequence[Snapshot], *, poll_s: float, workload: str) -> None:
        self.spec = spec
        self.snapshots = snapshots
        self.poll_s = poll_s
        self.workload = workload
        self.resizes = list(resizes_in((snapshot.when, snapshot.replicas) for snapshot in snapshots))
        self._times = [snapshot.when.at for snapshot in snapshots]

    def under(self, spec: Spec) -> ScalingRecord:
        """Return the same record for an HPA that is told something else."""
        other = copy.copy(self)
        other.spec = spec
        return other

    def during(self, since: datetime, until: datetime) -> list[Snapshot]:
        """Return the snapshots that were in effect at some time in `since` … `until`."""
        first = max(0, bisect_right(self._times, since) - 1)
        return list(self.snapshots[first : bisect_right(self._times, until)])

    def replicas_at(self, at: datetime) -> int:
        """Return how many replicas were wanted at `at`; 0 before the record begins."""
        found = self.during(at, at)
        return found[-1].replicas if found else 0

    def recommendations(self, at: datetime, *, slack_s: float, current: int) -> set[int | None] | None:
        """Return every recommendation that a look within `slack_s` of `at` may have made.

        None among them: the controller may have had nothing to go by. None instead of a set:
        the record does not reach back that far.
        """
        early = at - timedelta(seconds=slack_s + LAG_S)
        late = at + timedelta(seconds=slack_s)
        if not self._times or early < self._times[0]:
            return None
        with_pods = self.during(early, late)
        with_samples = self.during(early, late + timedelta(seconds=self.poll_s))
        pod_states = {snapshot.pods for snapshot in with_pods}
        found = {
            recommend(
                self.spec, pods=pods, samples=snapshot.samples, own=snapshot.own, current=current, now=at
            )
            for pods in pod_states
            for snapshot in with_samples
        }
        return _between(found) if self.spec.own_metrics else found

    def changes_before(self, at: datetime) -> list[tuple[float, int]]:
        """Return the resizes before `at` as (seconds ago, replicas added)."""
        return [
            ((at - resize.when.at).total_seconds(), resize.after - resize.before)
            for resize in self.resizes
            if resize.when.at < at
        ]


def read_scaling(
    events: Sequence[Event], hpa: str, *, since: datetime, until: datetime | None = None, tolerance: float
) -> ScalingRecord | str:
    """Return the record of `hpa` ("hpa/NS/NAME"), told what it was at `since`; or why it cannot be judged."""
    data = _told(events, hpa, since, until)
    if isinstance(data, str):
        return data
    spec = read_spec(data, tolerance=tolerance)
    namespace, workload = hpa.split("/")[1], data["target"]
    polls = [event for event in events if event.kind in _POLLED and event.data["namespace"] == namespace]
    seen = {event.data.get("metric") for event in polls}
    if len(spec.own_metrics) < len(spec.metrics) and None not in seen:
        return f"no CPU samples of namespace {namespace} were recorded"
    unseen = [metric.name for metric in spec.own_metrics if metric.name not in seen]
    if unseen:
        return f"no values of {unseen[0]} in namespace {namespace} were recorded"
    snapshots = list(_snapshots(events, namespace, workload))
    if not snapshots:
        return f"the record does not show {workload}"
    return ScalingRecord(
        spec, snapshots, poll_s=max(event.resolution_s for event in polls), workload=workload
    )


def _told(
    events: Sequence[Event], hpa: str, since: datetime, until: datetime | None
) -> Mapping[str, Any] | str:
    """Return what the HPA was at `since`.

    One that was told something else until `until` cannot be judged: which of it a look went by is not known.
    """
    told = [event for event in events if event.kind == "hpa" and event.subject == hpa]
    if not told:
        return f"the record does not show {hpa}"
    earlier = sum(Instant.of(event).at <= since for event in told)
    data = told[max(0, earlier - 1)].data
    for event in told[earlier:]:
        when = Instant.of(event).at
        changed = [key for key in _SETTINGS if event.data.get(key) != data.get(key)]
        if changed and (until is None or when <= until):
            return f"{hpa} was changed at {clock_time(when)}: {', '.join(changed)}"
    reason = unreadable(data)
    return f"{hpa} {reason}" if reason else data


def _between(sizes: set[int | None]) -> set[int | None]:
    """Fill in what a metric that the controller asks for afresh may have given between two polls of ours."""
    known = [size for size in sizes if size is not None]
    return sizes | set(range(min(known), max(known))) if known else sizes


def _snapshots(events: Iterable[Event], namespace: str, workload: str) -> Iterator[Snapshot]:
    """Yield the state after every instant at which it may have changed; one poll is one instant."""
    told = _Told(namespace)
    latest: Snapshot | None = None
    for event in events:
        if not told.take(event):
            continue
        snapshot = told.snapshot(event, workload)
        if latest is not None and snapshot is not None and latest.when.mono != snapshot.when.mono:
            yield latest
        latest = snapshot or latest
    if latest is not None:
        yield latest


class _Told:
    """What the record has told so far."""

    def __init__(self, namespace: str) -> None:
        self.namespace = namespace
        self.world = World()
        self.samples: dict[str, Sample] = {}
        self.own: dict[str, dict[str, int]] = {}

    def take(self, event: Event) -> bool:
        """Take in an event; say whether it matters."""
        if event.kind == "pod-metrics" and event.data["namespace"] == self.namespace:
            self._take_sample(event.data)
        elif event.kind == "pod-own-metric" and event.data["namespace"] == self.namespace:
            self._take_value(event.data)
        elif event.source == "kubernetes" and event.kind in {"pod", "deployment"}:
            self.world.apply(event)
        else:
            return False
        return True

    def _take_sample(self, data: Mapping[str, Any]) -> None:
        """Take in a sample; one without a time says that the API has none any more."""
        if data["timestamp"] is None:
            self.samples.pop(data["name"], None)
            return
        self.samples[data["name"]] = Sample(
            cpu_m=data["cpu_m"],
            timestamp=from_rfc3339(data["timestamp"]),
            window_s=data["window_s"],
            memory=data["memory"],
        )

    def _take_value(self, data: Mapping[str, Any]) -> None:
        values = self.own.setdefault(data["metric"], {})
        if data["value_m"] is None:
            values.pop(data["name"], None)
        else:
            values[data["name"]] = data["value_m"]

    def snapshot(self, event: Event, workload: str) -> Snapshot | None:
        """Return the state right after `event`; None while the workload is not known."""
        deployment = self.world.get("deployment", workload)
        if deployment is None:
            return None
        pods = tuple(
            _seen(pod)
            for pod in self.world.all("pod")
            if pod["namespace"] == deployment["namespace"] and selects(deployment["selector"], pod["labels"])
        )
        return Snapshot(
            when=Instant.of(event),
            replicas=deployment["replicas"],
            pods=pods,
            samples=dict(self.samples),
            own={metric: dict(values) for metric, values in self.own.items()},
        )


def _seen(pod: Mapping[str, Any]) -> PodSeen:
    return PodSeen(
        name=pod["name"],
        phase=pod["phase"],
        deleting=bool(pod["deletion_at"]),
        ready=pod["ready"],
        ready_since=from_rfc3339(pod["ready_since"]) if pod["ready_since"] else None,
        started_at=from_rfc3339(pod["started_at"]) if pod["started_at"] else None,
        request_m=_request(pod, "cpu_request_m"),
        memory_request=_request(pod, "memory_request"),
    )


def _request(pod: Mapping[str, Any], name: str) -> int | None:
    """Return the sum of the containers' requests; None if one has none."""
    requests = [container[name] for container in pod["containers"]]
    return None if not requests or None in requests else sum(requests)


def resizes_in(sizes: Iterable[tuple[Instant, int]]) -> Iterator[Resize]:
    """Yield each change among sizes in the order of their times."""
    for (_, before), (when, after) in itertools.pairwise(sizes):
        if before != after:
            yield Resize(when=when, before=before, after=after)
