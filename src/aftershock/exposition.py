"""The metric `aftershock_fault_active`: which faults there are now, for Prometheus to ask.

By hand, in Prometheus' text format: the reaper's half of the package needs no client library.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from aftershock.faults.journal import Record

__all__ = ["exposition", "serve_active"]

_NAME = "aftershock_fault_active"
_HELP = "1 for each fault that is marked in the cluster, from before it is injected until it is undone."
_TYPE = "text/plain; version=0.0.4; charset=utf-8"


def exposition(records: Iterable[Record]) -> str:
    """Return the metric for `records`, in Prometheus' text format; without any, there is no series."""
    lines = [f"# HELP {_NAME} {_HELP}", f"# TYPE {_NAME} gauge"]
    for record in sorted(records, key=lambda record: record.fault_id):
        labels = {"fault": record.fault, "fault_id": record.fault_id, "run_id": record.run_id}
        shown = ",".join(f'{name}="{_escaped(value)}"' for name, value in labels.items())
        lines.append(f"{_NAME}{{{shown}}} 1")
    return "\n".join([*lines, ""])


def serve_active(active: Callable[[], Iterable[Record]], *, port: int) -> ThreadingHTTPServer:
    """Answer GET /metrics with what is active then, in a thread, for as long as the process lives.

    Raises:
        OSError: the port is taken.

    """

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            """Answer."""
            known = self.path.partition("?")[0] == "/metrics"
            body = exposition(active()).encode() if known else b"there is /metrics\n"
            self.send_response(200 if known else 404)
            self.send_header("Content-Type", _TYPE)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the base class's name
            """Say nothing: every scrape would be a line."""

    server = ThreadingHTTPServer(("", port), Handler)
    server.daemon_threads = True
    threading.Thread(target=server.serve_forever, name="metrics", daemon=True).start()
    return server


def _escaped(text: str) -> str:
    return text.replace("\\", r"\\").replace("\n", r"\n").replace('"', r"\"")
