"""The shop's routes: a page for people at /, the items as JSON at /api/items."""

from __future__ import annotations

import hashlib
import html
import json
from collections.abc import Sequence

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import HTMLResponse, JSONResponse, Response
from starlette.routing import Route

from aftershock_components.sample_app.catalogue import SORT_KEYS, Item, make_items, search
from aftershock_components.serving import create_app

__all__ = ["create_sample_app"]

PAGE_SIZE = 20
LARGEST_PAGE = 100


def create_sample_app(items: Sequence[Item] | None = None) -> Starlette:
    """Return the shop with `items` (2,000 of its own otherwise).

    GET /                  the cheapest items of every room as a page
    GET /api/items         ?q=words&room=…&sort=id|name|price|stock&page=1&size=20 (up to 100)
    GET /api/items/{id}    one item, or 404
    """
    stock = tuple(items) if items is not None else make_items()
    by_id = {item.id: item for item in stock}
    rooms = sorted({item.room for item in stock})

    async def front(request: Request) -> Response:  # noqa: ARG001 - the signature of a route
        sections = (_section(room, search(stock, room=room, sort="price")[:5]) for room in rooms)
        return HTMLResponse(_PAGE.format(sections="\n".join(sections), count=len(stock)))

    async def listing(request: Request) -> Response:
        query = request.query_params
        sort = query.get("sort", "id")
        page, size = _positive(query.get("page", "1")), _positive(query.get("size", str(PAGE_SIZE)))
        if sort not in SORT_KEYS or page is None or size is None or size > LARGEST_PAGE:
            return JSONResponse(
                {"error": f"sort is one of {', '.join(SORT_KEYS)}; page from 1; size 1 to {LARGEST_PAGE}"},
                status_code=400,
            )
        found = search(stock, words=query.get("q", ""), room=query.get("room", ""), sort=sort)
        shown = [item.to_dict() for item in found[(page - 1) * size : page * size]]
        body = json.dumps({"total": len(found), "page": page, "items": shown}).encode()
        tag = f'"{hashlib.sha256(body).hexdigest()[:32]}"'
        if request.headers.get("if-none-match") == tag:
            return Response(status_code=304, headers={"ETag": tag})
        return Response(body, media_type="application/json", headers={"ETag": tag})

    async def one(request: Request) -> Response:
        item = by_id.get(request.path_params["id"])
        if item is None:
            return JSONResponse({"error": "no such item"}, status_code=404)
        return JSONResponse(item.to_dict())

    return create_app(
        [
            Route("/", front, methods=["GET"]),
            Route("/api/items", listing, methods=["GET"]),
            Route("/api/items/{id:int}", one, methods=["GET"]),
        ]
    )


def _positive(text: str) -> int | None:
    return int(text) if text.isdecimal() and 0 < int(text) < 10**6 else None


def _section(room: str, items: Sequence[Item]) -> str:
    rows = "".join(
        f"<tr><td>{html.escape(item.name)}</td><td>{item.price / 100:.2f}</td><td>{item.stock}</td></tr>"
        for item in items
    )
    return f"<h2>{html.escape(room)}</h2><table>{rows}</table>"


_PAGE = """<!doctype html>
<html lang="en"><head><meta charset="utf-8"><title>The shop</title></head>
<body><h1>The shop</h1><p>{count} items</p>
{sections}
</body></html>
"""
