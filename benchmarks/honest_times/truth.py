"""What really happened by Kubernetes' clock: the API server's audit log of status patches.

The instant is the stageTimestamp of the finished request, in microseconds. The pod's own clock
is read in `driven_pods`.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from aftershock.clock import from_rfc3339
from aftershock.cluster.connect import CLUSTER_NAME
from aftershock.cluster.kind.config import AUDIT_LOG
from aftershock.cluster.kind.engine import Engine
from benchmarks.honest_times.driven_pods import PREFIX, Interval

__all__ = ["ReadyPatch", "read_audit", "ready_patches", "unready"]

_OK = 200


@dataclass(frozen=True, kw_only=True)
class ReadyPatch:
    """A patch of a pod's status that changed its condition Ready."""

    pod: str
    at: datetime
    ready: bool


def read_audit(engine: Engine) -> list[str]:
    """Return the lines of the audit log about driven pods, that of the rotated file included.

    Raises:
        CommandError: there is none: the cluster was made without it.

    """
    folder = Path(AUDIT_LOG).parent
    words = f"""cat {folder}/audit*.log | grep -F '"name":"{PREFIX}'"""
    return engine.run("exec", f"{CLUSTER_NAME}-control-plane", "sh", "-c", words).splitlines()


def ready_patches(lines: Iterable[str], *, pod: str) -> list[ReadyPatch]:
    """Return the changes of a pod's Ready, oldest first; what repeats the state before is none."""
    found = []
    for line in lines:
        entry = json.loads(line)
        about = entry["objectRef"]
        status = about.get("resource") == "pods" and about.get("subresource") == "status"
        answered = entry.get("responseStatus", {}).get("code") == _OK
        if not status or not answered or about["name"] != pod:
            continue
        for condition in entry["requestObject"].get("status", {}).get("conditions") or ():
            if condition["type"] == "Ready" and "status" in condition:
                at = from_rfc3339(entry["stageTimestamp"])
                found.append(ReadyPatch(pod=pod, at=at, ready=condition["status"] == "True"))
    found.sort(key=lambda patch: patch.at)
    return [
        patch for number, patch in enumerate(found) if not number or patch.ready != found[number - 1].ready
    ]


def unready(patches: Sequence[ReadyPatch], *, since: datetime, until: datetime) -> Interval | None:
    """Return from when to when the pod was not Ready, of what began in that time; None if it stayed so."""
    within = [patch for patch in patches if since <= patch.at < until]
    downs = [patch for patch in within if not patch.ready]
    ups = [patch for patch in within if patch.ready and downs and patch.at > downs[0].at]
    return Interval(begin=downs[0].at, end=ups[-1].at) if ups else None
