"""What a journal of Chaos Toolkit tells of the steady state, as one event of the timeline.

`chaos run` ends as completed, not deviated and with exit code 0 although checks during the
method failed; they stand in the journal only.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from itertools import pairwise
from pathlib import Path
from typing import Any

from aftershock.clock import rfc3339
from aftershock.timeline import Event, Timeline

__all__ = ["record_experiment"]

MOST_FAILURES = 20


def record_experiment(journal: Mapping[str, Any], timeline: Timeline, *, title: str, path: Path) -> Event:
    """Enter what the steady state was during and after the method; `path` is the journal's."""
    states = journal.get("steady_states") or {}
    after = states.get("after") or {}
    return timeline.record(
        "harness",
        "experiment",
        title,
        hypothesis=journal["experiment"]["steady-state-hypothesis"]["title"],
        deviated=bool(journal["deviated"]),
        journal=path.name,
        during=_during(states.get("during") or (), journal.get("run") or ()),
        probes=[_answer(probe) for probe in after.get("probes") or ()],
    )


def _during(states: Sequence[Mapping[str, Any]], method: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """Sum up the checks during the method; the first failures stand there in full.

    `longest_s` is the longest time without a look, from the method's start to its end.
    """
    checks = [state for state in states if state and state.get("probes")]
    looks = [_time(state["probes"][0]["start"]) for state in checks]
    edges = [_time(entry[edge]) for entry in method for edge in ("start", "end") if entry.get(edge)]
    if edges:
        begin, end = min(edges), max(edges)
        looks = [begin, *(look for look in looks if begin < look < end), end]
    failed = [
        {"at": rfc3339(_time(probe["start"])), **_answer(probe)}
        for state in checks
        for probe in state["probes"]
        if not probe.get("tolerance_met")
    ]
    return {
        "checks": len(checks),
        "failed": len(failed),
        "longest_s": max(((b - a).total_seconds() for a, b in pairwise(looks)), default=0.0),
        "failures": failed[:MOST_FAILURES],
    }


def _answer(probe: Mapping[str, Any]) -> dict[str, Any]:
    exception = (probe.get("exception") or [""])[-1].strip()
    return {
        "name": probe["activity"]["name"],
        "output": probe.get("output"),
        "tolerance": probe["activity"].get("tolerance"),
        **({"error": exception} if exception else {}),
    }


def _time(text: str) -> datetime:
    at = datetime.fromisoformat(text)
    return at if at.tzinfo else at.replace(tzinfo=UTC)
