"""What the tests of auto-recovery use: trouble of their own making, and what the component says of it."""

from __future__ import annotations

import json
import secrets
from collections import Counter
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import requests
from prometheus_client.parser import text_string_to_metric_families

from aftershock.clock import SystemClock, rfc3339, wait_until
from aftershock.cluster.api import Json, KubeApi
from aftershock.cluster.connection import Cluster
from aftershock.cluster.targets import Target, is_live, is_ready
from aftershock.errors import EnvironmentUnusableError
from aftershock.faults.carrier import Carriers
from aftershock.faults.setting import Setting
from aftershock.scene.autorecovery import DEPLOYMENT, DRY_RUN
from tests.cluster.harness import harness, new_run

__all__ = ["CRASHES", "OWN", "RUNS_OUT", "SPACE", "Repairs", "deployment", "may_act", "space_of"]

# Of each session another: what was done to a deployment of that name is remembered for an hour.
SPACE = f"aftershock-repairs-{secrets.token_hex(3)}"
OWN = "/api/v1/namespaces/autorecovery"
REPLICAS = 2

RUNS_OUT = """
import time
born, at = time.time(), {at}
while time.time() < at:
    time.sleep(0.1)
hog = b"x" * (256 << 20) if born < at else b""
time.sleep(3600)
"""
"""Runs out of memory at that time (seconds since the epoch), once: a restart, or another pod, is well."""

CRASHES = """
import pathlib, sys, time
born = pathlib.Path("/state/born")
if not born.exists():
    born.write_text(str(time.time()))
if float(born.read_text()) < {until}:
    print("what it wrote last", flush=True)
    time.sleep(3)  # Ready for so long, or its rollout would never be over
    sys.exit(1)
time.sleep(3600)
"""
"""Crashes for ever in a pod that began before that time, whatever is restarted; another pod is well."""


def deployment(api: KubeApi, name: str, program: str, **pod: Any) -> Json:
    """Return a deployment of one pod that runs a program; `pod` are more fields of its specification."""
    container = {
        "name": name,
        "image": Carriers(api).image(),
        "imagePullPolicy": "IfNotPresent",
        "command": ["python3", "-c", program],
        "resources": {"requests": {"cpu": "1m", "memory": "16Mi"}, "limits": {"memory": "64Mi"}},
        "volumeMounts": [{"name": "state", "mountPath": "/state"}],
    }
    spec = {
        "terminationGracePeriodSeconds": 0,
        "containers": [container],
        "volumes": [{"name": "state", "emptyDir": {}}],
        **pod,
    }
    return {
        "metadata": {"name": name},
        "spec": {
            "selector": {"matchLabels": {"app": name}},
            "template": {"metadata": {"labels": {"app": name}}, "spec": spec},
        },
    }


@contextmanager
def space_of(api: KubeApi) -> Iterator[str]:
    """Make a namespace, yield its path, and see it gone."""
    path = f"/api/v1/namespaces/{SPACE}"
    api.post("/api/v1/namespaces", {"metadata": {"name": SPACE}})
    try:
        yield path
    finally:
        api.delete(path, {})
        gone = lambda: api.find(path) is None  # noqa: E731 - asked again and again
        wait_until(gone, within_s=120, what="the namespace to be gone")


@contextmanager
def may_act(cluster: Cluster, reports: Path) -> Iterator[None]:
    """Let it act while the body runs.

    Raises:
        EnvironmentUnusableError: it is not deployed.

    """
    if cluster.api.find(Target.path_of(DEPLOYMENT)) is None:
        raise EnvironmentUnusableError(
            "auto-recovery is not deployed", hint="aftershock up --with autorecovery"
        )
    repairs = Repairs(cluster)
    with harness(cluster, reports, run_id=new_run()) as injector:
        injector.inject(Setting(injector.tools, DEPLOYMENT, {("metadata", "annotations", DRY_RUN): "false"}))

        def lets() -> bool:
            figures = repairs.figures().values()
            return len(figures) == REPLICAS and not any(each["autorecovery_dry_run"] for each in figures)

        wait_until(lets, within_s=60, every_s=0.5, what="every replica to say that it may act")
        repairs.leader()
        yield


