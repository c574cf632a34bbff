"""Locust, headless, as a process of its own.

Its settings are all on the command line and in AFTERSHOCK_LOAD_*; what a user has
configured for Locust elsewhere does not apply. Results are read from the request log that
our locustfiles write, while Locust's own HTML, CSV and JSON are kept for the reader.
"""

from __future__ import annotations

import os
import signal
import subprocess
import threading
from collections import deque
from collections.abc import Callable
from pathlib import Path

from aftershock.clock import Clock, format_duration, wait_until
from aftershock.config import Settings
from aftershock.errors import CommandError, DeadlineError, UsageError
from aftershock.load.command import command, environment
from aftershock.load.driver import PROGRESS_EVERY_S, TAIL_LINES, Driver
from aftershock.load.hosts import check_host
from aftershock.load.progress import LogTail
from aftershock.load.recording import record_result, record_start
from aftershock.load.request_log import read_log
from aftershock.load.results import LoadResult, summarise
from aftershock.load.spec import LoadSpec, check_spec, check_target
from aftershock.redaction import clean
from aftershock.timeline import Timeline

__all__ = ["LoadSpec", "Locust"]

STARTS_WITHIN_S = 30.0


class Locust(Driver):
    """One load by one process on this machine."""

    look_every_s = 0.2
    ends_within_s = 30.0

    def __init__(
        self,
        spec: LoadSpec,
        *,
        folder: Path,
        settings: Settings,
        timeline: Timeline,
        progress: Callable[[str], None] | None = None,
        clock: Clock | None = None,
    ) -> None:
        super().__init__(spec, folder=folder, timeline=timeline, progress=progress, clock=clock)
        self.settings = settings
        stem = spec.name
        self.log = folder / f"{stem}.requests.tsv"
        self.output = folder / f"{stem}.log"
        self.files = {
            "requests": self.log,
            "log": self.output,
            "html": folder / f"{stem}.html",
            "json": folder / f"{stem}.json",
            "csv": folder / f"{stem}_stats.csv",
        }
        self._process: subprocess.Popen[bytes] | None = None
        self._tail = LogTail(self.log)
        self._looking = threading.Lock()

    def start(self) -> None:
        """Check everything that can be checked, start, and return once requests flow.

        Raises:
            RefusedError: load may not go to that host.
            ConfigError: the locustfile is missing or broken, or a number is out of range.
            EnvironmentUnusableError: the target refuses connections.
            CommandError: Locust ended or sent nothing.

        """
        check_host(self.spec.host, self.settings)
        check_spec(self.spec)
        check_target(self.spec.host)
        self.folder.mkdir(parents=True, exist_ok=True)
        self.log.unlink(missing_ok=True)
        with self.output.open("wb") as output:
            self._process = subprocess.Popen(
                command(self.spec, self.files),
                env=environment(self.spec, self.log),
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                start_new_session=True,  # Ctrl-C reaches the harness first, which then ends this in order
            )
        try:
            wait_until(
                self._flows, within_s=STARTS_WITHIN_S, every_s=0.1, what="the first request", clock=self.clock
            )
        except DeadlineError as error:
            self._end()
            raise self._failure(f"sent no request within {format_duration(STARTS_WITHIN_S)}") from error
        self._ends_at = self.clock.monotonic() + self.spec.duration_s
        first = self._tail.first
        assert first is not None  # it flows
        record_start(self.timeline, self.spec, due_s=first.due_s, clocks=self._tail.clocks)

    def look(self) -> None:
        """Take in what was written, tell the progress now and then, and note at once if Locust broke off.

        From any thread, as often as one likes.
        """
        with self._looking:
            self._tail.read()
            seen = self._tail.progress(every_s=PROGRESS_EVERY_S)
            code = self._running().poll()
            broke = bool(code) and not self._broken
            self._broken = self._broken or broke
        if seen is not None:
            self._tell("load-progress", str(seen), **seen.facts())
        if broke and code is not None:
            reason = f"Locust {_manner(code)}"
            self._tell("load-broken", reason, reason=reason)

    def stop(self) -> LoadResult | None:
        """End the load now, in order, and return what it achieved. Idempotent.

        None if it was never started, or ended without a request: a finaliser needs no error.
        """
        if self._process is None:
            return None
        self._end()
        with self._looking:
            flowed = self._tail.read() > 0
        return self._finish() if flowed else None

    def _sum_up(self) -> LoadResult:
        log = read_log(self.log)
        clean(*self.files.values())
        there = {name: path for name, path in self.files.items() if path.exists()}
        result = summarise(log, files=there)
        record_result(self.timeline, self.spec, log, result)
        return result

    def _flows(self) -> bool:
        if self._running().poll() is not None:
            raise self._failure(f"did not start: {_manner(self._running().returncode)}")
        return self._tail.read() > 0

    def _check(self) -> None:
        if code := self._running().poll():
            raise self._failure(_manner(code))

    def _ended(self) -> bool:
        self.look()
        self._check()
        return self._running().poll() is not None

    def _overdue(self, what: str, error: DeadlineError) -> CommandError:  # noqa: ARG002 - its log says more
        self._end()
        return self._failure(what)

    def _end(self) -> None:
        process = self._running()
        if process.poll() is not None:
            return
        self._broken = True  # how it ends now is our doing
        process.terminate()  # Locust then writes its reports
        try:
            process.wait(timeout=self.ends_within_s)
        except subprocess.TimeoutExpired:
            os.killpg(process.pid, signal.SIGKILL)
            process.wait()

    def _running(self) -> subprocess.Popen[bytes]:
        if self._process is None:
            raise UsageError("the load was not started", hint="call start() first")
        return self._process

    def _failure(self, what: str) -> CommandError:
        process = self._running()
        with self.output.open(encoding="utf-8", errors="replace") as file:
            tail = deque((line.rstrip() for line in file if line.strip()), maxlen=TAIL_LINES)
        code = process.returncode if process.returncode is not None else 0
        return CommandError(
            f"Locust on {self.spec.locustfile.name} {what}",
            command=[str(word) for word in process.args] if isinstance(process.args, list) else [],
            code=code,
            tail=tuple(tail),
            hint=f"the whole log: {self.output}",
        )


def _manner(code: int) -> str:
    return f"was killed by {signal.Signals(-code).name}" if code < 0 else f"ended with exit code {code}"
