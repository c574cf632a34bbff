"""What all our HTTP servers share: metrics, health, readiness, and an orderly end.

Every server answers, beside its own routes,

/healthz  200 while the process can answer at all
/ready    200 once its start-up is over and while it can serve, else 503
/metrics  in Prometheus' text format

These three are not counted as requests: probes would dilute the error ratio that an
alert watches. What a handler answers says which pod it was (X-Served-By).
"""

from __future__ import annotations

import contextlib
import os
import signal
import socket
import sys
import time
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import AbstractAsyncContextManager
from types import FrameType

import uvicorn
from prometheus_client import (
    CollectorRegistry,
    Counter,
    Histogram,
    ProcessCollector,
    disable_created_metrics,
    generate_latest,
)
from prometheus_client.exposition import CONTENT_TYPE_PLAIN_0_0_4
from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route
from starlette.types import ASGIApp, Message, Receive, Scope, Send

__all__ = ["Lifespan", "RequestMetrics", "create_app", "environment_port", "serve"]

Lifespan = Callable[[Starlette], AbstractAsyncContextManager[None]]

# Born with the process, so that the first error of a kind is an increase that rate() sees.
BORN_STATUSES = ("200", "500", "503")
# Seconds. Close around the objectives that are judged: 200 ms and 500 ms.
BUCKETS = (0.005, 0.01, 0.025, 0.05, 0.1, 0.2, 0.3, 0.5, 1.0, 2.5)
# Below the grace period of every pod that runs one of these (30 s).
DRAIN_S = 20

# The pod's name: what a load's report tells of the replicas' shares.
SERVED_BY = socket.gethostname().encode()

# A second series for every one, which no query reads.
disable_created_metrics()  # type: ignore[no-untyped-call] # the library leaves it untyped


class RequestMetrics:
    """Request counts and durations of one server, in a registry of their own."""

    def __init__(self) -> None:
        self.registry = CollectorRegistry()
        ProcessCollector(registry=self.registry)
        self.requests = Counter(
            "http_requests",  # the library appends _total
            "Requests answered, by the status that the client saw.",
            ("method", "path", "status"),
            registry=self.registry,
        )
        self.durations = Histogram(
            "http_request_duration_seconds",
            "Time from the request's head to the end of the answer.",
            ("method", "path"),
            buckets=BUCKETS,
            registry=self.registry,
        )

    def prepare(self, routes: Sequence[Route]) -> None:
        """Create the series of `routes` at zero."""
        for route in routes:
            for method in sorted((route.methods or set()) - {"HEAD"}):
                self.durations.labels(method, route.path)
                for status in BORN_STATUSES:
                    self.requests.labels(method, route.path, status)

    def observe(self, *, method: str, path: str, status: int, seconds: float) -> None:
        """Count one answered request."""
        self.requests.labels(method, path, str(status)).inc()
        self.durations.labels(method, path).observe(seconds)


class MetricsMiddleware:
    """Counts what goes through, by the route's pattern: a URL as a label would be unbounded."""

    def __init__(self, app: ASGIApp, *, metrics: RequestMetrics, counted: frozenset[str]) -> None:
        self.app = app
        self.metrics = metrics
        self.counted = counted

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass the request on and note how it was answered."""
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        status = 500  # what the server answers for a handler that raised
        started = time.perf_counter()

        async def noting_send(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
                message["headers"] = [*message.get("headers", ()), (b"x-served-by", SERVED_BY)]
            await send(message)

        try:
            await self.app(scope, receive, noting_send)
        finally:
            path = getattr(scope.get("route"), "path", "")
            if path in self.counted:
                self.metrics.observe(
                    method=scope["method"], path=path, status=status, seconds=time.perf_counter() - started
                )


def create_app(
    routes: Sequence[Route],
    *,
    lifespan: Lifespan | None = None,
    is_ready: Callable[[], bool] = lambda: True,
) -> Starlette:
    """Return an application with `routes` and the three that every server has.

    `lifespan` is entered before the server is ready and left when it stops; while it runs,
    `is_ready` is asked at every probe.
    """
    metrics = RequestMetrics()
    metrics.prepare(routes)

    @contextlib.asynccontextmanager
    async def whole_life(app: Starlette) -> AsyncIterator[None]:
        async with contextlib.AsyncExitStack() as stack:
            if lifespan is not None:
                await stack.enter_async_context(lifespan(app))
            app.state.ready = True
            try:
                yield
            finally:
                app.state.ready = False

    async def healthz(request: Request) -> Response:  # noqa: ARG001 - the signature of a route
        return PlainTextResponse("ok\n")

    async def ready(request: Request) -> Response:
        yes = request.app.state.ready and is_ready()
        return PlainTextResponse("ready\n" if yes else "not ready\n", status_code=200 if yes else 503)

    async def exposition(request: Request) -> Response:  # noqa: ARG001 - the signature of a route
        return Response(generate_latest(metrics.registry), headers={"Content-Type": CONTENT_TYPE_PLAIN_0_0_4})

    operational = [Route("/healthz", healthz), Route("/ready", ready), Route("/metrics", exposition)]
    app = Starlette(
        routes=[*routes, *operational],
        middleware=[
            Middleware(MetricsMiddleware, metrics=metrics, counted=frozenset(route.path for route in routes))
        ],
        lifespan=whole_life,
    )
    app.state.ready = False
    app.state.metrics = metrics
    return app


def environment_port(*, default: int = 8080) -> int:
    """Return the port that PORT names, or `default`.

    Raises:
        SystemExit: it is no port.

    """
    text = os.environ.get("PORT", str(default))
    if not text.isdecimal() or not 0 < int(text) < 65536:  # noqa: PLR2004 - the range of TCP ports
        raise SystemExit(f"PORT={text!r} is no port; expected a number from 1 to 65535")
    return int(text)


def serve(app: Starlette, *, host: str = "0.0.0.0", port: int | None = None) -> None:  # noqa: S104 - a pod's own network
    """Serve until SIGTERM or SIGINT: then accept nothing new, finish what runs, and end with code 0."""

    def end(number: int, frame: FrameType | None) -> None:  # noqa: ARG001 - the signature of a handler
        sys.exit(0)

    # uvicorn raises the signal again once it has drained; without this a clean end counts as a kill.
    signal.signal(signal.SIGTERM, end)
    uvicorn.run(
        app,
        host=host,
        port=port if port is not None else environment_port(),
        access_log=False,
        http="h11",
        loop="asyncio",
        ws="none",
        timeout_graceful_shutdown=DRAIN_S,
    )
