"""Carriers: short-lived pods through which a fault acts inside a node.

Each is a Job of one pod on the target's node: privileged, in the node's PID namespace, with
no rights at the API. It ends by its own clock, its pod by activeDeadlineSeconds, and the
Job removes itself soon after, so that a vanished harness leaves nothing. Its QoS class is
Guaranteed, which gives it a low oom_score_adj: it must not be what the kernel kills.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from aftershock.clock import Clock, SystemClock, from_rfc3339, wait_until
from aftershock.cluster.api import Json, KubeApi
from aftershock.cluster.own import JOBS, OWN_NAMESPACE, PODS, UNPRIVILEGED
from aftershock.cluster.targets import is_live
from aftershock.errors import ApiError, DeadlineError, FaultError, NotFoundError
from aftershock.faults import marks
from aftershock.faults.journal import Record
from aftershock.timeline import Event

__all__ = ["CRITICAL", "LOOKING", "UNDOING", "Carriers", "Size", "job", "make_namespace"]

IMAGE_NAME = "aftershock.dev/components:"
CONFLICT = 409
# How much longer than its own clock a carrier's pod, and then its Job, may exist.
GRACE_S = 5
KEEP_S = 30
PRIVILEGED = {"privileged": True, "runAsUser": 0, "readOnlyRootFilesystem": True}
SMALL = {"cpu": "200m", "memory": "64Mi"}


@dataclass(frozen=True, kw_only=True)
class Size:
    """What a carrier's pod may use, and its priority class; as a Guaranteed pod unless an act needs more."""

    requests: Mapping[str, str] = field(default_factory=lambda: dict(SMALL))
    limits: Mapping[str, str] = field(default_factory=lambda: dict(SMALL))
    priority: str = ""


LOOKING = Size(requests={"cpu": "10m", "memory": "64Mi"})
"""For carriers that only measure: they ask for little of a node that may have little left."""

CRITICAL = "system-node-critical"
UNDOING = Size(
    requests={"cpu": "1m", "memory": "16Mi"}, limits={"cpu": "500m", "memory": "64Mi"}, priority=CRITICAL
)
"""For carriers that take something back: a full node turns others away, and such a one must not be."""


def job(
    name: str,
    *,
    record: Record,
    node: str,
    image: str,
    args: Sequence[str],
    lifetime_s: int,
    size: Size | None = None,
    ordinary: bool = False,
) -> Json:
    """Return the Job of one carrier. `lifetime_s` is counted from when the kubelet accepts the pod.

    An `ordinary` one has no privilege and sees nothing of the node: enough to measure.
    """
    mounts = {} if ordinary else {"cgroup": "/sys/fs/cgroup", "state": "/run/aftershock"}
    labels = marks.labels(record)
    size = size or Size()
    container = {
        "name": "carrier",
        "image": image,
        "imagePullPolicy": "IfNotPresent",
        "command": ["python", "-m", "aftershock_components.carrier", *args],
        "securityContext": UNPRIVILEGED if ordinary else PRIVILEGED,
        "resources": {"requests": dict(size.requests), "limits": dict(size.limits)},
        "volumeMounts": [{"name": volume, "mountPath": f"/node/{volume}"} for volume in mounts],
    }
    pod_spec: Json = {
        "nodeName": node,
        "hostPID": not ordinary,
        "restartPolicy": "Never",
        "activeDeadlineSeconds": lifetime_s,
        "terminationGracePeriodSeconds": GRACE_S,
        "automountServiceAccountToken": False,
        "enableServiceLinks": False,
        "tolerations": [{"operator": "Exists"}],
        "containers": [container],
        "volumes": [
            {"name": volume, "hostPath": {"path": path, "type": "DirectoryOrCreate"}}
            for volume, path in mounts.items()
        ],
    }
    if size.priority:
        pod_spec["priorityClassName"] = size.priority
    return {
        "apiVersion": "batch/v1",
        "kind": "Job",
        "metadata": {
            "name": name,
            "labels": labels,
            "annotations": {marks.RECORD_MARK: marks.encode(record)},
        },
        "spec": {
            "backoffLimit": 0,
            "ttlSecondsAfterFinished": KEEP_S,
            "template": {"metadata": {"labels": labels}, "spec": pod_spec},
        },
    }