class Repairs:
    """Asks the component, replica by replica, and the API what it has done in the tests' namespace."""

    def __init__(self, cluster: Cluster) -> None:
        self.cluster = cluster
        self.api = cluster.api

    def figures(self) -> dict[str, Counter[str]]:
        """Return the metrics of each replica that is ready, as NAME, NAME/PLAYBOOK/OUTCOME or NAME/STATE."""
        found = {}
        for pod in self.api.items(f"{OWN}/pods", labelSelector="app.kubernetes.io/name=autorecovery"):
            if is_live(pod) and is_ready(pod):
                name = pod["metadata"]["name"]
                text = self.api.text(f"{OWN}/pods/{name}:8080/proxy/metrics")
                found[name] = Counter(
                    {
                        "/".join((sample.name, *_values(sample.labels))): sample.value
                        for family in text_string_to_metric_families(text)
                        for sample in family.samples
                    }
                )
        return found

    def counted(self, playbook: str, outcome: str) -> dict[str, float]:
        """Return how often each replica has counted an outcome since it started."""
        key = f"autorecovery_actions_total/{playbook}/{outcome}"
        return {pod: figures[key] for pod, figures in self.figures().items()}

    def leader(self) -> str:
        """Return the pod that leads, once one does."""

        def leading() -> str | None:
            leaders = [pod for pod, each in self.figures().items() if each["autorecovery_leader"]]
            return leaders[0] if len(leaders) == 1 else None

        return wait_until(leading, within_s=45, every_s=0.5, what="one replica to lead")

    def ask(self, pod: str, path: str) -> Json:
        """Return what a replica answers."""
        return self.api.get(f"{OWN}/pods/{pod}:8080/proxy{path}")

    def state(self) -> Json:
        """Return what it has written down: incidents and acts."""
        kept = self.api.get(f"{OWN}/configmaps/autorecovery-incidents")
        state: Json = json.loads((kept.get("data") or {}).get("state", "{}"))
        return {"incidents": [], "acts": [], **state}

    def incidents(self, about: str) -> list[Json]:
        """Return the incidents of an object in the tests' namespace, as deployment/NAMESPACE/NAME."""
        return [one for one in self.state()["incidents"] if one["finding"]["object"] == about]

    def told(self, name: str, *, in_namespace: str = SPACE) -> list[tuple[str, str]]:
        """Return reason and message of the Events about what is called so, or is a pod of it."""
        return [
            (event["reason"], event["message"])
            for event in self.api.items(f"/api/v1/namespaces/{in_namespace}/events")
            if (event.get("reason") or "").startswith("AutoRecover")
            and (event["involvedObject"]["name"] + "-").startswith(f"{name}-")
        ]

    def acted(self, name: str, *, within_s: float, reason: str = "AutoRecovered") -> str:
        """Wait for an Event of that reason, and return its message."""

        def said() -> str | None:
            return next((text for why, text in self.told(name) if why == reason), None)

        return wait_until(said, within_s=within_s, every_s=0.5, what=f"{reason} of {name}")

    def pods(self, name: str) -> list[Json]:
        """Return the live pods of a deployment of these tests."""
        found = self.api.items(f"/api/v1/namespaces/{SPACE}/pods", labelSelector=f"app={name}")
        return [pod for pod in found if is_live(pod)]

    def ready_pod(self, name: str, *, within_s: float = 30.0) -> Json:
        """Return the one pod of a deployment, once it is Ready."""

        def ready() -> Json | None:
            pods = self.pods(name)
            return pods[0] if len(pods) == 1 and is_ready(pods[0]) else None

        return wait_until(ready, within_s=within_s, every_s=0.3, what=f"the pod of {name} to be ready")

    def alert(self, labels: Mapping[str, str], *, for_s: float = 60.0) -> datetime:
        """Tell Alertmanager of an alert, as Prometheus would; return since when it is."""
        assert self.cluster.monitoring.alertmanager is not None
        now = SystemClock().now()
        told = {
            "labels": dict(labels),
            "annotations": {"summary": "a test of auto-recovery"},
            "startsAt": rfc3339(now),
            "endsAt": rfc3339(now + timedelta(seconds=for_s)),
        }
        url = f"{self.cluster.monitoring.alertmanager.url.rstrip('/')}/api/v2/alerts"
        requests.post(url, json=[told], timeout=10).raise_for_status()
        return now


def _values(labels: Mapping[str, str]) -> Iterator[str]:
    """Yield the values by which our metrics are told apart, in a fixed order."""
    return (labels[name] for name in ("playbook", "outcome", "state") if name in labels)
