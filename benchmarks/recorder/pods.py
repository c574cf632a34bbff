"""Pods for a control plane without kubelets, and what happens to them."""

from __future__ import annotations

import itertools
import random
import threading
from collections import Counter
from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from http import HTTPStatus

from aftershock.clock import Clock, SystemClock, rfc3339
from aftershock.cluster.api import Json, KubeApi
from aftershock.errors import AftershockError, ApiError, NotFoundError, TransientError

__all__ = ["Changes", "Population", "node_body", "pod_body"]

# An API server that has just started knows neither its users nor what they may do.
_NOT_YET = {HTTPStatus.UNAUTHORIZED, HTTPStatus.FORBIDDEN}

_AT_ONCE = 6
_PER_OWNER = 25  # pods that one ReplicaSet owns

# Out of 100 changes. Readiness is what flips most in a cluster that is disturbed.
_MIX = {"ready": 70, "restart": 15, "phase": 5, "delete": 10}


def node_body(name: str) -> Json:
    """Return a node that kwok takes care of."""
    return {
        "metadata": {"name": name, "labels": {"kubernetes.io/hostname": name, "type": "kwok"}},
        "spec": {"taints": [{"key": "kwok.x-k8s.io/node", "value": "fake", "effect": "NoSchedule"}]},
    }


def pod_body(namespace: str, number: int, node: str | None) -> Json:
    """Return a pod of the size that a deployment's pods have: probes, variables, volumes, an owner."""
    owner = f"web-{number // _PER_OWNER:04d}"
    probe = {"httpGet": {"path": "/healthz", "port": 8080}, "periodSeconds": 5, "timeoutSeconds": 1}
    container = {
        "name": "main",
        "image": "registry.example/shop/web:1.27.3",
        "ports": [{"name": "http", "containerPort": 8080}, {"name": "metrics", "containerPort": 9090}],
        "env": [{"name": f"SETTING_{index}", "value": f"https://service-{index}.shop.svc:8443"}
                for index in range(4)],
        "resources": {
            "requests": {"cpu": "100m", "memory": "128Mi"},
            "limits": {"cpu": "500m", "memory": "256Mi"},
        },
        "readinessProbe": probe,
        "livenessProbe": {**probe, "initialDelaySeconds": 10, "failureThreshold": 5},
        "volumeMounts": [{"name": "cache", "mountPath": "/var/cache/web"},
                         {"name": "config", "mountPath": "/etc/web", "readOnly": True}],
    }  # fmt: skip
    spec: Json = {
        "containers": [container],
        "volumes": [{"name": "cache", "emptyDir": {}}, {"name": "config", "configMap": {"name": "web"}}],
        "tolerations": [{"operator": "Exists"}],
        **({"nodeName": node} if node else {}),
    }
    return {
        "metadata": {
            "name": f"{owner}-{number:06x}",
            "namespace": namespace,
            "labels": {"app": "web", "pod-template-hash": owner, "team": "shop"},
            "annotations": {"kubernetes.io/config.seen": "2026-01-01T00:00:00.000000000Z"},
            "ownerReferences": [
                {
                    "apiVersion": "apps/v1",
                    "kind": "ReplicaSet",
                    "name": owner,
                    "uid": f"00000000-0000-4000-8000-{number // _PER_OWNER:012d}",
                    "controller": True,
                }
            ],
        },
        "spec": spec,
    }


@dataclass
class _Pod:
    namespace: str
    name: str
    ready: bool = True
    restarts: int = 0
    phase: str = "Running"

    @classmethod
    def of(cls, item: Json) -> _Pod:
        """Return the pod that the API has as `item`, as if it were healthy."""
        return cls(item["metadata"]["namespace"], item["metadata"]["name"])

    @property
    def path(self) -> str:
        return f"/api/v1/namespaces/{self.namespace}/pods/{self.name}"

    def status(self, now: str) -> Json:
        """Return its status as a kubelet writes it."""
        word = str(self.ready)
        last = {"terminated": {"exitCode": 137, "reason": "OOMKilled", "startedAt": now, "finishedAt": now}}
        return {
            "phase": self.phase,
            "startTime": now,
            "conditions": [
                {"type": kind, "status": word, "lastTransitionTime": now}
                for kind in ("Ready", "ContainersReady")
            ],
            "containerStatuses": [
                {
                    "name": "main",
                    "ready": self.ready,
                    "started": True,
                    "restartCount": self.restarts,
                    "image": "registry.example/shop/web:1.27.3",
                    "imageID": "sha256:" + "5" * 64,
                    "containerID": f"containerd://{self.restarts:064x}",
                    "state": {"running": {"startedAt": now}},
                    **({"lastState": last} if self.restarts else {}),
                }
            ],
        }


