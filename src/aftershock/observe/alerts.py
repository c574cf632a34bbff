"""The look back at Prometheus' alerts: raw ALERTS samples and the facts about rule evaluation.

One event holds all of it, so that a record never has half a look.
"""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from typing import Any

from aftershock.clock import from_rfc3339, rfc3339
from aftershock.observe.prometheus import Prometheus, Series
from aftershock.timeline import Event, Timeline

__all__ = ["record_alerts", "record_firing_before", "spans_of"]

_LATE = 1.5
"""Two samples further apart than this many intervals have an evaluation without one between them."""

_HOLE = 2.5
"""Without a sample for this many of its periods, a job was not scraped, or Prometheus was not there."""

_META = ("__name__", "alertstate")
_ITERATIONS = "prometheus_rule_group_iterations_total"
_MISSED = "prometheus_rule_group_iterations_missed_total"
_FAILURES = "prometheus_rule_evaluation_failures_total"
# A job without any target leaves no sample that says so; that it was there before does.
_SCRAPED_BEFORE = "group by (job) (last_over_time(up[1h]))"


def record_firing_before(prometheus: Prometheus, timeline: Timeline) -> Event:
    """Record the label sets that fire now: they are exempt from "nothing else fires".

    Raises:
        QueryError, TransientError: Prometheus refuses or does not answer.

    """
    firing = [alert["labels"] for alert in prometheus.alerts() if alert["state"] == "firing"]
    return timeline.record("prometheus", "firing-before", alerts=firing)


def record_alerts(prometheus: Prometheus, timeline: Timeline, *, since: datetime, until: datetime) -> Event:
    """Record every alert's spans from `since` to `until`, and whether the rules were evaluated.

    `since` and `until` are by our clock.

    Raises:
        QueryError, TransientError: Prometheus refuses or does not answer; nothing is recorded.

    """
    offset, error = prometheus.clock_offset()
    groups = prometheus.rules()
    intervals = _alert_intervals(groups)
    fallback = max((float(group["interval"]) for group in groups), default=60.0)
    # One interval more at both ends: what fired at `since` has its last sample up to one before.
    margin = timedelta(seconds=max([fallback, *intervals.values()]))
    started = {
        _key(series.labels): series
        for series in prometheus.samples("ALERTS_FOR_STATE", start=since - margin, end=until)
    }
    alerts = []
    for series in prometheus.samples("ALERTS", start=since - margin, end=until):
        labels = {name: value for name, value in series.labels.items() if name not in _META}
        name = labels.get("alertname", "")
        interval = intervals.get(name, fallback)
        alerts.append(
            {
                "alert": name,
                "labels": labels,
                "state": series.labels.get("alertstate", ""),
                "interval_s": interval,
                "spans": spans_of(series, interval, started.get(_key(series.labels))),
            }
        )
    up = prometheus.samples("up", start=since, end=until)
    before = {sample.labels.get("job", "?") for sample in prometheus.query(_SCRAPED_BEFORE, at=since)}
    return timeline.record(
        "prometheus",
        "alerts",
        resolution_s=abs(offset) + error,
        since=rfc3339(since),
        until=rfc3339(until),
        offset_s=offset,
        alerts=alerts,
        groups=_groups(prometheus, groups, since, until),
        down=sorted([*_failed(up), *_unscraped(up, before, fallback, since, until)]),
        warnings=list(prometheus.warnings),
    )


def spans_of(series: Series, interval_s: float, started: Series | None = None) -> list[dict[str, Any]]:
    """Split samples into unbroken spans; `started` are the alert's ALERTS_FOR_STATE samples.

    A sample of value 0 (older Prometheis wrote them) ends a span as a missing one does.
    """
    times = [at for at, value in series.samples if value == 1]
    cuts = [number for number, (a, b) in enumerate(pairwise(times), start=1) if b - a > _LATE * interval_s]
    pieces = [times[a:b] for a, b in pairwise([0, *cuts, len(times)])]
    return [
        {
            "from": _text(piece[0]),
            "until": _text(piece[-1]),
            "samples": len(piece),
            "active_at": _active_at(started, piece[0], piece[-1]),
        }
        for piece in pieces
        if piece
    ]


def _active_at(started: Series | None, first: float, last: float) -> str | None:
    """When the condition became true, by Prometheus (a whole second)."""
    values = [value for at, value in (started.samples if started else ()) if first <= at <= last]
    return _text(values[0]) if values else None


