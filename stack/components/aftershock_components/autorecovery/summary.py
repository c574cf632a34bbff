"""Pods by state, and the share of them that does well."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable

import msgspec

from aftershock_components.autorecovery.kube import Json
from aftershock_components.autorecovery.objects import controller_of, statuses

__all__ = ["STATES", "Summary", "state_of", "summarize"]

STATES = ("running", "completed", "pending", "error")
STARTING = ("ContainerCreating", "PodInitializing")


class Summary(msgspec.Struct, frozen=True, kw_only=True):
    """How many pods there are in each state. What has completed is no error, and neither running."""

    running: int = 0
    completed: int = 0
    pending: int = 0
    error: int = 0

    @property
    def total(self) -> int:
        """Return how many there are."""
        return self.running + self.completed + self.pending + self.error

    @property
    def success_ratio(self) -> float:
        """Return the share of those that run or have completed; of no pods at all, 1."""
        return (self.running + self.completed) / self.total if self.total else 1.0

    def __str__(self) -> str:
        """Say it in a line."""
        return (
            f"total {self.total}, running {self.running}, error {self.error}, pending {self.pending}, "
            f"completed {self.completed}; success rate {self.success_ratio:.1%}"
        )


def summarize(pods: Iterable[Json]) -> Summary:
    """Count `pods`. A failed pod of a job that another pod has completed is no error either."""
    known = list(pods)
    done = {_job(pod) for pod in known if (pod.get("status") or {}).get("phase") == "Succeeded"} - {""}
    counted = Counter("completed" if _job(pod) in done else state_of(pod) for pod in known)
    return Summary(**{state: counted[state] for state in STATES})


def state_of(pod: Json) -> str:
    """Return one of STATES for one pod by itself."""
    status = pod.get("status") or {}
    phase = status.get("phase")
    if phase == "Succeeded":
        return "completed"
    if phase not in {"Running", "Pending"} or _in_trouble(pod):
        return "error"
    return "running" if phase == "Running" else "pending"


def _in_trouble(pod: Json) -> bool:
    """Whether a container waits for something other than its start, or has ended with an error."""
    init = (pod.get("status") or {}).get("initContainerStatuses") or []
    for status in [*init, *statuses(pod)]:
        state = status.get("state") or {}
        waiting = (state.get("waiting") or {}).get("reason")
        if waiting and waiting not in STARTING:
            return True
        if (state.get("terminated") or {}).get("exitCode", 0) != 0:
            return True
    return False


def _job(pod: Json) -> str:
    kind, name = controller_of(pod)
    return f"{pod['metadata'].get('namespace')}/{name}" if kind == "Job" else ""
