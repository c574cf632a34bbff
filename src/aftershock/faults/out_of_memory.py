"""Out of memory: the kernel kills a pod's application because its container's memory is full.

The carrier fills the container's own cgroup from the node, so the image needs no shell and
no help. Proof is the API's: that very container (by its id) ended as OOMKilled, and its
pod counts one restart more.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from aftershock.clock import Clock, SystemClock, rfc3339, wait_until
from aftershock.cluster.api import Json, KubeApi
from aftershock.cluster.targets import choose_pods, find_workload
from aftershock.errors import FaultError, RefusedError
from aftershock.faults.carrier import Carriers
from aftershock.faults.journal import Record
from aftershock.faults.protocol import Plan, Proof
from aftershock.forecast.beat import Delay
from aftershock.timeline import Event

__all__ = ["NAME", "OutOfMemory", "OutOfMemoryUndo"]

NAME = "out-of-memory"
# Measured 1 s from the carrier's start to the kill; the rest is a slow node's.
EXPIRES_AFTER_S = 60.0
RESTORE_WITHIN_S = 30.0
# Measured on kind, from the act to the watch's telling of the kill: eleven containers with a limit of
# 128 MiB took 1.8 to 3.3 s (median 2.1), one of 512 MiB, which takes longer to fill, up to 5.9 s. A
# pod's start is in it, so the least is well below.
SHOWS = Delay(
    earliest_s=0.5,
    usual_s=2.1,
    latest_s=9.0,
    by="carrier's start, kill, the kubelet's look at its containers (every second), kube-state-metrics",
)


class OutOfMemory:
    """`count` pods of a workload run out of memory, in `container` or their only one."""

    name = NAME
    shows_after: Mapping[str, Delay] = {
        "kube_pod_container_status_last_terminated_reason": SHOWS,
        "kube_pod_container_status_last_terminated_timestamp": SHOWS,
        "kube_pod_container_status_restarts_total": SHOWS,
    }

    def __init__(
        self,
        api: KubeApi,
        *,
        run_id: str,
        workload: str,
        namespace: str = "",
        container: str = "",
        count: int = 1,
        seed: int | None = None,
        carriers: Carriers | None = None,
        clock: Clock | None = None,
    ) -> None:
        self.api = api
        self.run_id = run_id
        self.workload = workload
        self.namespace = namespace
        self.container = container
        self.count = count
        self.seed = seed
        self.clock = clock or SystemClock()
        self.carriers = carriers or Carriers(api, clock=self.clock)
        self._endings: dict[str, dict[str, Any]] = {}  # by the container's id, as soon as it was seen

    def plan(self) -> Plan:
        """Choose the pods, and note which containers they run now.

        Raises:
            RefusedError: there are not that many, or a container has no memory limit.

        """
        workload = find_workload(self.api, self.workload, namespace=self.namespace)
        choice = choose_pods(workload, count=self.count, seed=self.seed)
        pods = [self.api.get(target.path) for target in choice.targets]
        return Plan(
            fault=NAME,
            targets=choice.targets,
            undo={"containers": [_aim(pod, self.container) for pod in pods]},
            expires_after_s=EXPIRES_AFTER_S,
            blast_radius=f"one container each of {choice} is OOM-killed and restarted",
        )

    def inject(self, plan: Plan) -> None:
        """Start a carrier for each pod.

        Raises:
            FaultError: a carrier did not start.

        """
        record = plan.record(run_id=self.run_id, now=self.clock.now())
        for name, aim in _carriers(plan.fault_id, plan.undo):
            args = ["oom", "--fault-id", name, "--pod-uid", aim["pod_uid"]]
            args += ["--container-id", aim["container_id"], "--expires-at", rfc3339(record.expires_at)]
            self.carriers.start(
                name, record=record, node=aim["node"], args=args, lifetime_s=plan.expires_after_s
            )

    def landed(self, plan: Plan) -> Proof:
        """Ask the API whether each container ended as OOMKilled and was started again.

        How it ended is kept from the look that saw it: the kubelet can forget it. Its collection
        of dead containers (once a minute, the newest of each is kept) takes one that is
        created but not started yet for a dead one, and removes the one that really died.
        """
        facts: dict[str, Any] = {}
        holds = True
        for aim in plan.undo["containers"]:
            seen = self._look(aim)
            holds = holds and seen["reason"] == "OOMKilled" and seen["restarts"] > aim["restarts"]
            prefix = f"{aim['pod']}." if len(plan.targets) > 1 else ""
            facts |= {f"{prefix}{key}": value for key, value in seen.items()}
        return Proof(holds=holds, source="Kubernetes API, container status", facts=facts)

    def testimony(self, plan: Plan) -> Iterable[Event]:
        """Return what the carriers printed."""
        return [
            event
            for name, _ in _carriers(plan.fault_id, plan.undo)
            for event in self.carriers.testimony(name)
        ]

    def _look(self, aim: Mapping[str, Any]) -> dict[str, Any]:
        """Return how the container that was aimed at ended, as far as the API knows or has told before."""
        facts = {"pod": aim["pod"], "container": aim["container"], "reason": "", "restarts": aim["restarts"]}
        status = _status(self.api, aim)
        if status is None:
            return {**facts, "reason": "the pod is gone"}
        ended = self._endings.setdefault(aim["full_id"], {})
        ended |= _ending(status, aim["full_id"])
        return {**facts, **ended, "restarts": status["restartCount"]}


class OutOfMemoryUndo:
    """Stops the carriers; where one was killed before it could, puts back what it had changed."""

    def __init__(self, api: KubeApi, *, carriers: Carriers | None = None, clock: Clock | None = None) -> None:
        self.api = api
        self.clock = clock or SystemClock()
        self.carriers = carriers or Carriers(api, clock=self.clock)

    def undo(self, record: Record) -> None:
        """Remove the carriers. A container that is still the same gets its scores back.

        Raises:
            FaultError: they could not be put back.
            DeadlineError: a carrier does not end.

        """
        for name, aim in _carriers(record.fault_id, record.undo):
            self._remove(name)
            if self._still_runs(aim):
                self._restore(name, aim, record)

    def undone(self, record: Record) -> Proof:
        """Look whether no carrier is left."""
        names = [name for name, _ in _carriers(record.fault_id, record.undo)]
        left = [name for name in names if not self.carriers.gone(name)]
        return Proof(
            holds=not left, source="Kubernetes API", facts={"carriers left": ", ".join(left) or "none"}
        )

    def _restore(self, name: str, aim: Mapping[str, Any], record: Record) -> None:
        """Run a carrier that puts scores back; on a node where none was raised it does nothing."""
        again = f"{name}-back"
        args = ("restore", "--fault-id", name)
        self._remove(again)
        try:
            self.carriers.start(
                again, record=record, node=aim["node"], args=args, lifetime_s=RESTORE_WITHIN_S
            )
            code = wait_until(
                lambda: _some(self.carriers.outcome(again)),
                within_s=RESTORE_WITHIN_S,
                what=f"carrier {again} to end",
                clock=self.clock,
            )
            if code != (0,):
                raise FaultError(f"carrier {again} could not put scores back", found=f"exit code {code[0]}")
        finally:
            self._remove(again)

    def _remove(self, name: str) -> None:
        self.carriers.remove(name)
        wait_until(
            lambda: self.carriers.gone(name),
            within_s=RESTORE_WITHIN_S,
            what=f"carrier {name} to be gone",
            clock=self.clock,
        )

    def _still_runs(self, aim: Mapping[str, Any]) -> bool:
        status = _status(self.api, aim)
        return status is not None and status["containerID"] == aim["full_id"] and "running" in status["state"]


def _carriers(fault_id: str, undo: Mapping[str, Any]) -> list[tuple[str, Mapping[str, Any]]]:
    """Return the carriers' names, each with what it aims at."""
    return [(f"{fault_id}-{number}", aim) for number, aim in enumerate(undo["containers"])]


