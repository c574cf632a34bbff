"""The three services behind the page: details, ratings and reviews."""

from __future__ import annotations

import os
from typing import Any

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from aftershock_components.bookinfo.books import BOOKS, RATINGS, REVIEWS
from aftershock_components.bookinfo.calls import (
    ClientFactory,
    UnavailableError,
    fetch,
    new_client,
    with_client,
)
from aftershock_components.bookinfo.settings import BookinfoSettings
from aftershock_components.serving import create_app

__all__ = ["create_details", "create_ratings", "create_reviews"]

STAR_COLOURS = {"v2": "black", "v3": "red"}
_NO_BOOK = {"error": "no such book"}


def create_details(settings: BookinfoSettings) -> Starlette:  # noqa: ARG001 - one signature for all four
    """Return the service that knows the books: GET /details/{id}."""

    async def details(request: Request) -> Response:
        book = BOOKS.get(request.path_params["id"])
        if book is None:
            return JSONResponse(_NO_BOOK, status_code=404)
        return JSONResponse({"id": request.path_params["id"], **book})

    return create_app([Route("/details/{id:int}", details, methods=["GET"])])


def create_ratings(settings: BookinfoSettings) -> Starlette:  # noqa: ARG001 - one signature for all four
    """Return the service that knows the ratings: GET /ratings/{id}."""

    async def ratings(request: Request) -> Response:
        found = RATINGS.get(request.path_params["id"])
        if found is None:
            return JSONResponse(_NO_BOOK, status_code=404)
        return JSONResponse({"id": request.path_params["id"], "ratings": dict(found)})

    return create_app([Route("/ratings/{id:int}", ratings, methods=["GET"])])


def create_reviews(settings: BookinfoSettings, *, client: ClientFactory = new_client) -> Starlette:
    """Return the service that knows the reviews: GET /reviews/{id}.

    v1 gives texts alone; v2 and v3 add the stars, or why there are none when ratings does
    not answer. The answer names the version and the pod.
    """
    colour = STAR_COLOURS.get(settings.reviews_version)

    async def reviews(request: Request) -> Response:
        number = request.path_params["id"]
        texts = REVIEWS.get(number)
        if texts is None:
            return JSONResponse(_NO_BOOK, status_code=404)
        entries: list[dict[str, Any]] = [{"reader": reader, "text": text} for reader, text in texts.items()]
        if colour is not None:
            try:
                answer = await fetch(request.app.state.client, f"{settings.ratings_url}/ratings/{number}")
                stars: dict[str, Any] = answer["ratings"] if answer else {}
                rating = {reader: {"stars": given, "colour": colour} for reader, given in stars.items()}
            except UnavailableError as error:
                rating = {reader: {"error": f"ratings unavailable: {error}"} for reader in texts}
            for entry in entries:
                entry["rating"] = rating.get(entry["reader"])
        return JSONResponse(
            {
                "id": number,
                "version": settings.reviews_version,
                "pod": os.environ.get("POD_NAME", ""),
                "reviews": entries,
            }
        )

    return create_app([Route("/reviews/{id:int}", reviews, methods=["GET"])], lifespan=with_client(client))
