"""What the project's own observers and judges say of the outages of driven pods.

As in a scenario: one recorder and probes write one timeline while things happen, and the judges
are asked afterwards, once for each outage. All they are told of it is from when to when to look.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import pairwise
from pathlib import Path

from aftershock.clock import SystemClock, wait_until
from aftershock.cluster.api import KubeApi
from aftershock.judge.recovery import recovered_within, service_recovered_within
from aftershock.observe.client_probe import ClientProbe
from aftershock.observe.recorder import Recorder
from aftershock.timeline import Event, Timeline
from aftershock.verdict import Verdict
from benchmarks.honest_times.driven_pods import DrivenPod, Interval
from benchmarks.honest_times.errors import Reading
from benchmarks.honest_times.trials import Schedule
from benchmarks.honest_times.truth import ReadyPatch, unready
from benchmarks.pods import NAMESPACE

__all__ = [
    "CLIENT", "KUBERNETES", "Driven", "Window", "client_readings", "drive", "kubernetes_readings", "record",
    "windows",
]  # fmt: skip

CLIENT = "Aftershock, client's clock"
KUBERNETES = "Aftershock, Kubernetes' clock"

_LEAD_S = 1.0
"""How long before an outage its judge begins to look, as the preflight does before an injection."""
_LIMIT_S = 120.0  # far above every outage, so that no figure is near its bound
_AFTER_END_S = 30.0


@dataclass(frozen=True, kw_only=True)
class Driven:
    """A pod that came to the end of its schedule, and when it was down by its own clock."""

    pod: DrivenPod
    schedule: Schedule
    true: tuple[Interval, ...]


@dataclass(frozen=True, kw_only=True)
class Window:
    """From when to when one outage is looked for."""

    kind: str
    true: Interval
    since: datetime
    until: datetime


def drive(
    pods: Sequence[DrivenPod], schedules: Sequence[Schedule], *, check: Callable[[], None] = lambda: None
) -> list[Driven]:
    """Drive all pods through their schedules at once; `check` is called meanwhile and may raise."""
    for pod, schedule in zip(pods, schedules, strict=True):
        pod.drive(schedule)
    clock = SystemClock()
    length_s = max(schedule.length_s for schedule in schedules)
    over = clock.monotonic() + length_s

    def done() -> bool:
        check()
        return clock.monotonic() >= over

    wait_until(done, within_s=length_s + _AFTER_END_S, every_s=1.0, what="the schedules to be over")
    return [
        Driven(pod=pod, schedule=schedule, true=tuple(pod.outages()))
        for pod, schedule in zip(pods, schedules, strict=True)
    ]


def record(
    api: KubeApi, pods: Sequence[DrivenPod], schedules: Sequence[Schedule], *, path: Path | None = None
) -> tuple[list[Driven], list[Event]]:
    """Drive the pods and record what is seen of it, also in a file at `path`."""
    timeline = Timeline(path)
    with ExitStack() as stack:
        stack.callback(timeline.close)
        observers = [
            stack.enter_context(observer)
            for observer in (
                Recorder(api, timeline, namespaces=[NAMESPACE]),
                *(ClientProbe(pod.url, timeline) for pod in pods),
            )
        ]

        def check() -> None:
            for observer in observers:
                observer.check()

        driven = drive(pods, schedules, check=check)
    return driven, list(timeline)


def windows(driven: Driven) -> list[Window]:
    """Return where to look for each of the pod's outages: from just before it to just before the next."""
    true = driven.true
    lead = timedelta(seconds=_LEAD_S)
    last = true[-1].end + timedelta(seconds=driven.schedule.length_s - driven.schedule.trials[-1].end_s)
    ends = [*(later.begin - lead for _, later in pairwise(true)), last]
    return [
        Window(kind=trial.kind, true=interval, since=interval.begin - lead, until=end)
        for trial, interval, end in zip(driven.schedule.trials, true, ends, strict=True)
    ]


def client_readings(driven: Driven, events: Sequence[Event], *, condition: str) -> list[Reading]:
    """Ask the judge of the client's clock about every outage of one pod."""
    url = driven.pod.url
    own = [event for event in events if event.kind != "probe" or event.subject == url]
    return [
        _reading(
            service_recovered_within(
                own,
                url=url,
                within_s=_LIMIT_S,
                since=window.since,
                until=window.until,
                expect_impact=False,
            ),
            true_s=window.true.length_s,
            condition=condition,
            method=CLIENT,
            kind=window.kind,
            pod=driven.pod.name,
        )
        for window in windows(driven)
    ]


def kubernetes_readings(
    driven: Driven, events: Sequence[Event], patches: Sequence[ReadyPatch], *, condition: str
) -> list[Reading]:
    """Ask the judge of Kubernetes' clock about every outage of one pod; truth is the audit log's."""
    watched = [event for event in events if event.kind != "probe"]
    readings = []
    for window in windows(driven):
        true = unready(patches, since=window.since, until=window.until)
        verdict = recovered_within(
            watched,
            workload=driven.pod.workload,
            within_s=_LIMIT_S,
            since=window.since,
            until=window.until,
            expect_impact=False,
        )
        reading = _reading(
            verdict,
            true_s=true.length_s if true else None,
            condition=condition,
            method=KUBERNETES,
            kind=window.kind,
            pod=driven.pod.name,
        )
        readings.append(reading)
    return readings


def _reading(
    verdict: Verdict, *, true_s: float | None, condition: str, method: str, kind: str, pod: str
) -> Reading:
    measured = verdict.observed if isinstance(verdict.observed, int | float) else None
    return Reading(
        condition=condition,
        method=method,
        kind=kind,
        pod=pod,
        true_s=true_s,
        measured_s=measured,
        resolution_s=None if measured is None else verdict.resolution_s,
        # Asked with no impact expected, "met" without a figure says that all was well throughout.
        refused="" if measured is not None or verdict.status == "met" else verdict.reason,
    )