def _aim(pod: Json, container: str) -> dict[str, Any]:
    """Return what tells one container of `pod` from every other one, now and later.

    Raises:
        RefusedError: it cannot be told which, it does not run, or it has no memory limit.

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
    if "memory" not in (spec.get("resources", {}).get("limits") or {}):
        raise RefusedError(
            f"container {spec['name']} of pod {name} has no memory limit",
            expected="resources.limits.memory, so that it fills its own memory and not the node's",
            found="none",
        )
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
    }


def _ending(status: Json, full_id: str) -> dict[str, Any]:
    """Return how the container of that id ended; empty where `status` does not say."""
    for state in (status.get("lastState") or {}, status["state"]):
        ended = state.get("terminated") or {}
        if ended.get("containerID") == full_id:
            return {
                "reason": ended["reason"],
                "exit_code": ended["exitCode"],
                "finished_at": ended["finishedAt"],
            }
    return {}


def _status(api: KubeApi, aim: Mapping[str, Any]) -> Json | None:
    """Return the container's status now; None if the pod is gone or another of that name."""
    pod = api.find(f"/api/v1/namespaces/{aim['namespace']}/pods/{aim['pod']}")
    if pod is None or pod["metadata"]["uid"] != aim["pod_uid"]:
        return None
    statuses: list[Json] = pod["status"].get("containerStatuses") or []
    return next((entry for entry in statuses if entry["name"] == aim["container"]), None)


def _some(code: int | None) -> tuple[int] | None:
    """Wrap an exit code: 0 is an answer, and nothing is not."""
    return None if code is None else (code,)
