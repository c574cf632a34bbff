"""Locust's own master and workers inside the cluster, for more than one process drives.

Each worker serves its request log; this side fetches it as it grows. Where the workers' clocks
are other than ours, the difference is measured, and its error enters the times.
"""

from __future__ import annotations

import secrets
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TypeVar

from aftershock.clock import Clock, format_duration, wait_until
from aftershock.cluster.api import Json, KubeApi
from aftershock.cluster.own import CONFIG_MAPS, JOBS, OWN_NAMESPACE, PODS
from aftershock.counting import counted
from aftershock.errors import (
    AftershockError,
    ApiError,
    DeadlineError,
    EnvironmentUnusableError,
    NotFoundError,
    TransientError,
)
from aftershock.load.driver import PROGRESS_EVERY_S, TAIL_LINES, Driver
from aftershock.load.recording import record_result, record_start
from aftershock.load.request_log import merged
from aftershock.load.results import LoadResult, summarise
from aftershock.load.spec import LoadSpec, check_spec
from aftershock.load.swarm_manifests import locustfiles, master, workers
from aftershock.load.swarm_worker import Worker
from aftershock.timeline import Timeline

__all__ = ["Swarm"]

T = TypeVar("T")

STARTS_WITHIN_S = 120.0


class Swarm(Driver):
    """One load by several workers in the cluster."""

    look_every_s = 1.0
    ends_within_s = 60.0

    def __init__(
        self,
        spec: LoadSpec,
        *,
        api: KubeApi,
        image: Callable[[], str],
        folder: Path,
        timeline: Timeline,
        progress: Callable[[str], None] | None = None,
        clock: Clock | None = None,
    ) -> None:
        super().__init__(spec, folder=folder, timeline=timeline, progress=progress, clock=clock)
        self.api = api
        self.image = image
        self.name = f"load-{spec.name.replace('_', '-')}-{secrets.token_hex(3)}"
        self.workers: list[Worker] = []
        self._made = False
        self._shown_at = 0.0
        self._shown = 0

    def start(self) -> None:
        """Start master and workers, and return once every worker sends.

        Raises:
            ConfigError: a number is out of range, or the locustfile is missing.
            EnvironmentUnusableError: there is no room for the workers, one is gone, or they send nothing.

        """
        check_spec(self.spec)
        self.folder.mkdir(parents=True, exist_ok=True)
        image = self.image()
        self._made = True
        try:
            self._make(image)
            self._starts(self._all_flow, "every worker to send")
        except AftershockError:
            self._remove()
            raise
        for worker in self.workers:
            worker.read_clock(self.clock)
        first = min(worker.tail.first.due_s + worker.offset_s for worker in self.workers if worker.tail.first)
        clocks = self.timeline.clock.now().timestamp(), self.clock.monotonic()
        self._shown_at = self.clock.monotonic()
        self._ends_at = first + self.spec.duration_s
        error = max(worker.error_s for worker in self.workers)
        record_start(self.timeline, self.spec, due_s=first, clocks=clocks, resolution_s=error)

    def look(self) -> None:
        """Note at once if a worker is gone. The logs are fetched by `wait`: twice would be once too much."""
        if self._result is None and not self._broken and (gone := self._gone()):
            self._breaks(gone)

    def stop(self) -> LoadResult | None:
        """End the load now and remove all of it; return what it achieved, None if nothing. Idempotent."""
        if not self._made:
            return None
        try:
            for worker in self.workers if self._result is None else ():
                worker.fetch()
        except (ApiError, TransientError) as error:
            self._say(f"the last of the log is not known: {error.message}")
        finally:
            self._remove()
        flowed = self.workers and all(worker.tail.requests for worker in self.workers)
        return self._finish() if flowed else self._result

    def _make(self, image: str) -> None:
        try:
            job = self.api.post(JOBS, master(self.name, self.spec, image=image))
        except NotFoundError as error:
            raise EnvironmentUnusableError(
                f"there is no namespace {OWN_NAMESPACE} for the load's workers",
                hint="`aftershock up` makes it; elsewhere: kubectl create namespace aftershock",
            ) from error
        self.api.post(CONFIG_MAPS, locustfiles(self.name, self.spec, owner=job))
        address = self._starts(self._master_ip, "Locust's master to run")
        self.api.post(JOBS, workers(self.name, self.spec, image=image, master_ip=address))
        names = self._starts(self._running_workers, f"{self.spec.demand.workers} workers to run")
        self.workers = [
            Worker(self.api, pod, self.folder / f"{self.spec.name}.worker-{number}.requests.tsv")
            for number, pod in enumerate(names)
        ]

    def _starts(self, probe: Callable[[], T | None], what: str) -> T:
        try:
            return wait_until(probe, within_s=STARTS_WITHIN_S, every_s=0.5, what=what, clock=self.clock)
        except DeadlineError as error:
            raise EnvironmentUnusableError(
                f"the load in the cluster does not start: waited for {what}",
                expected=f"within {format_duration(STARTS_WITHIN_S)}",
                found="; ".join(self._states()) or "no pod",
                hint="fewer workers, if there is no room for them",
            ) from error

    def _pods(self, role: str = "") -> list[Json]:
        """Return its pods, the master's first; of one role, if that is given."""
        of_role = f",aftershock.dev/role={role}" if role else ""
        return self.api.items(PODS, labelSelector=f"aftershock.dev/load={self.name}{of_role}")

    def _states(self) -> Iterator[str]:
        for pod in self._pods():
            said = [
                condition.get("message", "")
                for condition in pod["status"].get("conditions", [])
                if condition["status"] == "False" and condition.get("message")
            ]
            yield f"{pod['metadata']['name']}: {pod['status']['phase']} {' '.join(said)}".rstrip()

    def _master_ip(self) -> str | None:
        self._check()
        for pod in self._pods("master"):
            if pod["status"]["phase"] == "Running":
                return pod["status"].get("podIP") or None
        return None

    def _running_workers(self) -> list[str] | None:
        self._check()
        up = [pod["metadata"]["name"] for pod in self._pods("worker") if pod["status"]["phase"] == "Running"]
        return sorted(up) if len(up) == self.spec.demand.workers else None

    def _all_flow(self) -> bool:
        self._check()
        for worker in self.workers:
            try:
                worker.fetch()
            except ApiError as error:  # its server is not up yet
                raise TransientError(error.message, found=error.found) from error
        return all(worker.tail.requests for worker in self.workers)

    def _ended(self) -> bool:
        self._check()
        for worker in self.workers:
            worker.fetch()
        self._show()
        return all(worker.ends for worker in self.workers)

    def _gone(self) -> str:
        """Say which of its pods has ended before its time, with what it said last; "" if none has."""
        over = self._ends_at > 0 and self.left_s == 0
        for pod in () if over else self._pods():
            if pod["status"]["phase"] in {"Failed", "Succeeded"}:
                return f"{pod['metadata']['name']} ended before its time: {self._last_words(pod)}"
        return ""

    def _last_words(self, pod: Json) -> str:
        try:
            said = self.api.text(f"{PODS}/{pod['metadata']['name']}/log", tailLines=str(TAIL_LINES))
        except (ApiError, TransientError) as error:
            return f"its log is not to be had ({error.message})"
        return said.strip() or "it said nothing"

    def _check(self) -> None:
        if gone := self._gone():
            if not self._broken:
                self._breaks(gone)
            raise EnvironmentUnusableError("the load in the cluster broke off", found=gone)

    def _breaks(self, gone: str) -> None:
        self._broken = True
        self._tell("load-broken", gone, reason=gone)

    def _overdue(self, what: str, error: DeadlineError) -> EnvironmentUnusableError:
        return EnvironmentUnusableError(f"the load {what}", found=error.found)

    def _show(self) -> None:
        now = self.clock.monotonic()
        if now - self._shown_at < PROGRESS_EVERY_S:
            return
        total = sum(worker.tail.requests for worker in self.workers)
        failures = sum(worker.tail.failures for worker in self.workers)
        dropped = sum(worker.tail.dropped for worker in self.workers)
        rps = (total - self._shown) / (now - self._shown_at)
        self._shown, self._shown_at = total, now
        users = sum(worker.tail.users for worker in self.workers)
        facts = {"users": users, "rps": round(rps, 2)}
        self._tell(
            "load-progress",
            f"{counted(users, 'user')} in {counted(len(self.workers), 'worker')}, {rps:.0f} requests/s, "
            f"{counted(failures, 'failure')}, {dropped} dropped",
            failures=failures,
            dropped=dropped,
            **facts,
        )

    def _sum_up(self) -> LoadResult:
        logs = [worker.whole() for worker in self.workers]
        log = merged(logs)
        files = {f"requests-{number}": worker.path for number, worker in enumerate(self.workers)}
        result = summarise(log, workers=logs, files=files)
        error = max(worker.error_s for worker in self.workers)
        record_result(self.timeline, self.spec, log, result, resolution_s=error)
        return result

    def _remove(self) -> None:
        """Delete both Jobs with their pods; the ConfigMap goes with the master."""
        for role in ("worker", "master"):
            self.api.delete(f"{JOBS}/{self.name}-{role}", {"propagationPolicy": "Background"})
        self._made = False
