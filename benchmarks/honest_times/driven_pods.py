"""Driven pods in the cluster: made from our own image and a ConfigMap, told what to do, removed.

Each has a Service that keeps its address while it is not ready, reached at the address of the
node it runs on: what the probe sees are the pod's own answers, not when kube-proxy acts.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

from aftershock.clock import wait_until
from aftershock.cluster.api import Json, KubeApi
from aftershock.cluster.apply import Applier
from aftershock.cluster.connection import Endpoint
from aftershock.errors import AftershockError
from aftershock.faults.carrier import Carriers
from aftershock.observe.http import TIMEOUT_S, get_json, refuse, session_for
from benchmarks.honest_times.driven_pod import APP_PORT, CONTROL_PORT
from benchmarks.honest_times.trials import Schedule
from benchmarks.pods import NAMESPACE, deployment, node_ports, ready_pods, remove, script_pod

__all__ = ["PREFIX", "DrivenPod", "Interval", "driven_pods", "objects", "outages_in"]

PREFIX = "driven-"

_PART = "aftershock-driven-pods"
_LABELS = {"app.kubernetes.io/part-of": _PART}
_FOLDERS = (
    f"/apis/apps/v1/namespaces/{NAMESPACE}/deployments",
    f"/api/v1/namespaces/{NAMESPACE}/services",
    f"/api/v1/namespaces/{NAMESPACE}/configmaps",
)
_READY_WITHIN_S = 90.0


@dataclass(frozen=True, kw_only=True)
class Interval:
    """From when to when it was down, by the clock in question (UTC, microseconds)."""

    begin: datetime
    end: datetime

    @property
    def length_s(self) -> float:
        """Seconds."""
        return (self.end - self.begin).total_seconds()


@dataclass(frozen=True, kw_only=True)
class DrivenPod:
    """One that runs: its pod's name, and where its answers (`url`) and its control port are."""

    name: str
    pod: str
    url: str
    control: str

    @property
    def workload(self) -> str:
        """Its deployment, as the judges name it."""
        return f"deployment/{NAMESPACE}/{self.name}"

    def drive(self, schedule: Schedule) -> None:
        """Begin `schedule` now."""
        with session_for(Endpoint(url=self.control)) as session:
            refuse(session.post(f"{self.control}/schedule", json=schedule.to_json(), timeout=TIMEOUT_S))

    def outages(self) -> list[Interval]:
        """Return when it really was down, by its own clock, since it was last driven.

        Raises:
            AftershockError: the schedule is not over.

        """
        with session_for(Endpoint(url=self.control)) as session:
            return outages_in(get_json(session, f"{self.control}/flips"))


def outages_in(answer: Json) -> list[Interval]:
    """Read the control port's answer.

    Raises:
        AftershockError: the schedule is not over, or flips do not alternate.

    """
    flips = answer["flips"]
    downs, ups = flips[::2], flips[1::2]
    whole = len(downs) == len(ups) and not any(f["up"] for f in downs) and all(f["up"] for f in ups)
    if not answer["done"] or not whole:
        raise AftershockError("a driven pod has not come to the end of its schedule", found=str(answer))
    return [
        Interval(begin=_instant(down["at_ns"]), end=_instant(up["at_ns"]))
        for down, up in zip(downs, ups, strict=True)
    ]


@contextmanager
def driven_pods(api: KubeApi, *, count: int) -> Iterator[list[DrivenPod]]:
    """Have `count` of them for the length of the block.

    Raises:
        FaultError: no pod of the stack runs the image of our own parts.
        DeadlineError: they are not Ready in time.

    """
    remove(
        api, _LABELS, folders=_FOLDERS
    )  # what an interrupted run has left would answer with its old script
    try:
        Applier(api).apply(objects(count, image=Carriers(api).image()))
        yield wait_until(
            lambda: _found(api, count),
            within_s=_READY_WITHIN_S,
            what=f"{count} driven pods to be Ready",
            hint=f"`kubectl describe pods -n {NAMESPACE} -l app.kubernetes.io/part-of={_PART}`",
        )
    finally:
        remove(api, _LABELS, folders=_FOLDERS)


def objects(count: int, *, image: str) -> list[Json]:
    """Return the manifests: the script, and a Deployment and a Service for each pod."""
    script = Path(__file__).with_name("driven_pod.py")
    config: Json = {
        "apiVersion": "v1",
        "kind": "ConfigMap",
        "metadata": {"name": _PART, "namespace": NAMESPACE, "labels": _LABELS},
        "data": {script.name: script.read_text(encoding="utf-8")},
    }
    names = [f"{PREFIX}{number}" for number in range(count)]
    return [
        config,
        *(_deployment(name, _LABELS, script, image) for name in names),
        *(_service(name, _LABELS) for name in names),
    ]


def _deployment(name: str, labels: Json, script: Path, image: str) -> Json:
    probe = {
        "httpGet": {"path": "/", "port": "app"},
        "periodSeconds": 1,
        "timeoutSeconds": 1,
        "failureThreshold": 1,
        "successThreshold": 1,
    }
    ports = {"app": APP_PORT, "control": CONTROL_PORT}
    pod = script_pod(script, name="driven", config=_PART, image=image, ports=ports, probe=probe)
    return deployment(name, {**labels, "app": name}, pod)


def _service(name: str, labels: Json) -> Json:
    return {
        "apiVersion": "v1",
        "kind": "Service",
        "metadata": {"name": name, "namespace": NAMESPACE, "labels": labels},
        "spec": {
            "type": "NodePort",
            "externalTrafficPolicy": "Local",
            "publishNotReadyAddresses": True,
            "selector": {**labels, "app": name},
            "ports": [
                {"name": "app", "port": APP_PORT, "targetPort": "app"},
                {"name": "control", "port": CONTROL_PORT, "targetPort": "control"},
            ],
        },
    }


def _found(api: KubeApi, count: int) -> list[DrivenPod] | None:
    """Return the driven pods if all are Ready and answer."""
    pods = {pod["metadata"]["labels"]["app"]: pod for pod in ready_pods(api, _LABELS)}
    if len(pods) < count:
        return None
    found = []
    for name, pod in sorted(pods.items()):
        ports = node_ports(api, name)
        node = f"http://{pod['status']['hostIP']}"
        driven = DrivenPod(
            name=name,
            pod=pod["metadata"]["name"],
            url=f"{node}:{ports['app']}/",
            control=f"{node}:{ports['control']}",
        )
        driven.outages()  # kube-proxy may still have to learn of it: then this is a TransientError
        found.append(driven)
    return found


def _instant(at_ns: int) -> datetime:
    return datetime.fromtimestamp(at_ns // 10**9, UTC) + timedelta(microseconds=at_ns % 10**9 // 1000)
