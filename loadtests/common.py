"""What every locustfile here shares: a user that reconnects, the shape, and the request log.

The harness sets

AFTERSHOCK_LOAD_LOG    file for one line per request; without it none is written
AFTERSHOCK_LOAD_SHAPE  a name in shapes.py; without it Locust's own -u and -r apply
AFTERSHOCK_LOAD_RATE   requests per second of each user; without it 10

Each file also runs by hand: locust -f loadtests/nginx_web.py --host http://127.0.0.1:30080

The log: a header with both clocks, then a line per request, `start` in seconds since the
epoch, `ms` as measured, status (0 if there was none), the server if a header names it, and
the kind of error. `#` lines tell the number of users, a few times a second.
"""

from __future__ import annotations

import os
import time
from typing import Any, ClassVar

import gevent
from locust import LoadTestShape, constant_throughput, events
from locust.contrib.fasthttp import FastHttpUser
from locust.env import Environment
from shapes import SHAPES

SERVER_HEADER = "X-Served-By"
FLUSH_S = 0.25


class WebUser(FastHttpUser):
    """A visitor who asks for `path` at a steady pace, on a new connection every so often.

    A connection stays with one replica for its whole life, so without new ones an added
    replica would never be asked.
    """

    abstract = True
    wait_time = constant_throughput(float(os.environ.get("AFTERSHOCK_LOAD_RATE", "10")))
    requests_per_connection: ClassVar[int] = 20
    connection_timeout = 5.0
    network_timeout = 5.0
    max_retries = 0
    asked = 0

    def ask(self, path: str) -> None:
        """Send one GET. Redirects are not followed: load goes to the host it was meant for."""
        self.asked += 1
        if self.asked % self.requests_per_connection == 0:
            self.client.client.clientpool.close()
        self.client.get(path, allow_redirects=False)


if os.environ.get("AFTERSHOCK_LOAD_SHAPE", "constant") != "constant":

    class Shape(LoadTestShape):
        """The shape that AFTERSHOCK_LOAD_SHAPE names, up to -u users within -t."""

        use_common_options = True
        users_at = staticmethod(SHAPES[os.environ["AFTERSHOCK_LOAD_SHAPE"]])

        def tick(self) -> tuple[int, float] | None:
            """Return how many users there should be now, and how fast to get there."""
            options = self.runner.environment.parsed_options
            users = self.users_at(self.get_run_time(), users=options.num_users, total_s=options.run_time)
            return None if users is None else (users, options.spawn_rate)

else:
    Shape = None  # Locust takes only classes; its own -u and -r then apply


class RequestLog:
    """Writes what every request became, in batches: a write for each would slow the load down."""

    def __init__(self, path: str, environment: Environment) -> None:
        self.file = open(path, "w", encoding="utf-8")  # noqa: PTH123, SIM115 - open for as long as the load lasts
        self.environment = environment
        self.lines = [f"#clocks\t{time.time():.6f}\t{time.monotonic():.6f}\n"]
        environment.events.request.add_listener(self.on_request)
        environment.events.quit.add_listener(self.on_quit)
        self.flusher = gevent.spawn(self.flush_forever)

    def on_request(
        self,
        start_time: float,
        response_time: float,
        response: Any,
        exception: BaseException | None,
        **_: Any,
    ) -> None:
        """Note one request."""
        status = getattr(response, "status_code", 0) or 0
        headers = getattr(response, "headers", None)
        server = (headers.get(SERVER_HEADER) if headers else None) or ""
        error = "" if exception is None else type(exception).__name__
        self.lines.append(f"{start_time:.6f}\t{response_time:.3f}\t{status}\t{server}\t{error}\n")

    def flush(self) -> None:
        """Write what has been noted."""
        runner = self.environment.runner
        users = runner.user_count if runner else 0
        lines, self.lines = self.lines, []
        self.file.write("".join([*lines, f"#users\t{time.time():.6f}\t{users}\n"]))
        self.file.flush()

    def flush_forever(self) -> None:
        """Write a few times a second until the end."""
        while True:
            self.flush()
            gevent.sleep(FLUSH_S)

    def on_quit(self, **_: Any) -> None:
        """Write the rest."""
        self.flusher.kill()
        self.flush()
        self.file.close()


@events.init.add_listener
def start_log(environment: Environment, **_: Any) -> None:
    """Begin the request log, if the harness asked for one."""
    path = os.environ.get("AFTERSHOCK_LOAD_LOG")
    if path:
        RequestLog(path, environment)