class Carriers:
    """Starts, hears and removes carriers. `image` overrides the one that the stack itself runs."""

    def __init__(self, api: KubeApi, *, image: str = "", clock: Clock | None = None) -> None:
        self.api = api
        self.clock = clock or SystemClock()
        self._image = image

    def image(self) -> str:
        """Return the image to run: the configured one, else the one that a pod of the stack has.

        Raises:
            FaultError: neither is there.

        """
        if self._image:
            return self._image
        for pod in self.api.items("/api/v1/pods"):
            for container in pod["spec"]["containers"]:
                if IMAGE_NAME in container["image"] and is_live(pod):
                    return str(container["image"])
        raise FaultError(
            "there is no image to run a carrier from",
            expected=f"a pod of the stack that runs {IMAGE_NAME}…",
            found="none",
            hint="deploy the stack, or name the image in the settings",
        )

    def start(
        self,
        name: str,
        *,
        record: Record,
        node: str,
        args: Sequence[str],
        lifetime_s: float,
        size: Size | None = None,
        within_s: float = 30.0,
        ordinary: bool = False,
    ) -> None:
        """Start a carrier on `node` and return once its process runs or has ended.

        Its pod is ended after `lifetime_s`, a little later than its own clock ends it.

        Raises:
            FaultError: it did not start; with the kubelet's reason.

        """
        make_namespace(self.api)
        lifetime = int(lifetime_s) + GRACE_S
        body = job(
            name,
            record=record,
            node=node,
            image=self.image(),
            args=args,
            lifetime_s=lifetime,
            size=size,
            ordinary=ordinary,
        )
        self.api.post(JOBS, body)
        what = f"carrier {name} to start on {node}"
        try:
            wait_until(
                lambda: self._started(name), within_s=within_s, every_s=0.1, what=what, clock=self.clock
            )
        except DeadlineError as error:
            raise FaultError(f"waited {within_s:g} s for {what}", found=error.found) from error

    def outcome(self, name: str) -> int | None:
        """Return a carrier's exit code; None while it runs, or when it is gone."""
        for pod in self._pods(name):
            ended = _state(pod).get("terminated")
            if ended:
                return int(ended["exitCode"])
        return None

    def address(self, name: str) -> str:
        """Return a carrier's pod's own address; "" as long as it has none, or is gone."""
        return next((str(pod["status"].get("podIP", "")) for pod in self._pods(name)), "")

    def testimony(self, name: str) -> Iterator[Event]:
        """Yield what a carrier printed, by its node's clock."""
        for pod in self._pods(name):
            try:
                log = self.api.text(f"{PODS}/{pod['metadata']['name']}/log", timestamps="true")
            except NotFoundError:  # it went between the two questions
                continue
            for line in log.splitlines():
                at, _, said = line.partition(" ")
                yield Event(
                    at=from_rfc3339(at),
                    mono=None,
                    source="harness",
                    kind="carrier",
                    subject=f"job/{OWN_NAMESPACE}/{name}",
                    data=_told(said),
                )

    def remove(self, name: str) -> None:
        """Delete a carrier. It is told to stop and puts back what it changed."""
        self.api.delete(f"{JOBS}/{name}", {"propagationPolicy": "Background"})

    def gone(self, name: str) -> bool:
        """Whether neither Job nor pod of that name is left."""
        return self.api.find(f"{JOBS}/{name}") is None and not self._pods(name)

    def _pods(self, name: str) -> list[Json]:
        return self.api.items(PODS, labelSelector=f"job-name={name}")

    def _started(self, name: str) -> bool:
        for pod in self._pods(name):
            state = _state(pod)
            if "running" in state or "terminated" in state:
                return True
            reason = pod.get("status", {}).get("reason") or state.get("waiting", {}).get("reason", "")
            if (
                pod.get("status", {}).get("phase") == "Failed"
                or reason.startswith("Err")
                or "Image" in reason
            ):
                said = pod["status"].get("message") or state.get("waiting", {}).get("message", "")
                raise FaultError(
                    f"carrier {name} did not start", expected="it runs", found=f"{reason}: {said}"
                )
        return False


def make_namespace(api: KubeApi) -> None:
    """Create our own namespace if it is missing. It is not opened to faults."""
    if api.find(f"/api/v1/namespaces/{OWN_NAMESPACE}") is not None:
        return
    labels = {
        "app.kubernetes.io/managed-by": "aftershock",
        # Where the cluster enforces Pod Security Standards, carriers need this.
        "pod-security.kubernetes.io/enforce": "privileged",
    }
    try:
        api.post("/api/v1/namespaces", {"metadata": {"name": OWN_NAMESPACE, "labels": labels}})
    except ApiError as error:
        if error.status != CONFLICT:  # someone else made it just now
            raise


def _state(pod: Json) -> Json:
    """Return the state of a carrier's only container."""
    statuses = pod.get("status", {}).get("containerStatuses") or [{}]
    state: Json = statuses[0].get("state") or {}
    return state


def _told(line: str) -> dict[str, Any]:
    """Read a line of a carrier's log; what is not its own JSON (a traceback) is kept as it is."""
    try:
        said = json.loads(line)
    except ValueError:
        said = None
    return said if isinstance(said, dict) else {"event": "said", "line": line}
