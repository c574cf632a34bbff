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
from aftershock_components.webhook_logger.store import NotificationStore, parse_instant, rfc3339

__all__ = ["create_webhook_logger"]

log = logging.getLogger("uvicorn.error")
BODY_LIMIT = 4 * 2**20  # bytes; a group of a thousand alerts is well below


def create_webhook_logger(store: NotificationStore) -> Starlette:
    """Return the application that keeps notifications in `store`.

    POST /alert                 an Alertmanager webhook payload: 200, or 400 for anything else,
                                413 above 4 MiB, 500 when it could not be kept (Alertmanager
                                then tries again)
    GET /notifications?since=T  `notifications` received at T (RFC 3339) or later, oldest first,
                                and `complete_from`, the instant since which none is missing
    """
    app = create_app(
        [Route("/alert", _alert, methods=["POST"]), Route("/notifications", _notifications, methods=["GET"])]
    )
    app.state.store = store
    gauge = Gauge(
        "webhook_notifications_kept", "Notifications in memory.", registry=app.state.metrics.registry
    )
    gauge.set_function(lambda: len(store))
    if store.unreadable_lines:
        log.warning("%d lines of %s could not be read", store.unreadable_lines, store.path)
    return app


async def _alert(request: Request) -> Response:
    store: NotificationStore = request.app.state.store
    body = await _bounded_body(request)
    if body is None:
        return _refused(413, f"more than {BODY_LIMIT} bytes")
    try:
        payload = json.loads(body)
    except ValueError as error:
        return _refused(400, f"no JSON: {error}")
    if not isinstance(payload, dict) or not isinstance(payload.get("alerts"), list):
        return _refused(400, "no Alertmanager notification: an object with a list `alerts` is expected")
    try:
        notification = store.append(payload)
    except OSError as error:
        log.exception("a notification was not kept")
        return _refused(500, f"not kept: {error}")
    kept = notification.to_dict()
    return JSONResponse({"sequence": kept["sequence"], "received_at": kept["received_at"]})


async def _notifications(request: Request) -> Response:
    store: NotificationStore = request.app.state.store
    text = request.query_params.get("since")
    try:
        # A bare + of an offset arrives as a space in a query.
        instant = parse_instant(text.replace(" ", "+")) if text is not None else None
    except ValueError as error:
        return _refused(400, f"since: {error}; expected RFC 3339, as in 2026-11-02T10:00:00.5Z")
    return JSONResponse(
        {
            "notifications": [kept.to_dict() for kept in store.since(instant)],
            "complete_from": rfc3339(store.complete_from),
        }
    )


async def _bounded_body(request: Request) -> bytes | None:
    """Return the body, or None when it is too long; it is not read further than that."""
    body = bytearray()
    async for chunk in request.stream():
        body += chunk
        if len(body) > BODY_LIMIT:
            return None
    return bytes(body)


def _refused(status: int, why: str) -> JSONResponse:
    return JSONResponse({"error": why}, status_code=status)
