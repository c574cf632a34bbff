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
from aftershock.cluster.targets import is_live
from aftershock.errors import AftershockError, EnvironmentUnusableError
from aftershock.observe.http import TIMEOUT_S, get_json, refuse, session_for
from benchmarks.honest_times.driven_pod import APP_PORT, CONTROL_PORT
from benchmarks.honest_times.trials import Schedule

__all__ = ["NAMESPACE", "PREFIX", "DrivenPod", "Interval", "driven_pods", "objects", "outages_in"]

NAMESPACE = "demo"
"""One whose pods the API server's audit log covers, and that may be touched."""
PREFIX = "driven-"

_PART = "aftershock-driven-pods"
_LABEL = "app.kubernetes.io/part-of"
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
        EnvironmentUnusableError: no pod of the stack runs the image of our own parts.
        DeadlineError: they are not Ready in time.

    """
    _remove(api)  # what an interrupted run has left would answer with its old script
    try:
        Applier(api).apply(objects(count, image=_image(api)))
        yield wait_until(
            lambda: _found(api, count),
            within_s=_READY_WITHIN_S,
            what=f"{count} driven pods to be Ready",
            hint=f"`kubectl describe pods -n {NAMESPACE} -l {_LABEL}={_PART}`",
        )
    finally:
        _remove(api)


def objects(count: int, *, image: str) -> list[Json]:
    """Return the manifests: the script, and a Deployment and a Service for each pod."""
    script = Path(__file__).with_name("driven_pod.py")
    labels = {_LABEL: _PART}
    config: Json = {
        "apiVersion": "v1",
        "kind": "ConfigMap",
        "metadata": {"name": _PART, "namespace": NAMESPACE, "labels": labels},
        "data": {script.name: script.read_text(encoding="utf-8")},
    }
    names = [f"{PREFIX}{number}" for number in range(count)]
    return [
        config,
        *(_deployment(name, labels, script.name, image) for name in names),
        *(_service(name, labels) for name in names),
    ]


def _deployment(name: str, labels: Json, script: str, image: str) -> Json:
    own = {**labels, "app": name}
    container = {
        "name": "driven",
        "image": image,
        "imagePullPolicy": "IfNotPresent",
        "command": ["python3", f"/driven/{script}"],
        "ports": [
            {"name": "app", "containerPort": APP_PORT},
            {"name": "control", "containerPort": CONTROL_PORT},
        ],
        "readinessProbe": {
            "httpGet": {"path": "/", "port": "app"},
            "periodSeconds": 1,
            "timeoutSeconds": 1,
            "failureThreshold": 1,
            "successThreshold": 1,
        },
        "resources": {"requests": {"cpu": "20m", "memory": "32Mi"}, "limits": {"memory": "64Mi"}},
        "securityContext": {
            "allowPrivilegeEscalation": False,
            "readOnlyRootFilesystem": True,
            "capabilities": {"drop": ["ALL"]},
        },
        "volumeMounts": [{"name": "script", "mountPath": "/driven", "readOnly": True}],
    }
    pod = {
        "automountServiceAccountToken": False,
        "enableServiceLinks": False,
        "terminationGracePeriodSeconds": 5,
        "securityContext": {
            "runAsNonRoot": True,
            "runAsUser": 65534,
            "seccompProfile": {"type": "RuntimeDefault"},
        },
        "containers": [container],
        "volumes": [{"name": "script", "configMap": {"name": _PART}}],
    }
    return {
        "apiVersion": "apps/v1",
        "kind": "Deployment",
        "metadata": {"name": name, "namespace": NAMESPACE, "labels": own},
        "spec": {
            "replicas": 1,
            "selector": {"matchLabels": own},
            "template": {"metadata": {"labels": own}, "spec": pod},
        },
    }


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


def _image(api: KubeApi) -> str:
    """Return the image of our own parts as the stack runs it."""
    for pod in api.items("/api/v1/pods"):
        for container in pod["spec"]["containers"]:
            if "aftershock.dev/components:" in container["image"] and is_live(pod):
                return str(container["image"])
    raise EnvironmentUnusableError(
        "no pod of the stack runs aftershock.dev/components, which driven pods run too",
        hint="`aftershock up` deploys the stack",
    )


def _found(api: KubeApi, count: int) -> list[DrivenPod] | None:
    """Return the driven pods if all are Ready and answer."""
    pods = {
        pod["metadata"]["labels"]["app"]: pod
        for pod in api.items(f"/api/v1/namespaces/{NAMESPACE}/pods", labelSelector=f"{_LABEL}={_PART}")
        if is_live(pod) and _is_ready(pod)
    }
    if len(pods) < count:
        return None
    found = []
    for name, pod in sorted(pods.items()):
        service = api.get(f"/api/v1/namespaces/{NAMESPACE}/services/{name}")
        ports = {port["name"]: port["nodePort"] for port in service["spec"]["ports"]}
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


def _is_ready(pod: Json) -> bool:
    conditions = pod["status"].get("conditions") or ()
    return any(item["type"] == "Ready" and item["status"] == "True" for item in conditions)


def _remove(api: KubeApi) -> None:
    """Delete everything that carries our label, and wait until no pod of it is left."""
    core, apps = f"/api/v1/namespaces/{NAMESPACE}", f"/apis/apps/v1/namespaces/{NAMESPACE}"
    query = {"labelSelector": f"{_LABEL}={_PART}"}
    for folder in (f"{apps}/deployments", f"{core}/services", f"{core}/configmaps"):
        for item in api.items(folder, **query):
            api.delete(f"{folder}/{item['metadata']['name']}")
    wait_until(
        lambda: not api.items(f"{core}/pods", **query), within_s=60.0, what="driven pods to be removed"
    )


def _instant(at_ns: int) -> datetime:
    return datetime.fromtimestamp(at_ns // 10**9, UTC) + timedelta(microseconds=at_ns % 10**9 // 1000)
