"""How many requests a pod answered, by its own nginx status page, the kubelet's probes taken off."""

from __future__ import annotations

import math
import re
from collections import Counter
from collections.abc import Collection, Iterable
from datetime import datetime
from typing import Any

from aftershock.clock import from_rfc3339
from aftershock.cluster.api import KubeApi
from aftershock.errors import ApiError, TransientError
from aftershock.timeline import Event, Timeline

__all__ = ["record_served", "requests_in"]

_COUNTERS = re.compile(r"server accepts handled requests\s+(\d+)\s+(\d+)\s+(\d+)")


def record_served(
    api: KubeApi,
    timeline: Timeline,
    *,
    namespace: str,
    selector: str,
    port: int,
    path: str = "/stub_status",
    but: Collection[str] = (),
    asked: Counter[str] | None = None,
    resolution_s: float = 0.0,
) -> list[Event]:
    """Ask every pod that `selector` matches, through the API server, and record what it answered.

    What the kubelet's HTTP probes have asked since the container began, at most, is taken
    off, and our own request. A pod that cannot be asked is left out: nothing is known of it. So
    are those in `but` ("pod/NS/NAME"). `asked` holds how often we asked each pod before, which is
    taken off too, and is counted on here. `resolution_s` is the time since the look before, if
    there was one.

    Raises:
        ApiError, TransientError: the pods cannot be listed.

    """
    recorded = []
    asked = Counter() if asked is None else asked
    for pod in api.items(f"/api/v1/namespaces/{namespace}/pods", labelSelector=selector):
        name = pod["metadata"]["name"]
        subject = f"pod/{namespace}/{name}"
        if subject in but:
            continue
        asked[subject] += 1
        try:
            page = api.text(f"/api/v1/namespaces/{namespace}/pods/{name}:{port}/proxy{path}")
        except (ApiError, TransientError):
            continue
        total = requests_in(page)
        if total is None:
            continue
        probes = _probes(pod, timeline.clock.now())
        recorded.append(
            timeline.record(
                "client",
                "served",
                subject,
                resolution_s=resolution_s,
                requests=max(0, total - probes - asked[subject]),
                by=f"{path}: {total} requests, at most {probes} of them probes",
            )
        )
    return recorded


def requests_in(page: str) -> int | None:
    """Return the number of requests in an nginx status page; None if it is none."""
    match = _COUNTERS.search(page)
    return int(match.group(3)) if match else None


def _probes(pod: dict[str, Any], now: datetime) -> int:
    """How often the kubelet may have asked the pod since it started."""
    started = pod["status"].get("startTime")
    age = (now - from_rfc3339(started)).total_seconds() if started else 0.0
    return sum(math.ceil(age / period) + 1 for period in _periods(pod))


def _periods(pod: dict[str, Any]) -> Iterable[float]:
    for container in pod["spec"]["containers"]:
        for kind in ("startupProbe", "readinessProbe", "livenessProbe"):
            probe = container.get(kind)
            if probe and "httpGet" in probe:
                yield float(probe.get("periodSeconds", 10))
