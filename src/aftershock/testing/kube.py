"""A Kubernetes API in memory: enough of it to test what plans, acts and undoes.

Objects are kept by path. Lists honour label and field selectors as far as the project
uses them; merge patches follow RFC 7386; an eviction asks the PodDisruptionBudgets; a
changed resourceVersion is a conflict. Nothing runs here: a test says what kubelets and
controllers would have done, with `on_change` or by editing the objects.
"""

# ruff: noqa: ARG002 - the signatures are KubeApi's
from __future__ import annotations

import copy
import itertools
from collections.abc import Callable
from http import HTTPStatus
from typing import Any

from aftershock.cluster.api import Json, KubeApi, PatchKind
from aftershock.cluster.watch import Watch
from aftershock.errors import ApiError, NotFoundError, TransientError

__all__ = ["FakeApi", "node", "pod"]


def pod(
    name: str,
    *,
    namespace: str = "demo",
    node: str = "worker",
    app: str = "web",
    owner: str | None = "ReplicaSet/web-7d9f",
    **more: Any,
) -> Json:
    """Return a running pod with one container `main` of 64Mi; `more` is merged over it."""
    kind, _, owner_name = (owner or "").partition("/")
    owners = [{"kind": kind, "name": owner_name, "uid": owner_name, "controller": True}] if owner else []
    base: Json = {
        "metadata": {
            "name": name,
            "namespace": namespace,
            "uid": f"uid-{name}",
            "labels": {"app": app},
            "ownerReferences": owners,
        },
        "spec": {
            "nodeName": node,
            "containers": [{"name": "main", "resources": {"limits": {"memory": "64Mi"}}}],
        },
        "status": {
            "phase": "Running",
            "conditions": [{"type": "Ready", "status": "True"}],
            "containerStatuses": [
                {
                    "name": "main",
                    "containerID": f"containerd://{name}-0",
                    "restartCount": 0,
                    "ready": True,
                    "state": {"running": {"startedAt": "2026-01-01T00:00:00Z"}},
                    "lastState": {},
                }
            ],
        },
    }
    return merge(base, more)


def node(name: str, *, control_plane: bool = False, **more: Any) -> Json:
    """Return a Ready node; `more` is merged over it."""
    role = {"node-role.kubernetes.io/control-plane": ""} if control_plane else {}
    taints = [{"key": "node-role.kubernetes.io/control-plane", "effect": "NoSchedule"}]
    base: Json = {
        "metadata": {"name": name, "uid": f"uid-{name}", "labels": role},
        "spec": {"taints": taints} if control_plane else {},
        "status": {"conditions": [{"type": "Ready", "status": "True"}]},
    }
    return merge(base, more)


