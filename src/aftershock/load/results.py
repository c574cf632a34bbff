"""What a load achieved, from its request log: exact, unlike Locust's two significant figures."""

from __future__ import annotations

import math
from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path

from aftershock.errors import UsageError
from aftershock.timeline import Event

__all__ = ["LoadResult", "Request", "RequestLog", "percentile", "read_log", "request_events", "summarise"]

FIRST_BAD_STATUS = 400
PERCENTILES = (50, 90, 95, 99)


@dataclass(frozen=True, slots=True)
class Request:
    """One request: start in seconds since the epoch, milliseconds, status (0 if none came), server, error."""

    start_s: float
    latency_ms: float
    status: int
    server: str = ""
    error: str = ""

    @property
    def failure(self) -> str:
        """The kind of failure; "" for a good answer."""
        if self.status >= FIRST_BAD_STATUS:
            return f"status {self.status}"
        return self.error or ("" if self.status else "no answer")


@dataclass(frozen=True, kw_only=True)
class RequestLog:
    """A request log, read. `users` are (seconds since the epoch, number of users)."""

    wall_s: float
    mono_s: float
    requests: tuple[Request, ...]
    users: tuple[tuple[float, int], ...]

    def mono(self, at_s: float) -> float:
        """Return this machine's monotonic seconds at `at_s` since the epoch."""
        return at_s - self.wall_s + self.mono_s


@dataclass(frozen=True, kw_only=True)
class LoadResult:
    """What became of a load, or of a part of it.

    `rps` is answered and failed requests per second of `duration_s`; `latency_ms` has
    p50, p90, p95, p99 and max of all requests, exactly; `errors` counts by kind, `servers`
    by the server that answered, where a header names it.
    """

    requests: int
    failures: int
    started_at: datetime
    duration_s: float
    rps: float
    peak_users: int
    latency_ms: Mapping[str, float] = field(default_factory=dict)
    errors: Mapping[str, int] = field(default_factory=dict)
    servers: Mapping[str, int] = field(default_factory=dict)
    files: Mapping[str, Path] = field(default_factory=dict)

    def __str__(self) -> str:
        """Say it for a person."""
        speed = f"{self.rps:.0f}/s, p95 {self.latency_ms['p95']:.1f} ms, up to {self.peak_users} users"
        return f"{self.requests} requests in {self.duration_s:.1f} s ({speed}), {self.failures} failed"


def read_log(path: Path) -> RequestLog:
    """Read a request log. A torn last line, as a killed load leaves it, is dropped.

    Raises:
        UsageError: it is missing, or has no header.

    """
    try:
        lines = path.read_text(encoding="utf-8").splitlines(keepends=True)
    except OSError as error:
        raise UsageError(f"cannot read the request log {path}", found=str(error)) from error
    whole = [line.rstrip("\n").split("\t") for line in lines if line.endswith("\n")]
    if not whole or whole[0][0] != "#clocks":
        raise UsageError(f"{path} is no request log", expected="a first line #clocks")
    return RequestLog(
        wall_s=float(whole[0][1]),
        mono_s=float(whole[0][2]),
        requests=tuple(
            Request(float(parts[0]), float(parts[1]), int(parts[2]), parts[3], parts[4])
            for parts in whole
            if not parts[0].startswith("#")
        ),
        users=tuple((float(parts[1]), int(parts[2])) for parts in whole if parts[0] == "#users"),
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
    log: RequestLog,
    *,
    since_s: float | None = None,
    until_s: float | None = None,
    files: Mapping[str, Path] | None = None,
) -> LoadResult:
    """Return the result of all requests that began from `since_s` until before `until_s` (epoch seconds).

    Raises:
        UsageError: there is not one.

    """
    since = -math.inf if since_s is None else since_s
    until = math.inf if until_s is None else until_s
    chosen = [request for request in log.requests if since <= request.start_s < until]
    if not chosen:
        raise UsageError("the load sent no request", found=f"{len(log.requests)} in the whole log")
    started = min(request.start_s for request in chosen) if since_s is None else since_s
    ended = (
        max(request.start_s + request.latency_ms / 1000 for request in chosen) if until_s is None else until_s
    )
    failures = Counter(request.failure for request in chosen if request.failure)
    latencies = sorted(request.latency_ms for request in chosen)
    shown = {f"p{percent}": percentile(latencies, percent) for percent in PERCENTILES}
    return LoadResult(
        requests=len(chosen),
        failures=failures.total(),
        started_at=datetime.fromtimestamp(started, UTC),
        duration_s=ended - started,
        rps=len(chosen) / max(ended - started, 1e-9),
        peak_users=max((users for at, users in log.users if since <= at < until), default=0),
        latency_ms={**shown, "max": latencies[-1]},
        errors=dict(failures),
        servers=dict(Counter(request.server for request in chosen if request.server)),
        files=files or {},
    )


def request_events(log: RequestLog, *, subject: str) -> Iterator[Event]:
    """Yield one event per second of load: every request of it, in columns.

    `offset_ms` counts from the event's time, `latency_ms` is exact, `failure` is "" for a
    good answer. The times are this machine's, known to the precision of its clocks.
    """
    seconds: dict[int, list[Request]] = defaultdict(list)
    for request in log.requests:
        seconds[int(request.start_s)].append(request)
    for second, requests in sorted(seconds.items()):
        requests.sort(key=lambda request: request.start_s)
        yield Event(
            at=datetime.fromtimestamp(second, UTC),
            mono=log.mono(second),
            source="load",
            kind="requests",
            subject=subject,
            data={
                "offset_ms": [round((request.start_s - second) * 1000, 1) for request in requests],
                "latency_ms": [request.latency_ms for request in requests],
                "failure": [request.failure for request in requests],
                "servers": dict(Counter(request.server for request in requests if request.server)),
            },
        )
