"""Failing readiness: a Deployment's application runs, and its readiness probe fails.

The probe asks a port where nobody listens, so it needs nothing of the image. Proof is the
API's: the container of a new pod with that probe runs, is not Ready, and the kubelet has
reported that the probe failed.
"""

from __future__ import annotations

from typing import Any

from aftershock.cluster.api import Json
from aftershock.cluster.targets import collection
from aftershock.faults.patched import Leaf, leaf
from aftershock.faults.workload_patch import TemplatePatch

__all__ = ["NAME", "PROBE", "FailingReadiness"]

NAME = "failing-readiness"
# Complete: what the API adds by itself would make it another one than was set.
PROBE: dict[str, Any] = {
    "tcpSocket": {"port": 1},
    "periodSeconds": 1,
    "timeoutSeconds": 1,
    "successThreshold": 1,
    "failureThreshold": 1,
}


class FailingReadiness(TemplatePatch):
    """The workload's container gets a readiness probe that fails."""

    name = NAME

    def leaves(self, found: Json) -> list[Leaf]:
        """Return the one leaf: the container's readiness probe."""
        return [leaf(found, self.place(found, "readinessProbe"), PROBE)]

    def effect(self) -> str:
        """Say what becomes of the workload, after its name."""
        return "is rolled out with a readiness probe that fails"

    def failure(self, pod: Json, status: Json) -> str:
        """Return what the kubelet says of the probe, if the container runs and is not Ready."""
        if "running" not in (status.get("state") or {}) or status.get("ready"):
            return ""
        meta = pod["metadata"]
        events = self.tools.api.items(
            collection("event", meta["namespace"]), fieldSelector=f"involvedObject.uid={meta['uid']}"
        )
        said = [str(event.get("message") or "") for event in events if event.get("reason") == "Unhealthy"]
        return next((text for text in said if text.startswith("Readiness probe failed")), "")
