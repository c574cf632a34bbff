"""The ledger's routes: entries are written with POST and read with GET."""

from __future__ import annotations

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from aftershock_components.ledger.book import Book, FullError
from aftershock_components.serving import create_app

__all__ = ["create_ledger"]

LONGEST = 1000
SHOWN = 20


def create_ledger(book: Book) -> Starlette:
    """Return the ledger over `book`; it is ready while the book has room.

    GET  /         the latest entries
    POST /entries  one line of up to 1,000 characters: 201; 400 if it is none; 507 if there is no room
    """

    async def latest(request: Request) -> Response:  # noqa: ARG001 - the signature of a route
        return JSONResponse({"entries": book.last(SHOWN)})

    async def enter(request: Request) -> Response:
        entry = (await request.body()).decode(errors="replace").strip()
        if not 0 < len(entry) <= LONGEST or "\n" in entry:
            return JSONResponse(
                {"error": f"an entry is one line of up to {LONGEST} characters"}, status_code=400
            )
        try:
            book.enter(entry)
        except FullError as error:
            return JSONResponse({"error": str(error)}, status_code=507)
        return JSONResponse({"entry": entry}, status_code=201)

    routes = [Route("/", latest, methods=["GET"]), Route("/entries", enter, methods=["POST"])]
    return create_app(routes, is_ready=book.has_room)
