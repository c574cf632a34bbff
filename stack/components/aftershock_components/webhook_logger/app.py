"""The HTTP side: POST /alert takes a notification, GET /notifications gives them back."""

from __future__ import annotations

import json
import logging

from prometheus_client import Gauge
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from aftershock_components.serving import create_app
from aftershock_components.webhook_logger.reading import BODY_LIMIT, bounded_body, refused, since_of
from aftershock_components.webhook_logger.standin import standin_routes
from aftershock_components.webhook_logger.store import NotificationStore, rfc3339

__all__ = ["BODY_LIMIT", "create_webhook_logger"]

log = logging.getLogger("uvicorn.error")


def create_webhook_logger(store: NotificationStore, deliveries: NotificationStore) -> Starlette:
    """Return the application that keeps notifications in `store`, and what others got in `deliveries`.

    POST /alert                 an Alertmanager webhook payload: 200, or 400 for anything else,
                                413 above 4 MiB, 500 when it could not be kept (Alertmanager
                                then tries again)
    GET /notifications?since=T  `notifications` received at T (RFC 3339) or later, oldest first,
                                and `complete_from`, the instant since which none is missing

    and the routes of the stand-in for Slack and others (aftershock_components.webhook_logger.standin).
    """
    app = create_app(
        [
            Route("/alert", _alert, methods=["POST"]),
            Route("/notifications", _notifications, methods=["GET"]),
            *standin_routes(),
        ]
    )
    app.state.store = store
    app.state.deliveries = deliveries
    gauge = Gauge(
        "webhook_notifications_kept", "Notifications in memory.", registry=app.state.metrics.registry
    )
    gauge.set_function(lambda: len(store))
    for kept in (store, deliveries):
        if kept.unreadable_lines:
            log.warning("%d lines of %s could not be read", kept.unreadable_lines, kept.path)
    return app


async def _alert(request: Request) -> Response:
    store: NotificationStore = request.app.state.store
    body = await bounded_body(request)
    if body is None:
        return refused(413, f"more than {BODY_LIMIT} bytes")
    try:
        payload = json.loads(body)
    except ValueError as error:
        return refused(400, f"no JSON: {error}")
    if not isinstance(payload, dict) or not isinstance(payload.get("alerts"), list):
        return refused(400, "no Alertmanager notification: an object with a list `alerts` is expected")
    try:
        notification = store.append(payload)
    except OSError as error:
        log.exception("a notification was not kept")
        return refused(500, f"not kept: {error}")
    kept = notification.to_dict()
    return JSONResponse({"sequence": kept["sequence"], "received_at": kept["received_at"]})


async def _notifications(request: Request) -> Response:
    store: NotificationStore = request.app.state.store
    try:
        instant = since_of(request)
    except ValueError as error:
        return refused(400, str(error))
    return JSONResponse(
        {
            "notifications": [kept.to_dict() for kept in store.since(instant)],
            "complete_from": rfc3339(store.complete_from),
        }
    )
