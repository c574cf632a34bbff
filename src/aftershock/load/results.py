"""What a load achieved, from its request log: exact, unlike Locust's two significant figures."""

from __future__ import annotations

import math
from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path

from aftershock.counting import counted
from aftershock.errors import UsageError
from aftershock.load.request_log import Model, Request, RequestLog
from aftershock.timeline import Event

__all__ = ["LoadResult", "percentile", "request_events", "summarise"]

PERCENTILES = (50, 90, 95, 99)


@dataclass(frozen=True, kw_only=True)
class LoadResult:
    """What became of a load.

    `requests` were sent and ended; `dropped` were due and never sent; `unfinished` were under
    way when the load was ended. `rps` is of those that were sent, per second of `duration_s`.
    `latency_ms` has p50, p90, p95, p99 and max of all that ended, exactly, counted from when
    each was due; `late_ms` the same of how long after that it was sent. `errors` counts by
    kind, `servers` by the server that answered, where a header names it. `cpu_shares` are what each
    process of the generator took of one core. `files` are for the reader.
    """

    model: Model
    requests: int
    failures: int
    started_at: datetime
    duration_s: float
    rps: float
    peak_users: int
    dropped: int = 0
    unfinished: int = 0
    cpu_shares: tuple[float, ...] = ()
    latency_ms: Mapping[str, float] = field(default_factory=dict)
    late_ms: Mapping[str, float] = field(default_factory=dict)
    errors: Mapping[str, int] = field(default_factory=dict)
    servers: Mapping[str, int] = field(default_factory=dict)
    files: Mapping[str, Path] = field(default_factory=dict)

    def __str__(self) -> str:
        """Say it for a person."""
        who = "users" if self.model == "closed" else "at once"
        speed = f"{self.rps:.0f}/s, p95 {self.latency_ms['p95']:.1f} ms, up to {self.peak_users} {who}"
        return (
            f"{counted(self.requests, 'request')} in {self.duration_s:.1f} s ({speed}), "
            f"{self.failures} failed, {self.dropped} dropped"
        )


def percentile(ordered: Sequence[float], percent: float) -> float:
    """Return the smallest value that at least `percent` of all do not exceed (nearest rank).

    Raises:
        ValueError: there are none.

    """
    if not ordered:
        raise ValueError("no values")
    return ordered[max(0, math.ceil(percent / 100 * len(ordered)) - 1)]


def summarise(
    log: RequestLog, *, workers: Sequence[RequestLog] = (), files: Mapping[str, Path] | None = None
) -> LoadResult:
    """Return what all requests of the log came to; `workers` are the logs of which it was made.

    Raises:
        UsageError: there is not one.

    """
    if not log.requests:
        raise UsageError("the load sent no request", found="none in the whole log")
    started = min(request.due_s for request in log.requests)
    ended = max(request.due_s + request.latency_ms / 1000 for request in log.requests)
    due_until = max((*(request.due_s for request in log.requests), *log.dropped, *log.unfinished))
    failures = Counter(request.failure for request in log.requests if request.failure)
    sent = len(log.requests) + len(log.unfinished)
    return LoadResult(
        model=log.model,
        requests=len(log.requests),
        failures=failures.total(),
        started_at=datetime.fromtimestamp(log.wall(started), UTC),
        duration_s=ended - started,
        rps=sent / max(due_until - started, 1e-9),
        peak_users=sum(
            max((sample.users for sample in each.samples), default=0) for each in workers or [log]
        ),
        dropped=len(log.dropped),
        unfinished=len(log.unfinished),
        cpu_shares=tuple(round(each.cpu_share, 3) for each in workers or [log]),
        latency_ms=_shown(request.latency_ms for request in log.requests),
        late_ms=_shown((request.sent_s - request.due_s) * 1000 for request in log.requests),
        errors=dict(failures),
        servers=dict(Counter(request.server for request in log.requests if request.server)),
        files=files or {},
    )


def _shown(values: Iterator[float]) -> dict[str, float]:
    ordered = sorted(values)
    shown = {f"p{percent}": percentile(ordered, percent) for percent in PERCENTILES}
    return {name: round(value, 3) for name, value in {**shown, "max": ordered[-1]}.items()}


def request_events(log: RequestLog, *, subject: str, resolution_s: float = 0.0) -> Iterator[Event]:
    """Yield one event per second of load: every request that was due in it, in columns.

    `due_ms` counts from the event's time, `sent_ms` from when it was due, and so does `ms`, which
    lasts until the answer: all exact. `failures` and `servers` say by kind and by name which of
    them (their places in the columns). `dropped_ms` and `unfinished_ms` count as `due_ms` does.
    The times are this machine's, known to the precision of its clocks.
    """
    seconds: dict[int, _Second] = defaultdict(_Second)
    for request in log.requests:
        seconds[int(request.due_s)].requests.append(request)
    for due in log.dropped:
        seconds[int(due)].dropped.append(due)
    for due in log.unfinished:
        seconds[int(due)].unfinished.append(due)
    for second, found in sorted(seconds.items()):
        yield found.event(log, second, subject, resolution_s)


@dataclass(frozen=True)
class _Second:
    """What was due in one second."""

    requests: list[Request] = field(default_factory=list)
    dropped: list[float] = field(default_factory=list)
    unfinished: list[float] = field(default_factory=list)

    def event(self, log: RequestLog, second: int, subject: str, resolution_s: float) -> Event:
        rows = sorted(self.requests, key=lambda request: request.due_s)
        failures: dict[str, list[int]] = defaultdict(list)
        servers: dict[str, list[int]] = defaultdict(list)
        for place, request in enumerate(rows):
            if request.failure:
                failures[request.failure].append(place)
            if request.server:
                servers[request.server].append(place)
        return Event(
            at=datetime.fromtimestamp(log.wall(second), UTC),
            mono=float(second),
            source="load",
            kind="requests",
            subject=subject,
            data={
                "due_ms": [_ms(request.due_s - second) for request in rows],
                "sent_ms": [_ms(request.sent_s - request.due_s) for request in rows],
                "ms": [request.latency_ms for request in rows],
                "failures": dict(failures),
                "servers": dict(servers),
                "dropped_ms": [_ms(due - second) for due in sorted(self.dropped)],
                "unfinished_ms": [_ms(due - second) for due in sorted(self.unfinished)],
            },
            resolution_s=resolution_s,
        )


def _ms(seconds: float) -> float:
    return round(seconds * 1000, 3)
