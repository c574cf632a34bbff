"""What keeps an HPA from its work, on a real cluster: each made for real, and seen as what it is.

In a namespace of its own, which is removed afterwards. metrics-server is stopped for a minute.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime

import pytest

from aftershock.clock import wait_until
from aftershock.cluster.api import Json, KubeApi
from aftershock.cluster.connection import Cluster
from aftershock.errors import DeadlineError
from aftershock.judge.scaling import scaled_by_formula
from aftershock.judge.scaling_troubles import TROUBLES, hpa_in_trouble
from aftershock.observe.metrics import PodMetrics
from aftershock.observe.recorder import Recorder
from aftershock.timeline import Timeline
from aftershock.verdict import Verdict

SPACE = "aftershock-scaling-test"
APPS = f"/apis/apps/v1/namespaces/{SPACE}/deployments"
HPAS = f"/apis/autoscaling/v2/namespaces/{SPACE}/horizontalpodautoscalers"
METRICS_SERVER = "/apis/apps/v1/namespaces/kube-system/deployments/metrics-server"
WITHIN_S = 180.0
NAMES = {
    "at its maximum": "full",
    "without metrics": "blind",
    "without a request": "bare",
    "without a target": "lost",
    "overruled by hand": "hand",
    "short of room": "tight",
}

CPU: Json = {
    "type": "Resource",
    "resource": {"name": "cpu", "target": {"type": "Utilization", "averageUtilization": 50}},
}
# A pause container takes some hundred KiB: many times as much as this.
MEMORY: Json = {
    "type": "Resource",
    "resource": {"name": "memory", "target": {"type": "AverageValue", "averageValue": "1Ki"}},
}


@dataclass(frozen=True)
class Seen:
    """What was recorded, from when on; `measured` is until when metrics-server ran."""

    timeline: Timeline
    since: datetime
    measured: datetime

    def judge(self, trouble: str) -> Verdict:
        return hpa_in_trouble(
            self.timeline,
            hpa=f"hpa/{SPACE}/{NAMES[trouble]}",
            trouble=trouble,
            within_s=WITHIN_S,
            since=self.since,
        )


def deploy(api: KubeApi, name: str, requests: dict[str, str]) -> None:
    container = {
        "name": "pause",
        "image": "registry.k8s.io/pause:3.10.1",
        "imagePullPolicy": "IfNotPresent",
        "resources": {"requests": requests},
    }
    labels = {"app": name}
    pod = {"terminationGracePeriodSeconds": 0, "containers": [container]}
    api.post(
        APPS,
        {
            "apiVersion": "apps/v1",
            "kind": "Deployment",
            "metadata": {"name": name, "namespace": SPACE},
            "spec": {
                "selector": {"matchLabels": labels},
                "template": {"metadata": {"labels": labels}, "spec": pod},
            },
        },
    )


def scale(api: KubeApi, name: str, *metrics: Json, minimum: int = 1, maximum: int = 3) -> None:
    api.post(
        HPAS,
        {
            "apiVersion": "autoscaling/v2",
            "kind": "HorizontalPodAutoscaler",
            "metadata": {"name": name, "namespace": SPACE},
            "spec": {
                "scaleTargetRef": {"apiVersion": "apps/v1", "kind": "Deployment", "name": name},
                "minReplicas": minimum,
                "maxReplicas": maximum,
                "metrics": list(metrics),
            },
        },
    )


def measured(api: KubeApi, name: str) -> bool:
    return bool(api.get(f"{HPAS}/{name}")["status"].get("currentMetrics"))


@pytest.fixture(scope="module")
def seen(cluster: Cluster) -> Iterator[Seen]:
    api, timeline = cluster.api, Timeline()
    api.delete(f"/api/v1/namespaces/{SPACE}")
    wait_until(
        lambda: api.find(f"/api/v1/namespaces/{SPACE}") is None, within_s=60, what="an earlier run to be gone"
    )
    api.post("/api/v1/namespaces", {"metadata": {"name": SPACE}})
    try:
        metrics = PodMetrics(api, timeline, namespaces=[SPACE])
        with Recorder(api, timeline, namespaces=[SPACE]), metrics:
            since = timeline.clock.now()
            make(api)
            found = Seen(timeline=timeline, since=since, measured=timeline.clock.now())
            api.patch(METRICS_SERVER, {"spec": {"replicas": 0}})
            with suppress(DeadlineError):  # each is judged below, and says what is missing
                wait_until(
                    lambda: all(found.judge(trouble).status == "met" for trouble in TROUBLES),
                    within_s=WITHIN_S,
                    every_s=2,
                    what="every trouble to be seen",
                )
        yield found
    finally:
        api.patch(METRICS_SERVER, {"spec": {"replicas": 1}})
        api.delete(f"/api/v1/namespaces/{SPACE}")
        wait_until(
            lambda: api.get(METRICS_SERVER)["status"].get("readyReplicas") == 1,
            within_s=120,
            what="metrics-server to be back",
        )


def make(api: KubeApi) -> None:
    """Make every trouble there is."""
    small = {"cpu": "5m", "memory": "8Mi"}
    for name, requests in (("full", small), ("blind", small), ("hand", small), ("bare", {"memory": "8Mi"})):
        deploy(api, name, requests)
    deploy(api, "tight", {"cpu": "900m"})
    scale(api, "full", MEMORY, maximum=2)
    scale(api, "blind", CPU)
    scale(api, "bare", CPU)
    scale(api, "hand", CPU)
    scale(api, "lost", CPU)
    # Its minimum alone is more than two workers have room for.
    scale(api, "tight", CPU, minimum=6, maximum=6)
    wait_until(
        lambda: measured(api, "hand") and measured(api, "blind") and measured(api, "full"),
        within_s=90,
        every_s=1,
        what="the HPAs to have metrics",
    )
    api.patch(f"{APPS}/hand", {"spec": {"replicas": 2}})
    wait_until(
        lambda: api.get(f"{APPS}/full")["spec"]["replicas"] == 2,
        within_s=60,
        every_s=1,
        what="the maximum to be reached",
    )


@pytest.mark.parametrize("trouble", TROUBLES)
def test_it_is_seen_as_what_it_is(seen: Seen, trouble: str) -> None:
    verdict = seen.judge(trouble)
    assert verdict.status == "met", "\n".join(verdict.lines())


def test_an_hpa_on_memory_follows_the_formula(seen: Seen) -> None:
    verdict = scaled_by_formula(seen.timeline, hpa=f"hpa/{SPACE}/full", since=seen.since, until=seen.measured)
    assert verdict.status == "met", "\n".join(verdict.lines())
    assert verdict.observed == "1 → 2"
    assert "memory at" in verdict.evidence[0]
