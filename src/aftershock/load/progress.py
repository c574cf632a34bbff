"""What a load does at the moment, read from the end of its growing request log."""

from __future__ import annotations

from collections import deque
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from aftershock.counting import counted
from aftershock.load.request_log import FIELDS, Request
from aftershock.load.results import percentile

__all__ = ["LogTail", "Progress"]


@dataclass(frozen=True, kw_only=True)
class Progress:
    """The last few seconds: users now (in an open load, requests under way), answers per second, their p95.

    Failures and dropped requests are those of the whole load.
    """

    users: int
    rps: float
    failures: int
    dropped: int
    p95_ms: float

    def __str__(self) -> str:
        """Say it in one line."""
        speed = f"{self.rps:.0f} requests/s, p95 {self.p95_ms:.0f} ms"
        dropped = f", {self.dropped} dropped" if self.dropped else ""
        return f"{counted(self.users, 'user')}, {speed}, {counted(self.failures, 'failure')}{dropped}"

    def facts(self) -> dict[str, Any]:
        """Return it as the data of an event."""
        return {name: round(value, 2) for name, value in asdict(self).items()}


class LogTail:
    """Reads a request log as it grows."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.requests = 0
        self.failures = 0
        self.dropped = 0
        self.users = 0
        self.first: Request | None = None
        self.clocks = (0.0, 0.0)
        self._offset = 0
        self._rest = b""
        self._now = 0.0
        self._shown_at = 0.0
        self._recent: deque[Request] = deque()

    def read(self) -> int:
        """Take in what was written since; return how many requests there are in all."""
        if not self.path.exists():
            return 0
        with self.path.open("rb") as file:
            file.seek(self._offset)
            chunk = file.read()
        self._offset += len(chunk)
        *lines, self._rest = (self._rest + chunk).split(b"\n")
        for line in lines:
            self._take(line.decode("utf-8", "replace").split("\t"))
        return self.requests

    def progress(self, *, every_s: float) -> Progress | None:
        """Return the last `every_s` seconds of the log, when that long has passed since it last did."""
        if self._shown_at == 0.0:
            self._shown_at = self._now
        if self._now - self._shown_at < every_s:
            return None
        span, self._shown_at = self._now - self._shown_at, self._now
        while self._recent and _ended(self._recent[0]) < self._now - span:
            self._recent.popleft()
        latencies = sorted(request.latency_ms for request in self._recent)
        return Progress(
            users=self.users,
            rps=len(latencies) / span,
            failures=self.failures,
            dropped=self.dropped,
            p95_ms=percentile(latencies, 95) if latencies else 0.0,
        )

    def _take(self, parts: list[str]) -> None:
        if parts[0] == "#users":
            self._now, self.users = float(parts[1]), int(parts[2])
        elif parts[0] == "#clocks":
            self.clocks = float(parts[1]), float(parts[2])
        elif parts[0] == "#dropped":
            self.dropped += 1
        elif len(parts) == FIELDS:
            request = Request.parse(parts)
            self.first = self.first or request
            self.requests += 1
            self.failures += bool(request.failure)
            self._recent.append(request)


def _ended(request: Request) -> float:
    return request.due_s + request.latency_ms / 1000
