"""What every locustfile here shares: a visitor that reconnects, the shape, and the request log.

The harness sets

AFTERSHOCK_LOAD_LOG       file for one line per request (request_log.py); without it none is written
AFTERSHOCK_LOAD_SHAPE     a name in shapes.py; without it the load is constant
AFTERSHOCK_LOAD_RATE      closed model: requests per second of each user, at most; without it 10
AFTERSHOCK_LOAD_ARRIVALS  open model (arrivals.py): requests per second in all, whatever the target does
AFTERSHOCK_LOAD_SECONDS   open model: how long requests are due
AFTERSHOCK_LOAD_WORKERS   how many Locust workers share it, in a cluster; without it there is one process
AFTERSHOCK_LOAD_PORT      a worker serves its log there (serving.py)

Each file also runs by hand: locust -f loadtests/nginx_web.py --host http://127.0.0.1:30080
"""

from __future__ import annotations

import os
import time
from pathlib import Path
from typing import Any, ClassVar

from arrivals import install
from geventhttpclient.client import HTTPClient
from locust import LoadTestShape, constant_throughput, events
from locust.contrib.fasthttp import FAILURE_EXCEPTIONS, FastHttpUser, FastResponse, LocustBadStatusCode
from locust.env import Environment
from locust.runners import MasterRunner
from request_log import RequestLog
from serving import serve
from shapes import SHAPES, users_at

OPEN = "AFTERSHOCK_LOAD_ARRIVALS" in os.environ
FIRST_BAD_STATUS = 400
HEADERS = {"Accept-Encoding": "gzip, deflate, br"}


class WebUser(FastHttpUser):
    """A visitor who asks for `path` at a steady pace, on a new connection every so often.

    A connection stays with one replica for its whole life, so without new ones an added
    replica would never be asked. `due` is when the next request was due, in an open load.
    """

    abstract = True
    wait_time = constant_throughput(float(os.environ.get("AFTERSHOCK_LOAD_RATE", "10")))
    requests_per_connection: ClassVar[int] = 20
    connection_timeout = 5.0
    network_timeout = 5.0
    max_retries = 0
    concurrency = 1  # one connection; geventhttpclient sends again as often as it has room for more
    asked = 0
    due: float | None = None
    connection: HTTPClient | None = None

    def context(self) -> dict[str, Any]:
        """Return when the request was due; a second one of the same task was not due by itself."""
        due, self.due = self.due, None
        return {"due": due} if due else {}

    def ask(self, path: str) -> None:
        """Send one GET, read the whole answer, and report it as `self.client.get` would.

        By the same library, but with neither cookies nor redirects: load goes to the host that it
        was meant for. So it takes a third less of the time of a processor, and there is room for
        due times and a log of every request.
        """
        began, start, error, response, length = time.time(), time.perf_counter(), None, None, 0
        try:
            answer = self._connected().request("GET", path, headers=HEADERS)
            length = len(answer.read())
            response = FastResponse(answer)
            if answer.status_code >= FIRST_BAD_STATUS:
                error = LocustBadStatusCode(f"{self.host}{path}", code=answer.status_code)
        except FAILURE_EXCEPTIONS as failure:
            error, self.connection = failure, None
        self.environment.events.request.fire(
            request_type="GET",
            name=path,
            response_time=(time.perf_counter() - start) * 1000,
            response_length=length,
            response=response,
            context=self.context(),
            exception=error,
            start_time=began,
            url=f"{self.host}{path}",
        )

    def _connected(self) -> HTTPClient:
        """Return the connection, a new one every so often."""
        self.asked += 1
        if self.connection is None or self.asked % self.requests_per_connection == 0:
            pool = self.client.client.clientpool
            pool.close()
            self.connection = pool.get_client(f"{self.host}/")
        return self.connection


if not OPEN and os.environ.get("AFTERSHOCK_LOAD_SHAPE", "constant") != "constant":

    class Shape(LoadTestShape):
        """The shape that AFTERSHOCK_LOAD_SHAPE names, up to -u users within -t."""

        use_common_options = True
        pieces = SHAPES[os.environ["AFTERSHOCK_LOAD_SHAPE"]]

        def tick(self) -> tuple[int, float] | None:
            """Return how many users there should be now, and how fast to get there."""
            options = self.runner.environment.parsed_options
            users = users_at(
                self.get_run_time(), self.pieces, users=options.num_users, total_s=options.run_time
            )
            return None if users is None else (users, options.spawn_rate)

else:
    Shape = None  # Locust takes only classes; its own -u and -r then apply


@events.init.add_listener
def begin(environment: Environment, **_: Any) -> None:
    """Begin the request log, if the harness asked for one, and the open model."""
    path = os.environ.get("AFTERSHOCK_LOAD_LOG") or (os.devnull if OPEN else None)
    log = None
    if path and not isinstance(environment.runner, MasterRunner):
        log = RequestLog(path, environment, model="open" if OPEN else "closed")
        if "AFTERSHOCK_LOAD_PORT" in os.environ:
            port = int(os.environ["AFTERSHOCK_LOAD_PORT"])
            serve(Path(path), port=port, clocks=log.clocks, environment=environment)
    if OPEN:
        install(environment, log)
