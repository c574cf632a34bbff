"""The forecast of a real fault's alert: containers killed for want of memory, one after another."""

from __future__ import annotations

import random
import secrets
from collections.abc import Iterable, Iterator
from contextlib import ExitStack
from datetime import datetime, timedelta
from pathlib import Path

from aftershock.clock import SystemClock, pause, wait_until
from aftershock.cluster.connection import Cluster
from aftershock.cluster.guard import Guard
from aftershock.config import Settings
from aftershock.faults.injector import Injector
from aftershock.faults.journal import Journal
from aftershock.faults.out_of_memory import OutOfMemory
from aftershock.faults.tools import tools
from aftershock.forecast.alerts import Firing, fires_after
from aftershock.forecast.paths import alert_paths
from aftershock.observe.cadence import read_cadence
from aftershock.observe.prometheus import Prometheus
from aftershock.observe.recorder import Recorder
from aftershock.timeline import Event, Timeline
from benchmarks.forecast.readings import Reading, read
from benchmarks.forecast.trials import JUST_BEFORE, fired

__all__ = ["ALERT", "kill_some", "shown"]

ALERT = "PodOOMKilled"
WORKLOADS = (
    ("bookinfo", "reviews-v1"),
    ("demo", "nginx-web"),
    ("bookinfo", "reviews-v2"),
    ("demo", "sample-app"),
    ("bookinfo", "reviews-v3"),
)
_PAUSE_S = (0.0, 7.0)
_QUIET_WITHIN_S = 180.0  # the alert ends two minutes after its event
_AFTER_LATEST_S = 6.0  # a late one is told as that, and not as none


def kill_some(
    cluster: Cluster, settings: Settings, prometheus: Prometheus, *, count: int, seed: int, folder: Path
) -> Iterator[tuple[Reading, float | None]]:
    """Kill `count` containers, workload by workload, at random phases; all is undone afterwards.

    Yield for each what was forecast and what was, and the seconds from the act until the API
    told of the kill; None where the record does not have that.
    """
    chance = random.Random(seed)  # noqa: S311 - to be repeatable, not secret
    timeline = Timeline(folder / "out-of-memory.timeline.jsonl")
    kit = tools(cluster.api, carrier_image=settings.carrier_image)
    injector = Injector(
        kit,
        run_id=f"bench-{secrets.token_hex(3)}",
        journal=Journal(folder / "journal.jsonl"),
        timeline=timeline,
        check=Guard(cluster=cluster, settings=settings, protected=False).check,
    )
    with ExitStack() as stack:
        stack.callback(timeline.close)
        stack.callback(injector.undo_all)
        namespaces = {namespace for namespace, _ in WORKLOADS}
        stack.enter_context(Recorder(cluster.api, timeline, namespaces=namespaces, kinds=["pod"]))
        for number in range(count):
            namespace, workload = WORKLOADS[number % len(WORKLOADS)]
            _quiet(prometheus, workload)
            pause(chance.uniform(*_PAUSE_S), what="the next one to be due")
            fault = OutOfMemory(kit, workload=workload, namespace=namespace)
            (path,) = alert_paths(read_cadence(prometheus, alerts={ALERT}))[ALERT]
            injection = injector.inject(fault)
            acted = timeline.select(source="harness", kind="injecting")[-1].at
            forecast = fires_after(path, acted, fault.shows_after)
            at = _fired(prometheus, injection.plan.undo["aims"][0]["pod"], acted, forecast)
            injector.undo(injection.plan.fault_id)
            reading = read(
                forecast,
                start=acted,
                fired=at,
                known=JUST_BEFORE,
                kind="out of memory",
                alert=f"{ALERT} of {workload}",
                made_of=path.made_of(),
            )
            seen = shown(timeline, subject=injection.record.target[0], since=acted)
            yield reading, None if seen is None else (seen - acted).total_seconds()


def shown(events: Iterable[Event], *, subject: str, since: datetime) -> datetime | None:
    """Return when a watch first told that a container of the pod `subject` was killed, after `since`."""
    before: dict[str, int] = {}
    for event in events:
        if event.source != "kubernetes" or event.kind != "pod" or event.subject != subject:
            continue
        for container in event.data.get("containers", ()):
            ended = container["state"] == "terminated" and container["reason"] == "OOMKilled"
            again = container["restarts"] > before.get(container["name"], container["restarts"])
            if event.at >= since and (ended or again):
                return event.at
            before[container["name"]] = container["restarts"]
    return None


def _fired(prometheus: Prometheus, pod: str, acted: datetime, forecast: Firing) -> datetime | None:
    """Wait until the alert has fired for `pod`; None if it has not well after the latest."""
    clock = SystemClock()
    until = (forecast.latest or acted) + timedelta(seconds=_AFTER_LATEST_S)

    def look() -> tuple[datetime | None] | None:
        at = fired(prometheus, since=acted, which=f'alertname="{ALERT}",pod="{pod}"').get(ALERT)
        return (at,) if at is not None or clock.now() >= until else None

    left_s = max(0.0, (until - clock.now()).total_seconds())
    (at,) = wait_until(look, within_s=left_s + 5.0, every_s=0.5, what=f"{ALERT} to fire for {pod}")
    return at


def _quiet(prometheus: Prometheus, workload: str) -> None:
    """Wait until the alert fires for no pod of `workload`."""

    def quiet() -> bool:
        return not any(
            alert["labels"].get("alertname") == ALERT
            and alert["labels"].get("pod", "").startswith(f"{workload}-")
            for alert in prometheus.alerts()
        )

    what = f"{ALERT} of {workload} to be over"
    wait_until(quiet, within_s=_QUIET_WITHIN_S, every_s=1.0, what=what)
