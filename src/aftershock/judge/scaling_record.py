"""What the HPA controller could have seen at any moment, from the record.

The controller looks every `sync_s` seconds, at a phase that the record does not show; our
poll of the metrics API sees a new sample up to a poll later than the controller might. So
a look is not one state but the set of all that it may have met.
"""

from __future__ import annotations

import itertools
from bisect import bisect_right
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any

from aftershock.clock import from_rfc3339
from aftershock.judge.hpa import PodSeen, Sample, Spec, read_spec, recommend, utilisation
from aftershock.judge.record import Instant
from aftershock.judge.world import World, selects
from aftershock.timeline import Event

__all__ = ["LAG_S", "Resize", "ScalingRecord", "Snapshot", "read_scaling"]

LAG_S = 1.0
"""From the controller's reading of the metrics to our receipt of the new size, at most."""

Samples = Mapping[str, Sample]


@dataclass(frozen=True, kw_only=True)
class Snapshot:
    """Pods, samples and wanted replicas from `when` on, until the next snapshot."""

    when: Instant
    replicas: int
    pods: tuple[PodSeen, ...]
    samples: Samples

    def percent(self) -> int | None:
        """CPU utilisation in whole percent of the requests, over all pods that have a sample."""
        requests = {pod.name: pod.request_m for pod in self.pods if pod.request_m and not pod.deleting}
        return utilisation({name: sample.cpu_m for name, sample in self.samples.items()}, requests)

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
        self.resizes = list(_resizes(snapshots))
        self._times = [snapshot.when.at for snapshot in snapshots]

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
        return {
            recommend(self.spec, pods=pods, samples=snapshot.samples, current=current, now=at)
            for pods in pod_states
            for snapshot in with_samples
        }

    def changes_before(self, at: datetime) -> list[tuple[float, int]]:
        """Return the resizes before `at` as (seconds ago, replicas added)."""
        return [
            ((at - resize.when.at).total_seconds(), resize.after - resize.before)
            for resize in self.resizes
            if resize.when.at < at
        ]


def read_scaling(events: Sequence[Event], hpa: str, *, tolerance: float) -> ScalingRecord | str:
    """Return the record of `hpa` ("hpa/NS/NAME"), or why it cannot be judged."""
    data = next((event.data for event in events if event.kind == "hpa" and event.subject == hpa), None)
    if data is None:
        return f"the record does not show {hpa}"
    if data["cpu_percent"] is None:
        return f"{hpa} has no target for CPU utilisation"
    if data["metrics"] > 1:
        return f"{hpa} goes by {data['metrics']} metrics; only CPU was recorded"
    namespace, workload = hpa.split("/")[1], data["target"]
    polls = [
        event for event in events if event.kind == "pod-metrics" and event.data["namespace"] == namespace
    ]
    if not polls:
        return f"no CPU samples of namespace {namespace} were recorded"
    snapshots = list(_snapshots(events, namespace, workload))
    if not snapshots:
        return f"the record does not show {workload}"
    return ScalingRecord(
        read_spec(data, tolerance=tolerance),
        snapshots,
        poll_s=max(event.resolution_s for event in polls),
        workload=workload,
    )


def _snapshots(events: Iterable[Event], namespace: str, workload: str) -> Iterator[Snapshot]:
    """Yield the state after every instant at which it may have changed; one poll is one instant."""
    samples: dict[str, Sample] = {}
    latest: Snapshot | None = None
    for event, world in _with_metrics(events, namespace, samples):
        snapshot = _snapshot(event, world, workload, samples)
        if latest is not None and snapshot is not None and latest.when.mono != snapshot.when.mono:
            yield latest
        latest = snapshot or latest
    if latest is not None:
        yield latest


def _with_metrics(
    events: Iterable[Event], namespace: str, samples: dict[str, Sample]
) -> Iterator[tuple[Event, World]]:
    world = World()
    for event in events:
        if event.kind == "pod-metrics" and event.data["namespace"] == namespace:
            _take(event.data, samples)
        elif event.source == "kubernetes" and event.kind in {"pod", "deployment"}:
            world.apply(event)
        else:
            continue
        yield event, world


def _take(data: Mapping[str, Any], samples: dict[str, Sample]) -> None:
    """Take in a sample; one without a time says that the API has none any more."""
    if data["timestamp"] is None or data["cpu_m"] is None:
        samples.pop(data["name"], None)
        return
    samples[data["name"]] = Sample(
        cpu_m=data["cpu_m"], timestamp=from_rfc3339(data["timestamp"]), window_s=data["window_s"]
    )


def _snapshot(event: Event, world: World, workload: str, samples: Samples) -> Snapshot | None:
    deployment = world.get("deployment", workload)
    if deployment is None:
        return None
    pods = tuple(
        _seen(pod)
        for pod in world.all("pod")
        if pod["namespace"] == deployment["namespace"] and selects(deployment["selector"], pod["labels"])
    )
    return Snapshot(when=Instant.of(event), replicas=deployment["replicas"], pods=pods, samples=dict(samples))


def _seen(pod: Mapping[str, Any]) -> PodSeen:
    requests = [container["cpu_request_m"] for container in pod["containers"]]
    return PodSeen(
        name=pod["name"],
        phase=pod["phase"],
        deleting=bool(pod["deletion_at"]),
        ready=pod["ready"],
        ready_since=from_rfc3339(pod["ready_since"]) if pod["ready_since"] else None,
        started_at=from_rfc3339(pod["started_at"]) if pod["started_at"] else None,
        request_m=None if not requests or None in requests else sum(requests),
    )


def _resizes(snapshots: Sequence[Snapshot]) -> Iterator[Resize]:
    for earlier, later in itertools.pairwise(snapshots):
        if earlier.replicas != later.replicas:
            yield Resize(when=later.when, before=earlier.replicas, after=later.replicas)
