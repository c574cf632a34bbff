"""Aims: what tells one container of a pod from every other one, now and later."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from aftershock.cluster.api import Json, KubeApi
from aftershock.errors import RefusedError

__all__ = ["GONE", "Endings", "aim_at", "pod_is_there", "status_of"]

GONE = "the pod is gone"
"""What is found of a container whose pod was deleted or replaced."""


def aim_at(pod: Json, container: str = "") -> dict[str, Any]:
    """Return the aim at one container of `pod`: the one of that name, else its only one.

    Plain data: namespace, pod, pod_uid, node, container, container_id, full_id (with the
    runtime's prefix), restarts, limits (as the specification has them).

    Raises:
        RefusedError: it cannot be told which, or it does not run.

    """
    name = pod["metadata"]["name"]
    specs = [spec for spec in pod["spec"]["containers"] if container in {"", spec["name"]}]
    if len(specs) != 1:
        names = ", ".join(spec["name"] for spec in pod["spec"]["containers"])
        raise RefusedError(
            f"which container of pod {name}?",
            expected="one container",
            found=names,
            hint="name the container",
        )
    (spec,) = specs
    status: Json = next(
        (entry for entry in pod["status"].get("containerStatuses") or () if entry["name"] == spec["name"]), {}
    )
    if "running" not in (status.get("state") or {}):
        raise RefusedError(
            f"container {spec['name']} of pod {name} does not run",
            expected="a running container",
            found=", ".join(status.get("state") or {}) or "no status",
        )
    return {
        "namespace": pod["metadata"]["namespace"],
        "pod": name,
        "pod_uid": pod["metadata"]["uid"],
        "node": pod["spec"]["nodeName"],
        "container": spec["name"],
        "full_id": status["containerID"],
        "container_id": status["containerID"].partition("://")[2],
        "restarts": status["restartCount"],
        "limits": dict(spec.get("resources", {}).get("limits") or {}),
    }


def pod_is_there(api: KubeApi, aim: Mapping[str, Any]) -> bool:
    """Whether the pod that was aimed at still exists, and is no other of its name."""
    return _pod(api, aim) is not None


def status_of(api: KubeApi, aim: Mapping[str, Any]) -> Json | None:
    """Return the container's status now; None if the pod is gone or another of that name."""
    pod = _pod(api, aim)
    statuses: list[Json] = (pod or {}).get("status", {}).get("containerStatuses") or []
    return next((entry for entry in statuses if entry["name"] == aim["container"]), None)


class Endings:
    """How the containers that were aimed at ended, kept from the look that saw it.

    The kubelet can forget it: its collection of dead containers (once a minute, the newest of
    each is kept) takes one that is created but not started yet for a dead one, and removes
    the one that really died.
    """

    def __init__(self) -> None:
        self._seen: dict[str, dict[str, Any]] = {}

    def of(self, status: Json | None, aim: Mapping[str, Any]) -> dict[str, Any]:
        """Return reason, exit_code and finished_at, as `status` tells or has told; empty if it never did.

        Of a pod that is gone there is no status.
        """
        ended = self._seen.setdefault(aim["full_id"], {})
        for state in ((status or {}).get("lastState") or {}, (status or {}).get("state") or {}):
            found = state.get("terminated") or {}
            if found.get("containerID") == aim["full_id"]:
                ended |= {
                    "reason": found["reason"],
                    "exit_code": found["exitCode"],
                    "finished_at": found["finishedAt"],
                }
        return dict(ended)


def _pod(api: KubeApi, aim: Mapping[str, Any]) -> Json | None:
    pod = api.find(f"/api/v1/namespaces/{aim['namespace']}/pods/{aim['pod']}")
    return pod if pod is not None and pod["metadata"]["uid"] == aim["pod_uid"] else None
