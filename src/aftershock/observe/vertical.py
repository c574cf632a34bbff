"""What a Vertical Pod Autoscaler recommends, by its status."""

from __future__ import annotations

import math
from typing import Any

from aftershock.cluster.api import Json, KubeApi
from aftershock.cluster.targets import Target
from aftershock.observe.resources import quantity
from aftershock.timeline import Event, Timeline

__all__ = ["record_vpa"]

_BOUNDS = {"target": "target", "lower": "lowerBound", "upper": "upperBound"}


def record_vpa(api: KubeApi, timeline: Timeline, *, namespace: str, name: str, resolution_s: float) -> Event:
    """Record mode and recommendation: millicores and bytes by container. `resolution_s`: since the last look.

    Raises:
        ApiError, TransientError: the API does not give it.

    """
    vpa = api.get(Target.path_of(f"verticalpodautoscaler/{namespace}/{name}"))
    found = ((vpa.get("status") or {}).get("recommendation") or {}).get("containerRecommendations") or []
    return timeline.record(
        "kubernetes",
        "vpa",
        f"vpa/{namespace}/{name}",
        resolution_s=resolution_s,
        mode=(vpa["spec"].get("updatePolicy") or {}).get("updateMode"),
        recommended={entry["containerName"]: _values(entry) for entry in found},
    )


def _values(entry: Json) -> dict[str, Any]:
    return {
        word: {
            "cpu_m": math.ceil(quantity(entry[field]["cpu"]) * 1000),
            "memory": int(quantity(entry[field]["memory"])),
        }
        for word, field in _BOUNDS.items()
        if field in entry
    }
