"""What the routes share: a body that is not read without end, `since`, and a refusal."""

from __future__ import annotations

from datetime import datetime

from starlette.requests import Request
from starlette.responses import JSONResponse

from aftershock_components.webhook_logger.store import parse_instant

__all__ = ["BODY_LIMIT", "bounded_body", "refused", "since_of"]

BODY_LIMIT = 4 * 2**20  # bytes; a group of a thousand alerts is well below


async def bounded_body(request: Request) -> bytes | None:
    """Return the body, or None when it is too long; it is not read further than that."""
    body = bytearray()
    async for chunk in request.stream():
        body += chunk
        if len(body) > BODY_LIMIT:
            return None
    return bytes(body)


def since_of(request: Request) -> datetime | None:
    """Return the instant of the query's `since`, None without one.

    Raises:
        ValueError: it is no RFC 3339 time; the message is the answer.

    """
    text = request.query_params.get("since")
    if text is None:
        return None
    try:
        # A bare + of an offset arrives as a space in a query.
        return parse_instant(text.replace(" ", "+"))
    except ValueError as error:
        raise ValueError(f"since: {error}; expected RFC 3339, as in 2026-11-02T10:00:00.5Z") from error


def refused(status: int, why: str) -> JSONResponse:
    """Return the answer to what is not taken."""
    return JSONResponse({"error": why}, status_code=status)
