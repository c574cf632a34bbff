"""The request log that our locustfiles write, read: what every request became, and what was not sent.

loadtests/request_log.py says what stands in it.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Literal

from aftershock.errors import UsageError

__all__ = ["FIELDS", "Model", "Request", "RequestLog", "Sample", "merged", "read_log"]

FIRST_BAD_STATUS = 400
FIELDS = 6
"""Of a line that is a request."""

Model = Literal["open", "closed"]


@dataclass(frozen=True, slots=True)
class Request:
    """One request: due and sent in monotonic seconds; milliseconds from due until it was answered.

    `status` is 0 if none came, `server` who answered if a header names it, `error` its kind or "".
    """

    due_s: float
    sent_s: float
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

    @classmethod
    def parse(cls, parts: Sequence[str]) -> Request:
        """Read the fields of a line."""
        due, sent, took, status, server, error = parts
        return cls(float(due), float(sent), float(took), int(status), server, error)


@dataclass(frozen=True, slots=True)
class Sample:
    """At a time (monotonic seconds): how many users, or requests under way; CPU seconds so far."""

    at_s: float
    users: int
    cpu_s: float


@dataclass(frozen=True, kw_only=True)
class RequestLog:
    """A request log, read. Times are monotonic seconds of the machine that wrote it.

    `dropped` and `unfinished` are when requests were due that were never sent, or that were
    under way when the load was ended. `ended` says whether the log was closed in order, `done`
    (in an open load) that all was sent and answered.
    """

    wall_s: float
    mono_s: float
    model: Model
    requests: tuple[Request, ...]
    samples: tuple[Sample, ...]
    dropped: tuple[float, ...] = ()
    unfinished: tuple[float, ...] = ()
    ended: bool = False
    done: bool = False

    def moved(self, by_s: float) -> RequestLog:
        """Return it by a clock that is `by_s` ahead of its own."""
        return replace(
            self,
            mono_s=self.mono_s + by_s,
            requests=tuple(
                replace(request, due_s=request.due_s + by_s, sent_s=request.sent_s + by_s)
                for request in self.requests
            ),
            samples=tuple(replace(sample, at_s=sample.at_s + by_s) for sample in self.samples),
            dropped=tuple(due + by_s for due in self.dropped),
            unfinished=tuple(due + by_s for due in self.unfinished),
        )

    def wall(self, mono_s: float) -> float:
        """Return the seconds since the epoch at `mono_s`, by the clock of the log's beginning."""
        return mono_s - self.mono_s + self.wall_s

    @property
    def cpu_share(self) -> float:
        """CPU that the generator took while requests flowed, as a share of one core."""
        if len(self.samples) < 2 or not self.requests:  # noqa: PLR2004 - a difference needs two
            return 0.0
        first = min(request.due_s for request in self.requests)
        last = max(request.due_s for request in self.requests)
        during = [sample for sample in self.samples if first <= sample.at_s <= last] or list(self.samples)
        took = during[-1].at_s - during[0].at_s
        return (during[-1].cpu_s - during[0].cpu_s) / took if took > 0 else 0.0


def merged(logs: Sequence[RequestLog]) -> RequestLog:
    """Return the logs of several workers as one; their times are by one clock already."""
    first = logs[0]
    return RequestLog(
        wall_s=first.wall_s,
        mono_s=first.mono_s,
        model=first.model,
        requests=tuple(request for log in logs for request in log.requests),
        samples=(),
        dropped=tuple(due for log in logs for due in log.dropped),
        unfinished=tuple(due for log in logs for due in log.unfinished),
        ended=all(log.ended for log in logs),
        done=all(log.done for log in logs),
    )


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
    said = {word: [row[1:] for row in whole if row[0] == word] for word in _WORDS}
    return RequestLog(
        wall_s=float(whole[0][1]),
        mono_s=float(whole[0][2]),
        model="open" if ["open"] in said["#model"] else "closed",
        requests=tuple(Request.parse(row) for row in whole if not row[0].startswith("#")),
        samples=tuple(Sample(float(at), int(users), float(cpu)) for at, users, cpu in said["#users"]),
        dropped=tuple(float(due) for (due,) in said["#dropped"]),
        unfinished=tuple(float(due) for (due,) in said["#unfinished"]),
        ended=bool(said["#end"]),
        done=bool(said["#done"]),
    )


_WORDS = ("#model", "#users", "#dropped", "#unfinished", "#end", "#done")
