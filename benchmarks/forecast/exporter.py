"""An exporter whose metrics change when it is told to, and that writes down when they really did.

It runs alone, in a pod, with nothing but the standard library: `exporter.py signals.json`. The
file has for each of the two ports the names and kinds of its signals:

gauge        0, and 1 once it is flipped
counter      0, and then rising by STEPS_PER_S
new-counter  declared but without a series, until it is flipped; then rising the same way

PROMPT_PORT  GET /metrics; POST /flip/NAME answers {"at_ns": ...}, CLOCK_REALTIME right after the
             change, which is a line of stdout too; again for the same NAME it changes nothing
SLOW_PORT    GET /metrics, answered TAKES_S later with what was so when it was asked
"""

from __future__ import annotations

import json
import signal
import sys
import threading
import time
from collections.abc import Callable, Mapping
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any, Literal

__all__ = ["PROMPT_PORT", "SLOW_PORT", "STEPS_PER_S", "TAKES_S", "Kind", "Signals", "serve"]

PROMPT_PORT = 8080
SLOW_PORT = 8081
TAKES_S = 0.3
STEPS_PER_S = 10

Kind = Literal["gauge", "counter", "new-counter"]


class Signals:
    """The metrics of one port, by name. Safe to use from several threads."""

    def __init__(self, kinds: Mapping[str, Kind], *, now_ns: Callable[[], int] = time.time_ns) -> None:
        self._kinds = dict(kinds)
        self._now_ns = now_ns
        self._flipped: dict[str, int] = {}
        self._lock = threading.Lock()

    def __contains__(self, name: str) -> bool:
        """Whether there is one of that name."""
        return name in self._kinds

    def flip(self, name: str) -> int:
        """Let it change now, if it has not; return when it did, in ns since the epoch."""
        with self._lock:
            if name not in self._flipped:
                self._flipped[name] = self._now_ns()
            return self._flipped[name]

    def text(self) -> str:
        """Return them as Prometheus reads them."""
        with self._lock:
            now = self._now_ns()
            return "".join(self._series(name, kind, now) for name, kind in self._kinds.items())

    def _series(self, name: str, kind: Kind, now_ns: int) -> str:
        flipped = self._flipped.get(name)
        head = f"# TYPE {name} {'gauge' if kind == 'gauge' else 'counter'}\n"
        if flipped is None:
            return head if kind == "new-counter" else f"{head}{name} 0\n"
        if kind == "gauge":
            return f"{head}{name} 1\n"
        return f"{head}{name} {1 + (now_ns - flipped) * STEPS_PER_S // 10**9}\n"


def serve(
    prompt: Signals,
    slow: Signals,
    *,
    host: str = "",
    ports: tuple[int, int] = (PROMPT_PORT, SLOW_PORT),
    takes_s: float = TAKES_S,
) -> tuple[ThreadingHTTPServer, ThreadingHTTPServer]:
    """Answer for `prompt` and `slow` from threads; return both servers."""
    never = threading.Event()

    class Prompt(_Handler):
        def do_GET(self) -> None:
            self.answer(200, prompt.text())

        def do_POST(self) -> None:
            name = self.path.rpartition("/")[2]
            own = next((signals for signals in (prompt, slow) if name in signals), None)
            if own is None:
                self.answer(404, "{}")
                return
            told = json.dumps({"at_ns": own.flip(name)})
            sys.stdout.write(f"{name} {told}\n")
            sys.stdout.flush()
            self.answer(200, told)

    class Slow(_Handler):
        def do_GET(self) -> None:
            text = slow.text()
            never.wait(takes_s)
            self.answer(200, text)

    servers = (ThreadingHTTPServer((host, ports[0]), Prompt), ThreadingHTTPServer((host, ports[1]), Slow))
    for server in servers:
        threading.Thread(target=server.serve_forever, daemon=True).start()
    return servers


class _Handler(BaseHTTPRequestHandler):
    def answer(self, status: int, text: str) -> None:
        body = text.encode()
        self.send_response(status)
        self.send_header("Content-Type", "text/plain; version=0.0.4")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 - the base class names it so
        """Say nothing: what matters is printed where it happens."""


def _main() -> None:
    kinds = json.loads(Path(sys.argv[1]).read_text(encoding="utf-8"))
    serve(Signals(kinds["prompt"]), Signals(kinds["slow"]))
    # As a container's first process it would not hear of SIGTERM without a handler.
    ended = threading.Event()
    signal.signal(signal.SIGTERM, lambda *_: ended.set())
    ended.wait()


if __name__ == "__main__":
    _main()