class FakeApi(KubeApi):
    """An API server's memory. `calls` lists every change asked for, as (method, path, body).

    `renewing` are paths of Leases that somebody renews between any two looks.
    """

    def __init__(self) -> None:
        self.objects: dict[str, Json] = {}
        self.logs: dict[str, str] = {}
        self.calls: list[tuple[str, str, Json | None]] = []
        self.on_change: Callable[[str, str], None] | None = None
        self.renewing: set[str] = set()
        self._versions = itertools.count(1)

    def add(self, path: str, *objects: Json) -> None:
        """Put objects under a collection's path, as "/api/v1/nodes"."""
        for found in objects:
            self._store(f"{path}/{found['metadata']['name']}", copy.deepcopy(found))

    def add_pods(self, *pods: Json) -> None:
        """Put pods into their namespaces."""
        for found in pods:
            self.add(f"/api/v1/namespaces/{found['metadata']['namespace']}/pods", found)

    def get(self, path: str, **query: str) -> Json:
        """Return an object, or a list of those under a collection's path."""
        if path in self.renewing:
            return {"metadata": {}, "spec": {"holderIdentity": "x", "renewTime": str(next(self._versions))}}
        if path in self.objects:
            return copy.deepcopy(self.objects[path])
        if path.rpartition("/")[2] in COLLECTIONS:
            return {"items": [copy.deepcopy(found) for found in self._list(path, query)]}
        raise NotFoundError(f"GET {path}: 404 Not Found", status=404)

    def text(self, path: str, *, timeout_s: float | None = None, **query: str) -> str:
        """Return what a test put into `logs`."""
        return self.logs.get(path, "")

    def post(self, path: str, body: Json, **query: str) -> Json:
        """Create an object, or evict a pod."""
        self.calls.append(("POST", path, body))
        if path.endswith("/eviction"):
            self._evict(path.removesuffix("/eviction"), body)
            return {}
        own = f"{path}/{body['metadata']['name']}"
        if own in self.objects:
            raise ApiError(f"POST {path}: 409 Conflict", status=HTTPStatus.CONFLICT)
        created = copy.deepcopy(body)
        created["metadata"].setdefault("uid", f"uid-{body['metadata']['name']}")
        self._store(own, created)
        self._changed("POST", own)
        return self.get(own)

    def patch(self, path: str, body: Json, *, kind: PatchKind = "merge", **query: str) -> Json:
        """Merge `body` into an object."""
        self.calls.append(("PATCH", path, body))
        current = self.get(path)
        for precondition in ("resourceVersion", "uid"):
            wanted = body.get("metadata", {}).get(precondition)
            if wanted is not None and wanted != current["metadata"][precondition]:
                raise ApiError(f"PATCH {path}: 409 Conflict", status=HTTPStatus.CONFLICT)
        self._store(path, merge(current, body))
        self._changed("PATCH", path)
        return self.get(path)

    def put(self, path: str, body: Json) -> Json:
        """Replace an object, if it is as it was read."""
        self.calls.append(("PUT", path, body))
        if body["metadata"]["resourceVersion"] != self.get(path)["metadata"]["resourceVersion"]:
            raise ApiError(f"PUT {path}: 409 Conflict", status=HTTPStatus.CONFLICT)
        self._store(path, copy.deepcopy(body))
        self._changed("PUT", path)
        return self.get(path)

    def delete(self, path: str, body: Json | None = None) -> None:
        """Remove an object, if it has the UID that is asked for; one that is gone already is no error."""
        self.calls.append(("DELETE", path, body))
        wanted = (body or {}).get("preconditions", {}).get("uid")
        if path in self.objects and wanted not in {None, self.objects[path]["metadata"].get("uid")}:
            raise ApiError(f"DELETE {path}: 409 Conflict", status=HTTPStatus.CONFLICT)
        if self.objects.pop(path, None) is not None:
            self._changed("DELETE", path)

    def watch(self, path: str, *, timeout_s: float, **query: str) -> Watch:
        """Return a watch that brings nothing: watchers have tests of their own."""
        return Watch(iter(()))

    def _changed(self, method: str, path: str) -> None:
        if self.on_change is not None:
            self.on_change(method, path)

    def _store(self, path: str, found: Json) -> None:
        found["metadata"]["resourceVersion"] = str(next(self._versions))
        self.objects[path] = found

    def _list(self, path: str, query: dict[str, str]) -> list[Json]:
        # "/api/v1/pods" lists every namespace's.
        prefix, _, kind = path.rpartition("/")
        inside = [
            found
            for own, found in sorted(self.objects.items())
            if own.rpartition("/")[0] == path
            or (
                own.startswith(f"{prefix}/namespaces/")
                and own.split("/")[-2] == kind
                and kind != "namespaces"
            )
        ]
        labels = [term for term in query.get("labelSelector", "").split(",") if term]
        fields = [term for term in query.get("fieldSelector", "").split(",") if term]
        return [
            found
            for found in inside
            if all(_has_label(found, term) for term in labels)
            and all(_has_field(found, term) for term in fields)
        ]

    def _evict(self, path: str, body: Json) -> None:
        target = self.get(path)
        wanted = body.get("deleteOptions", {}).get("preconditions", {}).get("uid")
        if wanted not in {None, target["metadata"]["uid"]}:
            raise ApiError(f"POST {path}/eviction: 409 Conflict", status=HTTPStatus.CONFLICT)
        namespace = target["metadata"]["namespace"]
        for budget in self.items(f"/apis/policy/v1/namespaces/{namespace}/poddisruptionbudgets"):
            terms = ",".join(
                f"{key}={value}" for key, value in budget["spec"]["selector"]["matchLabels"].items()
            )
            covered = self.items(f"/api/v1/namespaces/{namespace}/pods", labelSelector=terms)
            ready = [found for found in covered if _is_ready(found)]
            spec = budget["spec"]
            if spec.get("unhealthyPodEvictionPolicy") == "AlwaysAllow" and not _is_ready(target):
                continue
            least = spec.get("minAvailable", len(covered) - spec.get("maxUnavailable", 0))
            if target in covered and len(ready) - 1 < least:
                raise TransientError(
                    f"POST {path}/eviction: 429 Too Many Requests",
                    found="Cannot evict pod as it would violate the pod's disruption budget.",
                )
        del self.objects[path]
        self._changed("EVICT", path)


COLLECTIONS = {
    "configmaps",
    "daemonsets",
    "deployments",
    "horizontalpodautoscalers",
    "endpointslices",
    "events",
    "jobs",
    "leases",
    "namespaces",
    "nodes",
    "poddisruptionbudgets",
    "pods",
    "prometheusrules",
    "servicemonitors",
    "services",
    "statefulsets",
}


def merge(base: Json, patch: Json) -> Json:
    """Return `base` with a JSON merge patch (RFC 7386) applied."""
    result = copy.deepcopy(base)
    for key, value in patch.items():
        if value is None:
            result.pop(key, None)
        elif isinstance(value, dict):
            inner = result.get(key)
            result[key] = merge(inner if isinstance(inner, dict) else {}, value)
        else:
            result[key] = copy.deepcopy(value)
    return result


def _has_label(found: Json, term: str) -> bool:
    key, _, value = term.partition("=")
    labels = found["metadata"].get("labels") or {}
    return labels.get(key) == value if "=" in term else key in labels


def _has_field(found: Json, term: str) -> bool:
    path, _, value = term.partition("=")
    inner: Any = found
    for part in path.split("."):
        inner = inner.get(part, {}) if isinstance(inner, dict) else {}
    return bool(inner == value)


def _is_ready(found: Json) -> bool:
    conditions = found.get("status", {}).get("conditions", ())
    return any(entry["type"] == "Ready" and entry["status"] == "True" for entry in conditions)
