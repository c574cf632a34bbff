"""Calls from one service to another, and what is said when the other does not answer."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from http import HTTPStatus
from typing import Any

import httpx
from starlette.applications import Starlette

__all__ = ["ClientFactory", "UnavailableError", "fetch", "new_client", "with_client"]

ClientFactory = Callable[[], httpx.AsyncClient]


class UnavailableError(Exception):
    """A service did not answer, or answered with an error of its own."""


def new_client() -> httpx.AsyncClient:
    """Return the client of one process.

    Every call has a connection of its own: a Service spreads connections, not requests, so
    a kept one would tie this process to a single pod of the other side, new or dying alike.
    """
    return httpx.AsyncClient(
        timeout=httpx.Timeout(2.0, connect=1.0), limits=httpx.Limits(max_keepalive_connections=0)
    )


def with_client(factory: ClientFactory) -> Callable[[Starlette], AbstractAsyncContextManager[None]]:
    """Return a lifespan that keeps a client of `factory` in app.state.client."""

    @asynccontextmanager
    async def lifespan(app: Starlette) -> AsyncIterator[None]:
        async with factory() as client:
            app.state.client = client
            yield

    return lifespan


async def fetch(client: httpx.AsyncClient, url: str) -> dict[str, Any] | None:
    """Return the JSON object at `url`, or None where the service knows of none (404).

    Raises:
        UnavailableError: no answer in time, an error status, or no JSON object.

    """
    try:
        response = await client.get(url)
        if response.status_code == HTTPStatus.NOT_FOUND:
            return None
        response.raise_for_status()
        answer = response.json()
    except (httpx.HTTPError, ValueError) as error:
        raise UnavailableError(f"{url}: {error!r}") from error
    if not isinstance(answer, dict):
        raise UnavailableError(f"{url}: no JSON object")
    return answer