def _groups(
    prometheus: Prometheus, groups: Sequence[Mapping[str, Any]], since: datetime, until: datetime
) -> list[dict[str, Any]]:
    iterations = _by_group(prometheus.samples(_ITERATIONS, start=since, end=until))
    missed = _by_group(prometheus.samples(_MISSED, start=since, end=until))
    failures = _by_group(prometheus.samples(_FAILURES, start=since, end=until))
    found = []
    for group in groups:
        key = f"{group['file']};{group['name']}"
        interval = float(group["interval"])
        counted = iterations.get(key)
        found.append(
            {
                "group": group["name"],
                "interval_s": interval,
                "last_evaluation": _evaluated(group.get("lastEvaluation")),
                "evaluations": _increase(counted),
                "expected": int(_asked_s(counted, interval, since, until) / interval) if counted else None,
                "missed": _increase(missed.get(key)),
                "failures": _increase(failures.get(key)),
                "rules": [_rule(rule) for rule in group["rules"] if rule["type"] == "alerting"],
            }
        )
    return found


def _rule(rule: Mapping[str, Any]) -> dict[str, Any]:
    return {
        "alert": rule["name"],
        "health": rule["health"],
        "error": rule.get("lastError", ""),
        "for_s": rule["duration"],
        "query": rule["query"],
        "labels": rule.get("labels", {}),
    }


def _evaluated(text: str | None) -> str | None:
    """Return the time of the last evaluation; Go writes year 1 for never."""
    return None if not text or text.startswith("0001-") else rfc3339(from_rfc3339(text))


def _by_group(found: Iterable[Series]) -> dict[str, list[Series]]:
    groups: dict[str, list[Series]] = defaultdict(list)
    for series in found:
        groups[series.labels.get("rule_group", "")].append(series)
    return groups


def _increase(found: Sequence[Series] | None) -> float | None:
    """Return by how much a counter rose, across restarts; None where it was not scraped, or is no number."""
    if not found or any(math.isnan(value) for series in found for _, value in series.samples):
        return None
    return sum(
        later - earlier if later >= earlier else later
        for series in found
        for (_, earlier), (_, later) in pairwise(series.samples)
    )


def _asked_s(found: Sequence[Series], interval_s: float, since: datetime, until: datetime) -> float:
    """Return through how many seconds a group should have been evaluated, by the samples of its counter.

    From the first sample to the last, whichever process they are of; up to the window's ends
    where samples are missing there: a Prometheus that came back with nothing was away before.
    """
    times = sorted(at for series in found for at, _ in series.samples)
    hole = _HOLE * max(interval_s, _period_s(found) or 0.0)
    begin = times[0] if times[0] - since.timestamp() <= hole else since.timestamp()
    end = times[-1] if until.timestamp() - times[-1] <= hole else until.timestamp()
    return end - begin


def _period_s(found: Iterable[Series]) -> float | None:
    """Return the time between two samples of a series; None where no series has two."""
    steps = (b - a for series in found for (a, _), (b, _) in pairwise(series.samples))
    return min(steps, default=None)


def _failed(up: Iterable[Series]) -> list[str]:
    return [
        f"{series.labels.get('job', '?')} {series.labels.get('instance', '?')}"
        for series in up
        if any(value == 0 for _, value in series.samples)
    ]


def _unscraped(
    up: Iterable[Series], before: Iterable[str], fallback_s: float, since: datetime, until: datetime
) -> list[str]:
    """Return the jobs that for some time had no target at all: nothing was scraped, and nothing failed."""
    jobs: dict[str, list[Series]] = {job: [] for job in before}
    for series in up:
        jobs.setdefault(series.labels.get("job", "?"), []).append(series)
    found = []
    for job, own in jobs.items():
        times = sorted(at for series in own for at, _ in series.samples)
        hole = _HOLE * (_period_s(own) or fallback_s)
        if any(b - a > hole for a, b in pairwise([since.timestamp(), *times, until.timestamp()])):
            found.append(f"{job} (no target)")
    return found


def _alert_intervals(groups: Iterable[Mapping[str, Any]]) -> dict[str, float]:
    """Return each alert's evaluation interval; the longest, where several groups have that name."""
    intervals: dict[str, float] = {}
    for group in groups:
        for rule in group["rules"]:
            if rule["type"] == "alerting":
                interval = float(group["interval"])
                intervals[rule["name"]] = max(interval, intervals.get(rule["name"], 0.0))
    return intervals


def _key(labels: Mapping[str, str]) -> frozenset[tuple[str, str]]:
    return frozenset((name, value) for name, value in labels.items() if name not in _META)


def _text(seconds: float) -> str:
    return rfc3339(datetime.fromtimestamp(seconds, UTC))
