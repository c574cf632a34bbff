"""A worker's request log, over HTTP: for the harness, when Locust runs in the cluster.

GET /log?from=N gives the whole lines that begin at byte N, GET /clock this machine's clocks (wall,
monotonic), GET /bye lets the process end; without it, it stays for a minute after its load.
"""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs

import gevent
from gevent.event import Event
from gevent.pywsgi import WSGIServer
from locust.env import Environment

__all__ = ["serve"]

AT_ONCE = 4 * 1024 * 1024
STAYS_S = 60.0


class LogServer:
    """Answers for one log."""

    def __init__(self, path: Path, clocks: Any) -> None:
        self.path = path
        self.clocks = clocks
        self.dismissed = Event()

    def __call__(self, request: dict[str, Any], start: Any) -> Iterable[bytes]:
        """Answer one request, as WSGI has it."""
        answer = {"/log": self._log, "/clock": self._clock, "/bye": self._bye}.get(request["PATH_INFO"])
        start("200 OK" if answer else "404 Not Found", [("Content-Type", "text/plain")])
        return [answer(request)] if answer else []

    def _log(self, request: dict[str, Any]) -> bytes:
        offset = int(parse_qs(request.get("QUERY_STRING", "")).get("from", ["0"])[0])
        if not self.path.exists():
            return b""
        with self.path.open("rb") as file:
            file.seek(offset)
            chunk = file.read(AT_ONCE)
        return chunk[: chunk.rfind(b"\n") + 1]

    def _clock(self, _: dict[str, Any]) -> bytes:
        return "{:.6f}\t{:.6f}\n".format(*self.clocks()).encode()

    def _bye(self, _: dict[str, Any]) -> bytes:
        self.dismissed.set()
        return b"bye\n"

    def stay(self, **_: Any) -> None:
        """Keep the process until the log was fetched."""
        self.dismissed.wait(STAYS_S)
        gevent.sleep(0.1)  # the answer to the last request goes out first


def serve(path: Path, *, port: int, clocks: Any, environment: Environment) -> None:
    """Serve the log at `path` until it was fetched; `clocks` gives wall and monotonic seconds."""
    server = LogServer(path, clocks)
    WSGIServer(("0.0.0.0", port), server, log=None).start()  # noqa: S104 - inside a pod
    environment.events.quit.add_listener(server.stay)
