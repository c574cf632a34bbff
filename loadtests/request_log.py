"""The request log: what every request became, for the harness to read as it grows.

A header with both clocks, then a line per request, in this machine's monotonic seconds: when
it was due, when it was sent, the milliseconds from when it was due until the whole answer was
there, status (0 if there was none), the server if a header names it, and the kind of error.
In a closed load nothing is due by itself: there "due" is when it was sent.

Lines that begin with # tell the rest: the clocks, the model, the users a few times a second
(in an open load: the requests under way) with the CPU seconds spent so far, requests that were
due and not sent, requests that were under way when the load was ended, and the end itself.
"""

from __future__ import annotations

import time
from typing import Any

import gevent
from locust.env import Environment

__all__ = ["RequestLog"]

SERVER_HEADER = "X-Served-By"
FLUSH_S = 0.25


class RequestLog:
    """Writes in batches: a write for each request would slow the load down."""

    def __init__(self, path: str, environment: Environment, *, model: str) -> None:
        self.file = open(path, "w", encoding="utf-8")  # noqa: PTH123, SIM115 - open for as long as the load lasts
        self.environment = environment
        self.under_way = -1
        wall, mono = self.clocks()
        self.lines = [f"#clocks\t{wall:.6f}\t{mono:.6f}\n", f"#model\t{model}\n"]
        environment.events.request.add_listener(self.on_request)
        environment.events.quit.add_listener(self.on_quit)
        self.flusher = gevent.spawn(self.flush_forever)

    @staticmethod
    def clocks() -> tuple[float, float]:
        """Return wall and monotonic seconds."""
        return time.time(), time.monotonic()

    def on_request(
        self,
        response_time: float,
        response: Any,
        exception: BaseException | None,
        context: dict[str, Any],
        **_: Any,
    ) -> None:
        """Note one request, which has just ended."""
        ended = time.monotonic()
        sent = ended - response_time / 1000
        due = context.get("due") or sent
        headers = getattr(response, "headers", None)
        server = (headers.get(SERVER_HEADER) if headers else None) or ""
        status = getattr(response, "status_code", 0) or 0
        error = "" if exception is None else type(exception).__name__
        self.lines.append(f"{due:.6f}\t{sent:.6f}\t{(ended - due) * 1000:.3f}\t{status}\t{server}\t{error}\n")

    def note_failed(self, due: float, sent: float, error: str) -> None:
        """Note what came to nothing without a request of its own."""
        took = (time.monotonic() - due) * 1000
        self.lines.append(f"{due:.6f}\t{sent:.6f}\t{took:.3f}\t0\t\t{error}\n")

    def note_dropped(self, due: float) -> None:
        """Note what was due and will not be sent."""
        self.lines.append(f"#dropped\t{due:.6f}\n")

    def note_unfinished(self, due: float) -> None:
        """Note what was under way when the load was ended."""
        self.lines.append(f"#unfinished\t{due:.6f}\n")

    def note_done(self) -> None:
        """Note that all that was due has been sent and answered."""
        self.lines.append("#done\n")

    def flush(self) -> None:
        """Write what has been noted."""
        runner = self.environment.runner
        users = self.under_way if self.under_way >= 0 else (runner.user_count if runner else 0)
        lines, self.lines = self.lines, []
        lines.append(f"#users\t{time.monotonic():.6f}\t{users}\t{time.process_time():.3f}\n")
        self.file.write("".join(lines))
        self.file.flush()

    def flush_forever(self) -> None:
        """Write a few times a second until the end."""
        while True:
            self.flush()
            gevent.sleep(FLUSH_S)

    def on_quit(self, **_: Any) -> None:
        """Write the rest."""
        if self.file.closed:
            return
        self.flusher.kill()
        self.flush()
        self.file.write(f"#end\t{time.monotonic():.6f}\n")
        self.file.close()
