"""The loop: asks Alertmanager, tells who is to be told, and serves what it knows."""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections.abc import AsyncIterator, Callable
from datetime import UTC, datetime

import httpx
from prometheus_client import Gauge
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from aftershock_components.escalation.escalator import Escalator, alerts_of
from aftershock_components.escalation.messages import message
from aftershock_components.serving import create_app

__all__ = ["Loop", "create_escalation"]

log = logging.getLogger("uvicorn.error")


class Loop:
    """One look after the other. What fails is counted, said, and tried again at the next."""

    def __init__(
        self,
        escalator: Escalator,
        client: httpx.AsyncClient,
        *,
        alertmanager: str,
        now: Callable[[], datetime] = lambda: datetime.now(UTC),
    ) -> None:
        self.escalator = escalator
        self.client = client
        self.alertmanager = alertmanager.rstrip("/")
        self.now = now
        self.levels: dict[str, int] = {}
        self.delivered = 0
        self.failed: dict[str, int] = {"alertmanager": 0}
        self.problem = ""

    async def look(self) -> None:
        """Ask once, and tell who is to be told."""
        try:
            answer = await self.client.get(f"{self.alertmanager}/api/v2/alerts")
            answer.raise_for_status()
            alerts = alerts_of(answer.content)
        except (httpx.HTTPError, ValueError, KeyError, TypeError) as error:
            self._fails("alertmanager", f"{self.alertmanager}: {error!r}")
            return
        self.problem = ""
        now = self.now()
        for due in self.escalator.due(alerts, now):
            channel = self.escalator.policy.channels[due.channel]
            try:
                answer = await self.client.post(channel.url, json=message(due, channel))
                answer.raise_for_status()
                self.escalator.delivered(due)
                self.delivered += 1
            except (httpx.HTTPError, OSError) as error:
                self._fails(due.channel, f"{channel.url}: {error!r}")
        reached = [(alert, self.escalator.level_of(alert, now)) for alert in alerts]
        self.levels = {alert.key: level for alert, level in reached if level}

    def _fails(self, what: str, problem: str) -> None:
        self.failed[what] = self.failed.get(what, 0) + 1
        self.problem = problem
        log.warning("escalation: %s", problem)


def create_escalation(loop: Loop) -> Starlette:
    """Return the application around `loop`.

    GET /escalations   the level of each alert that has reached one, and the last problem
    """

    @contextlib.asynccontextmanager
    async def looking(app: Starlette) -> AsyncIterator[None]:  # noqa: ARG001 - the signature of a lifespan
        async def forever() -> None:
            while True:
                await loop.look()
                await asyncio.sleep(loop.escalator.policy.look_every_s)

        task = asyncio.create_task(forever())
        try:
            yield
        finally:
            task.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await task

    async def escalations(request: Request) -> Response:  # noqa: ARG001 - the signature of a route
        return JSONResponse({"levels": loop.levels, "problem": loop.problem, "failed": loop.failed})

    app = create_app([Route("/escalations", escalations, methods=["GET"])], lifespan=looking)
    registry = app.state.metrics.registry
    gauges: dict[str, tuple[str, Callable[[], float]]] = {
        "escalation_alerts": ("Alerts that have reached a level.", lambda: len(loop.levels)),
        "escalation_problem": ("1 while the last look failed.", lambda: bool(loop.problem)),
        "escalation_delivered": ("Messages delivered since the start.", lambda: loop.delivered),
        "escalation_failed": ("Looks and messages that failed.", lambda: sum(loop.failed.values())),
    }
    for name, (help_text, value) in gauges.items():
        Gauge(name, help_text, registry=registry).set_function(value)
    return app
