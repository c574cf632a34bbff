"""The stand-in for those who are told beside the webhook: answers as they do, and keeps what it got.

POST /slack/NAME             as an incoming webhook of Slack: `ok`, or 400 with what is wrong
POST /pagerduty/v2/enqueue   as PagerDuty's Events API v2: 202, or 400 with what is wrong
POST /mail                   a mail as JSON, for those who have no relay
GET  /deliveries?since=T     what came, oldest first: `vendor`, `to`, `problems`, `body`

What is refused is kept as well, with its problems.
"""

from __future__ import annotations

import json
from typing import Any

from starlette.requests import Request
from starlette.responses import JSONResponse, PlainTextResponse, Response
from starlette.routing import Route

from aftershock_components.webhook_logger.reading import bounded_body, refused, since_of
from aftershock_components.webhook_logger.store import NotificationStore, rfc3339
from aftershock_components.webhook_logger.vendors import CHECKS

__all__ = ["standin_routes"]


def standin_routes() -> list[Route]:
    """Return the routes; they keep in `app.state.deliveries`."""
    return [
        Route("/slack/{name}", _slack, methods=["POST"]),
        Route("/pagerduty/v2/enqueue", _pagerduty, methods=["POST"]),
        Route("/mail", _mail, methods=["POST"]),
        Route("/deliveries", _deliveries, methods=["GET"]),
    ]


async def _slack(request: Request) -> Response:
    body, problems = await _kept(request, "slack", request.path_params["name"])
    if body is None or problems:
        return PlainTextResponse("; ".join(problems), status_code=400)
    return PlainTextResponse("ok")


async def _pagerduty(request: Request) -> Response:
    body, problems = await _kept(request, "pagerduty", "")
    if body is None or problems:
        said = {"status": "invalid event", "message": "Event object is invalid", "errors": problems}
        return JSONResponse(said, status_code=400)
    key = body.get("dedup_key", "")
    return JSONResponse(
        {"status": "success", "message": "Event processed", "dedup_key": key}, status_code=202
    )


async def _mail(request: Request) -> Response:
    body, problems = await _kept(request, "mail", "")
    if body is None or problems:
        return refused(400, "; ".join(problems))
    return JSONResponse({"status": "queued"}, status_code=202)


async def _kept(request: Request, vendor: str, name: str) -> tuple[dict[str, Any] | None, list[str]]:
    """Check and keep one message; return it, if it can be read, and what is wrong with it."""
    raw = await bounded_body(request)
    try:
        body = json.loads(raw or b"")
    except ValueError as error:
        body, problems = None, [f"invalid_payload: no JSON: {error}"]
    else:
        known = isinstance(body, dict)
        problems = list(CHECKS[vendor](body)) if known else ["invalid_payload: an object is expected"]
    store: NotificationStore = request.app.state.deliveries
    to = name or str((body or {}).get("to", "")) if isinstance(body, dict | None) else name
    store.append({"vendor": vendor, "to": to, "problems": problems, "body": body})
    return body if isinstance(body, dict) else None, problems


async def _deliveries(request: Request) -> Response:
    store: NotificationStore = request.app.state.deliveries
    try:
        instant = since_of(request)
    except ValueError as error:
        return refused(400, str(error))
    kept = [
        {**entry.to_dict()["payload"], "received_at": rfc3339(entry.received_at)}
        for entry in store.since(instant)
    ]
    return JSONResponse({"deliveries": kept, "complete_from": rfc3339(store.complete_from)})
