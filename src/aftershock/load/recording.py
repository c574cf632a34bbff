"""A load in the timeline: its beginning, every request, its end."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from aftershock.load.request_log import RequestLog
from aftershock.load.results import LoadResult, request_events
from aftershock.load.spec import LoadSpec
from aftershock.timeline import Event, Timeline

__all__ = ["record_result", "record_start"]


def record_start(
    timeline: Timeline,
    spec: LoadSpec,
    *,
    due_s: float,
    clocks: tuple[float, float],
    resolution_s: float = 0.0,
) -> None:
    """Write down that the load began when its first request was due, not when that was seen.

    `due_s` is by the monotonic clock; `clocks` are wall and monotonic seconds of one instant.
    """
    wall, mono = clocks
    timeline.append(
        Event(
            at=datetime.fromtimestamp(due_s - mono + wall, UTC),
            mono=due_s,
            source="load",
            kind="load-started",
            subject=spec.subject,
            data=spec.facts(),
            resolution_s=resolution_s,
        )
    )


def record_result(
    timeline: Timeline, spec: LoadSpec, log: RequestLog, result: LoadResult, *, resolution_s: float = 0.0
) -> None:
    """Write down every request, and what they came to."""
    for event in request_events(log, subject=spec.subject, resolution_s=resolution_s):
        timeline.append(event)
    timeline.record("load", "load-ended", spec.subject, **_facts(result))


def _facts(result: LoadResult) -> dict[str, Any]:
    return {
        "model": result.model,
        "requests": result.requests,
        "failures": result.failures,
        "dropped": result.dropped,
        "unfinished": result.unfinished,
        "rps": round(result.rps, 2),
        "duration_s": round(result.duration_s, 3),
        "peak_users": result.peak_users,
        "cpu_shares": list(result.cpu_shares),
        "latency_ms": dict(result.latency_ms),
        "late_ms": dict(result.late_ms),
        "errors": dict(result.errors),
        "servers": dict(result.servers),
    }
