"""The page in front: it asks details and reviews at once and shows what it gets."""

from __future__ import annotations

import asyncio
import html
from typing import Any

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import HTMLResponse, JSONResponse, RedirectResponse, Response
from starlette.routing import Route

from aftershock_components.bookinfo.books import BOOKS
from aftershock_components.bookinfo.calls import (
    ClientFactory,
    UnavailableError,
    fetch,
    new_client,
    with_client,
)
from aftershock_components.bookinfo.settings import BookinfoSettings
from aftershock_components.serving import create_app

__all__ = ["create_productpage"]


def create_productpage(settings: BookinfoSettings, *, client: ClientFactory = new_client) -> Starlette:
    """Return the front service.

    GET /                               to the page
    GET /productpage?id=0               the page: 200 also when a part of it is unavailable
    GET /api/v1/products                the books
    GET /api/v1/products/{id}           one book's details, passed through
    GET /api/v1/products/{id}/reviews   its reviews, passed through
    GET /api/v1/products/{id}/ratings   its ratings, passed through

    What is passed through is 404 where the service knows no such book, and 503 where the
    service does not answer.
    """
    app = create_app(
        [
            Route("/", _home, methods=["GET"]),
            Route("/productpage", _page, methods=["GET"]),
            Route("/api/v1/products", _products, methods=["GET"]),
            _passed_through(settings.details_url, "details"),
            _passed_through(settings.reviews_url, "reviews"),
            _passed_through(settings.ratings_url, "ratings"),
        ],
        lifespan=with_client(client),
    )
    app.state.settings = settings
    return app


async def _home(request: Request) -> Response:  # noqa: ARG001 - the signature of a route
    return RedirectResponse("/productpage", status_code=307)


async def _page(request: Request) -> Response:
    settings: BookinfoSettings = request.app.state.settings
    text = request.query_params.get("id", "0")
    number = int(text) if text.isdecimal() else -1
    if number not in BOOKS:
        return HTMLResponse("<p>No such book.</p>", status_code=404)
    details, reviews = await asyncio.gather(
        _part(request, f"{settings.details_url}/details/{number}"),
        _part(request, f"{settings.reviews_url}/reviews/{number}"),
    )
    title = html.escape(str(BOOKS[number]["title"]))
    return HTMLResponse(_PAGE.format(title=title, details=_details(details), reviews=_reviews(reviews)))


async def _products(request: Request) -> Response:  # noqa: ARG001 - the signature of a route
    return JSONResponse([{"id": number, "title": book["title"]} for number, book in BOOKS.items()])


def _passed_through(url: str, part: str) -> Route:
    """Return the route of the API that hands on what the service at `url` says."""

    async def answer(request: Request) -> Response:
        number = request.path_params["id"]
        try:
            found = await fetch(request.app.state.client, f"{url}/{part}/{number}")
        except UnavailableError as error:
            return JSONResponse({"error": f"{part} unavailable: {error}"}, status_code=503)
        if found is None:
            return JSONResponse({"error": "no such book"}, status_code=404)
        return JSONResponse(found)

    suffix = "" if part == "details" else f"/{part}"
    return Route(f"/api/v1/products/{{id:int}}{suffix}", answer, methods=["GET"])


async def _part(request: Request, url: str) -> dict[str, Any] | None:
    """Return a part of the page, or None when it cannot be had."""
    try:
        return await fetch(request.app.state.client, url)
    except UnavailableError:
        return None


def _details(details: dict[str, Any] | None) -> str:
    if details is None:
        return "<p>Details are unavailable at the moment.</p>"
    rows = ((name, value) for name, value in details.items() if name not in {"id", "title"})
    return (
        "<dl>" + "".join(f"<dt>{_text(name)}</dt><dd>{_text(value)}</dd>" for name, value in rows) + "</dl>"
    )


def _reviews(reviews: dict[str, Any] | None) -> str:
    if reviews is None:
        return "<p>Reviews are unavailable at the moment.</p>"
    quotes = "".join(
        f"<blockquote>{_text(entry['text'])} <cite>{_text(entry['reader'])}</cite>{_stars(entry)}"
        "</blockquote>"
        for entry in reviews["reviews"]
    )
    return f"{quotes}<p>Served by reviews {_text(reviews['version'])} {_text(reviews['pod'])}</p>"


def _stars(entry: dict[str, Any]) -> str:
    rating = entry.get("rating")
    if not rating:
        return ""
    if "error" in rating:
        return " <em>ratings are unavailable at the moment</em>"
    return f' <span style="color: {_text(rating["colour"])}">{"★" * int(rating["stars"])}</span>'


def _text(value: object) -> str:
    return html.escape(str(value))


_PAGE = """<!doctype html>
<html lang="en"><head><meta charset="utf-8"><title>{title}</title></head>
<body><h1>{title}</h1>
<section id="details">{details}</section>
<section id="reviews">{reviews}</section>
</body></html>
"""
