"""The HTTP side: Alertmanager's webhook, what is known, and the metrics."""

from __future__ import annotations

import asyncio
import contextlib
import json
import logging
import signal
from collections.abc import AsyncIterator, Callable
from functools import partial

import httpx
from prometheus_client import CollectorRegistry, Gauge
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from aftershock_components.autorecovery.findings import Finding, of_alert
from aftershock_components.autorecovery.kube import KubeError
from aftershock_components.autorecovery.playbooks import Exclusions
from aftershock_components.autorecovery.replica import Replica
from aftershock_components.autorecovery.summary import STATES, Summary, summarize
from aftershock_components.serving import create_app, environment_port
from aftershock_components.webhook_logger.reading import bounded_body, refused

__all__ = ["create_autorecovery", "heard"]

log = logging.getLogger("uvicorn.error")

FORWARDED = "X-Forwarded-By"


def create_autorecovery(replica: Replica, others: httpx.AsyncClient) -> Starlette:
    """Return the application around a replica; `others` reaches the one that leads.

    POST /alert      a notification of Alertmanager: 200 once it is written down, 503 while nobody leads
                     (Alertmanager then tries again), 400 for anything else
    GET  /summary    pods by state and their success rate
    GET  /incidents  what was found, and what came of it; of the replica that leads
    """
    routes = Routes(replica, others)
    app = create_app(
        [
            Route("/alert", routes.alert, methods=["POST"]),
            Route("/summary", routes.summary, methods=["GET"]),
            Route("/incidents", routes.incidents, methods=["GET"]),
        ],
        lifespan=routes.running,
        is_ready=lambda: replica.seeing.synced,
    )
    _gauges(replica, app.state.metrics.registry)
    return app


class Routes:
    """What the routes do."""

    def __init__(self, replica: Replica, others: httpx.AsyncClient) -> None:
        self.replica = replica
        self.others = others

    @contextlib.asynccontextmanager
    async def running(self, app: Starlette) -> AsyncIterator[None]:  # noqa: ARG002 - the signature of a lifespan
        """Run the replica's tasks; at the end give the Lease up."""
        tasks = self.replica.tasks()
        for task in tasks:
            task.add_done_callback(_end_on_failure)
        try:
            yield
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)
            await self.replica.leading.release()

    async def alert(self, request: Request) -> Response:
        """Write a notification down, or hand it on to who does."""
        body = await bounded_body(request)
        if body is None:
            return refused(413, "the notification is too long")
        if not self.replica.leading:
            return await self._forward(request, body)
        try:
            firing, resolved = heard(json.loads(body), self.replica.engine.books.exclusions)
        except ValueError as error:
            return refused(400, f"no Alertmanager notification: {error}")
        try:
            await self.replica.engine.hear(firing, resolved)
        except KubeError as error:
            return refused(503, f"not written down: {error}")
        return JSONResponse({"firing": len(firing), "resolved": len(resolved)})

    async def _forward(self, request: Request, body: bytes) -> Response:
        """Hand a notification to the replica that leads; one that was handed on already goes no further."""
        leading = self.replica.leading
        _, _, address = leading.holder.partition("/")
        if not address or FORWARDED in request.headers or leading.holder == leading.identity:
            return refused(503, "nobody leads at this moment")
        headers = {"Content-Type": "application/json", FORWARDED: leading.identity}
        shown = f"[{address}]" if ":" in address else address
        url = f"http://{shown}:{environment_port()}/alert"
        try:
            answer = await self.others.post(url, content=body, headers=headers)
        except (httpx.HTTPError, OSError) as error:
            return refused(503, f"{leading.holder}, which leads, does not answer: {error!r}")
        return Response(answer.content, status_code=answer.status_code, media_type="application/json")

    async def summary(self, request: Request) -> Response:  # noqa: ARG002 - the signature of a route
        """Count the pods."""
        if not self.replica.seeing.pods.synced:
            return refused(503, "the pods have not been listed yet")
        found = _summary(self.replica)
        shown = {state: getattr(found, state) for state in STATES}
        return JSONResponse({**shown, "total": found.total, "success_rate": found.success_ratio})

    async def incidents(self, request: Request) -> Response:  # noqa: ARG002 - the signature of a route
        """List what is known, and who leads."""
        known = [
            {
                "key": one.key,
                "playbook": one.playbook,
                "subject": one.finding.subject,
                "says": one.finding.says,
                "at": one.finding.at.isoformat(),
                "phase": one.phase,
                "outcome": one.outcome,
                "why": one.why,
            }
            for one in self.replica.engine.incidents.state.incidents
        ]
        leading = self.replica.leading
        return JSONResponse({"leads": bool(leading), "holder": leading.holder, "incidents": known})


def heard(payload: object, rules: Exclusions) -> tuple[list[Finding], list[Finding]]:
    """Return the alerts of a notification: those that fire, and those that are resolved.

    Raises:
        ValueError: it is no notification.

    """
    alerts = payload.get("alerts") if isinstance(payload, dict) else None
    if not isinstance(alerts, list) or not all(isinstance(one, dict) for one in alerts):
        raise ValueError("an object with a list `alerts` is expected")
    found: dict[bool, list[Finding]] = {True: [], False: []}
    for one in alerts:
        found[one.get("status") == "firing"].append(of_alert(one, rules=rules))
    return found[True], found[False]


def _summary(replica: Replica) -> Summary:
    return summarize(list(replica.seeing.pods.objects.values()))


def _count(replica: Replica, state: str) -> float:
    return float(getattr(_summary(replica), state))


def _gauges(replica: Replica, registry: CollectorRegistry) -> None:
    gauges: dict[str, tuple[str, Callable[[], float]]] = {
        "autorecovery_leader": ("1 on the replica that acts.", lambda: bool(replica.leading)),
        "autorecovery_problem": ("1 while the last look failed.", lambda: bool(replica.problem)),
        "autorecovery_dry_run": ("1 where nothing is changed.", lambda: replica.engine.dry_run),
        "autorecovery_watch_breaks": (
            "Lists that were made anew since the start.",
            lambda: sum(watch.breaks for watch in replica.watches),
        ),
        "autorecovery_open_incidents": (
            "Incidents about which something is still to be done.",
            lambda: sum(one.is_open for one in replica.engine.incidents.state.incidents),
        ),
        "autorecovery_pods_success_ratio": (
            "The share of pods that run or have completed.",
            lambda: _summary(replica).success_ratio,
        ),
    }
    for name, (help_text, value) in gauges.items():
        Gauge(name, help_text, registry=registry).set_function(value)
    pods = Gauge("autorecovery_pods", "Pods by state.", ("state",), registry=registry)
    for state in STATES:
        pods.labels(state).set_function(partial(_count, replica, state))


def _end_on_failure(task: asyncio.Task[None]) -> None:
    """End the process where a task has failed: half a component would look as if it were well."""
    if not task.cancelled() and task.exception() is not None:
        log.error("autorecovery: a task has failed", exc_info=task.exception())
        signal.raise_signal(signal.SIGTERM)
