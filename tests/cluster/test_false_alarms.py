"""Where nothing is wrong nothing fires: the cluster is let alone, or changed in ways that are harmless.

TEST_QUIET_S says for how long it is let alone: ten minutes, unless told otherwise.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path

import pytest

from aftershock.clock import rfc3339, wait_until
from aftershock.cluster.api import KubeApi
from aftershock.cluster.connection import Cluster
from aftershock.cluster.readiness import is_ready
from aftershock.judge.alerts import nothing_else_fired
from aftershock.observe.alerts import record_alerts, record_firing_before
from aftershock.observe.prometheus import Prometheus
from aftershock.timeline import Timeline
from aftershock.verdict import enforce

QUIET_S = float(os.environ.get("TEST_QUIET_S", "600"))
# Two evaluations, after which what is past can no longer fire by what was.
LAST_EVALUATIONS_S = 10.0
# After a change an alert that it brings about would be there: the longest `for` of a rule of pods, in ci.
AFTER_A_CHANGE_S = 75.0
DEPLOYMENTS = "/apis/apps/v1/namespaces/bookinfo/deployments"
NODE = "/api/v1/nodes/aftershock-worker"


@contextmanager
def nothing_fires(cluster: Cluster, folder: Path) -> Iterator[Timeline]:
    """Hold that no alert begins to fire while the body runs."""
    prometheus = Prometheus(cluster.monitoring.prometheus)
    timeline = Timeline(folder / "timeline.jsonl")
    try:
        record_firing_before(prometheus, timeline)
        since = timeline.clock.now()
        yield timeline
        until = timeline.clock.now()
        pass_by(timeline, LAST_EVALUATIONS_S)
        record_alerts(prometheus, timeline, since=since, until=timeline.clock.now())
        enforce(nothing_else_fired(timeline, since=since, until=until))
    finally:
        timeline.close()


def pass_by(timeline: Timeline, seconds: float) -> None:
    """Let that time pass."""
    end = timeline.clock.now() + timedelta(seconds=seconds)
    wait_until(
        lambda: timeline.clock.now() >= end, within_s=seconds + 5, every_s=1.0, what="the time to pass"
    )


def settled(api: KubeApi, name: str) -> None:
    """Wait until the deployment is as specified."""
    wait_until(
        lambda: is_ready({**api.get(f"{DEPLOYMENTS}/{name}"), "kind": "Deployment"}),
        within_s=120,
        what=f"{name} to be as specified",
    )


def test_a_quiet_time(cluster: Cluster, tmp_path: Path) -> None:
    with nothing_fires(cluster, tmp_path) as timeline:
        pass_by(timeline, QUIET_S)


@pytest.mark.parametrize("change", ["rolled out anew", "scaled up and down", "closed and opened"])
def test_a_harmless_change(cluster: Cluster, tmp_path: Path, change: str) -> None:
    api = cluster.api
    with nothing_fires(cluster, tmp_path) as timeline:
        match change:
            case "rolled out anew":
                for stamp in (rfc3339(timeline.clock.now()), None):
                    template = {"metadata": {"annotations": {"aftershock.dev/rolled-out-at": stamp}}}
                    api.patch(f"{DEPLOYMENTS}/reviews-v1", {"spec": {"template": template}})
                    settled(api, "reviews-v1")
            case "scaled up and down":
                for replicas in (3, 1):
                    api.patch(f"{DEPLOYMENTS}/ratings", {"spec": {"replicas": replicas}})
                    settled(api, "ratings")
            case "closed and opened":
                api.patch(NODE, {"spec": {"unschedulable": True}})
                try:
                    pass_by(timeline, 20.0)
                finally:
                    api.patch(NODE, {"spec": {"unschedulable": None}})
        pass_by(timeline, AFTER_A_CHANGE_S)
