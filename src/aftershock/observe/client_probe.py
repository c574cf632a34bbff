"""The user's clock: HTTP requests at fixed due times, each on a connection of its own.

Due times do not wait for answers, so a service that stalls does not hide its own outage. A
new connection each time goes through the service's load balancing as a new user would.
"""

from __future__ import annotations

import http.client
import socket
import threading
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import datetime, timedelta
from http import HTTPStatus
from urllib.parse import urlsplit

from aftershock.clock import Clock
from aftershock.errors import AftershockError, UsageError
from aftershock.observe.observer import Observer
from aftershock.timeline import Event, Timeline

__all__ = ["Answer", "ClientProbe", "ask"]

_SPARE_WORKERS = 4
_CHUNK = 65536


@dataclass(frozen=True, kw_only=True)
class Answer:
    """What came back: a status, or the kind of failure."""

    ok: bool
    status: int | None = None
    error: str = ""


class ClientProbe(Observer):
    """Asks `url` `rate` times a second and records every answer.

    An answer is good if it is complete within `timeout_s` and its status is below 400. A
    request that is sent late, because this machine is busy, has that in its resolution.
    """

    def __init__(
        self,
        url: str,
        timeline: Timeline,
        *,
        rate: float = 20.0,
        timeout_s: float = 1.0,
        clock: Clock | None = None,
    ) -> None:
        if urlsplit(url).scheme != "http" or not urlsplit(url).hostname:
            raise UsageError(f"{url!r} cannot be probed", expected="a URL as in http://127.0.0.1:30080/")
        self.url = url
        self._timeline = timeline
        self._clock = clock or timeline.clock
        self._period_s = 1.0 / rate
        self._rate = rate
        self._timeout_s = timeout_s
        self._stopping = threading.Event()
        self._error: BaseException | None = None
        # As many as can be under way at once when nothing answers.
        workers = int(rate * timeout_s) + _SPARE_WORKERS
        self._pool = ThreadPoolExecutor(max_workers=workers, thread_name_prefix=f"probe {url}")
        self._thread = threading.Thread(target=self._run, name=f"probe {url}", daemon=True)

    def start(self) -> None:
        """Begin asking."""
        self._state("started")
        self._thread.start()

    def check(self) -> None:
        """Raise what ended the probing.

        Raises:
            AftershockError: it gave up; the record has no probes from there on.

        """
        if self._error is not None:
            raise AftershockError(
                f"the probe of {self.url} gave up", found=f"{self._error!r}"
            ) from self._error

    def stop(self) -> None:
        """Ask no more, wait for the answers that are due, and raise what `check` raises."""
        if not self._stopping.is_set():
            self._stopping.set()
            if self._thread.ident is not None:
                self._thread.join()
            self._pool.shutdown(wait=True)
            self._state("stopped")
        self.check()

    def probe(self, due_at: datetime, due: float) -> None:
        """Ask once and record the answer under its due time (wall and monotonic)."""
        late = max(0.0, self._clock.monotonic() - due)
        answer = ask(self.url, timeout_s=self._timeout_s, clock=self._clock)
        took = self._clock.monotonic() - due
        said = {"status": answer.status} if answer.status is not None else {"error": answer.error}
        self._timeline.append(
            Event(
                at=due_at,
                mono=due,
                source="client",
                kind="probe",
                subject=self.url,
                data={
                    "ms": round(took * 1000, 1),
                    "ok": answer.ok,
                    **said,
                    **({"late_ms": round(late * 1000, 1)} if late > self._period_s else {}),
                },
                resolution_s=round(self._period_s + late, 4),
            )
        )

    def _run(self) -> None:
        try:
            start, start_at = self._clock.monotonic(), self._clock.now()
            number = 0
            while not self._stopping.wait(
                max(0.0, start + number * self._period_s - self._clock.monotonic())
            ):
                passed = number * self._period_s
                work = self._pool.submit(self.probe, start_at + timedelta(seconds=passed), start + passed)
                work.add_done_callback(lambda done: self._failed(done.exception()))
                number += 1
        except BaseException as error:  # noqa: BLE001 - kept for `check`; a thread has no caller
            self._failed(error)

    def _failed(self, error: BaseException | None) -> None:
        """Keep the first error that is ours, not the service's, and stop asking."""
        if error is not None:
            self._error = self._error or error
            self._stopping.set()

    def _state(self, state: str) -> None:
        self._timeline.record(
            "client", "probing", self.url, state=state, rate=self._rate, timeout_s=self._timeout_s
        )


def ask(url: str, *, timeout_s: float, clock: Clock) -> Answer:
    """GET `url` on a new connection and read the whole answer, in `timeout_s` seconds at most."""
    parts = urlsplit(url)
    deadline = clock.monotonic() + timeout_s
    connection = http.client.HTTPConnection(parts.hostname or "", parts.port, timeout=timeout_s)
    target = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
    try:
        connection.connect()
        _allow(connection, deadline, clock)
        connection.request("GET", target, headers={"Connection": "close", "User-Agent": "aftershock-probe"})
        response = connection.getresponse()
        while _allow(connection, deadline, clock) and response.read1(_CHUNK):
            pass
        if response.length:  # bytes that were promised and did not come
            return Answer(ok=False, error="protocol")
        return Answer(ok=response.status < HTTPStatus.BAD_REQUEST, status=response.status)
    except (OSError, http.client.HTTPException) as error:
        return Answer(ok=False, error=_kind(error))
    finally:
        connection.close()


def _allow(connection: http.client.HTTPConnection, deadline: float, clock: Clock) -> bool:
    """Give the next wait what is left of the time.

    Raises:
        TimeoutError: nothing is left.

    """
    left = deadline - clock.monotonic()
    if left <= 0:
        raise TimeoutError
    sock: socket.socket | None = connection.sock
    if sock is not None:  # gone once the answer has said that it is the last
        sock.settimeout(left)
    return True


def _kind(error: Exception) -> str:
    """Name a failure by its kind: what a reader of a timeline can count."""
    kinds: tuple[tuple[type[Exception], str], ...] = (
        (TimeoutError, "timeout"),
        (ConnectionRefusedError, "refused"),
        (ConnectionError, "reset"),
        (http.client.HTTPException, "protocol"),
        (socket.gaierror, "dns"),
    )
    return next((word for kind, word in kinds if isinstance(error, kind)), "network")