class Population:
    """Namespaces, nodes and pods, made through the API."""

    def __init__(self, api: KubeApi, *, namespaces: Iterable[str], nodes: int) -> None:
        self.api = api
        self.namespaces = tuple(namespaces)
        self.nodes = [f"node-{index:03d}" for index in range(nodes)]
        self._numbers = itertools.count()

    def make(self, pods: int) -> None:
        """Make everything, `pods` of them in all."""
        for namespace in self.namespaces:
            self.api.post("/api/v1/namespaces", {"metadata": {"name": namespace}})
        for node in self.nodes:
            self.api.post("/api/v1/nodes", node_body(node))
        with ThreadPoolExecutor(_AT_ONCE) as pool:
            for _ in pool.map(lambda _: self.add(), range(pods)):
                pass

    def add(self) -> Json:
        """Make one more pod, and return it."""
        number = next(self._numbers)
        namespace = self.namespaces[number % len(self.namespaces)]
        node = self.nodes[number % len(self.nodes)] if self.nodes else None
        return self.api.post(f"/api/v1/namespaces/{namespace}/pods", pod_body(namespace, number, node))

    def items(self) -> list[Json]:
        """Return every pod as the API has it now."""
        return [
            item
            for namespace in self.namespaces
            for item in self.api.items(f"/api/v1/namespaces/{namespace}/pods")
        ]


class Changes:
    """Changes the pods that there are at a steady rate, in a thread of its own. `done` counts by kind.

    While the API is away changes are counted as `refused`; the next ones come at their time.
    """

    def __init__(
        self, population: Population, *, per_s: float, seed: int = 1, clock: Clock | None = None
    ) -> None:
        self.done: Counter[str] = Counter()
        self._population = population
        self._api = population.api
        self._interval = 1 / per_s
        self._random = random.Random(seed)  # noqa: S311 - which pod is next is no secret
        self._clock = clock or SystemClock()
        self._stopping = threading.Event()
        self._error: AftershockError | None = None
        self._pods = [_Pod.of(item) for item in population.items()]
        self._thread = threading.Thread(target=self._run, name="changes", daemon=True)

    def start(self) -> None:
        """Begin."""
        self._thread.start()

    def stop(self) -> None:
        """End, and raise what the API refused."""
        self._stopping.set()
        self._thread.join()
        if self._error:
            raise self._error

    def _run(self) -> None:
        due = self._clock.monotonic()
        kinds, weights = list(_MIX), list(_MIX.values())
        try:
            while not self._stopping.wait(max(0.0, due - self._clock.monotonic())):
                (kind,) = self._random.choices(kinds, weights)
                try:
                    self._change(kind)
                    self.done[kind] += 1
                except TransientError:
                    self.done["refused"] += 1
                except ApiError as error:
                    if error.status not in _NOT_YET:
                        raise
                    self.done["refused"] += 1
                due = max(due + self._interval, self._clock.monotonic() - 1.0)
        except AftershockError as error:
            self._error = error

    def _change(self, kind: str) -> None:
        pod = self._random.choice(self._pods)
        if kind == "delete":
            self._api.delete(pod.path)
            self._pods.remove(pod)
            self._pods.append(_Pod.of(self._population.add()))
            return
        if kind == "ready":
            pod.ready = not pod.ready
        elif kind == "restart":
            pod.restarts += 1
        else:
            pod.phase = "Failed" if pod.phase == "Running" else "Running"
        body = {"status": pod.status(rfc3339(self._clock.now())[:19] + "Z")}
        try:
            self._api.patch(f"{pod.path}/status", body, kind="strategic")
        except NotFoundError:  # deleted, but the API went away before it said so
            self._pods.remove(pod)
