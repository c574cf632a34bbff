from __future__ import annotations

import asyncio
from collections.abc import Mapping
from typing import Any

import httpx
import pytest
from aftershock_components.bookinfo.backends import create_details, create_ratings, create_reviews
from aftershock_components.bookinfo.calls import UnavailableError, fetch, new_client
from aftershock_components.bookinfo.productpage import create_productpage
from aftershock_components.bookinfo.settings import BookinfoSettings, read_settings
from starlette.applications import Starlette


class Refusing(httpx.AsyncBaseTransport):
    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        raise httpx.ConnectError("connection refused", request=request)


class Shop:
    """The four services, reaching one another by name; those in `down` refuse connections."""

    def __init__(self, *, version: str = "v3", down: frozenset[str] = frozenset()) -> None:
        settings = read_settings({"BOOKINFO_SERVICE": "reviews", "REVIEWS_VERSION": version})
        self.down = down
        self.apps: dict[str, Starlette] = {
            "details": create_details(settings),
            "ratings": create_ratings(settings),
            "reviews": create_reviews(settings, client=self.client),
            "productpage": create_productpage(settings, client=self.client),
        }

    def client(self) -> httpx.AsyncClient:
        mounts: Mapping[str, httpx.AsyncBaseTransport] = {
            f"http://{name}": Refusing() if name in self.down else httpx.ASGITransport(app)
            for name, app in self.apps.items()
        }
        return httpx.AsyncClient(mounts=mounts)

    def get(self, url: str) -> httpx.Response:
        async def whole() -> httpx.Response:
            reviews, page = self.apps["reviews"], self.apps["productpage"]
            async with (
                reviews.router.lifespan_context(reviews),
                page.router.lifespan_context(page),
                self.client() as client,
            ):
                return await client.get(url)

        return asyncio.run(whole())

    def json(self, url: str) -> Any:
        return self.get(url).json()


def test_the_page_has_details_and_reviews() -> None:
    text = Shop().get("http://productpage/productpage?id=0").text
    assert "The Keeper of Small Lamps" in text
    assert "M. Hollis" in text
    assert text.count("<blockquote>") == 2
    assert "★★★★★" in text
    assert "Served by reviews v3" in text


@pytest.mark.parametrize(
    ("version", "rating"),
    [("v1", None), ("v2", {"stars": 5, "colour": "black"}), ("v3", {"stars": 5, "colour": "red"})],
)
def test_v1_has_no_ratings_and_the_others_their_colour(version: str, rating: object) -> None:
    answer = Shop(version=version).json("http://reviews/reviews/0")
    assert answer["version"] == version
    assert answer["reviews"][0].get("rating") == rating


def test_v1_does_not_call_ratings() -> None:
    answer = Shop(version="v1", down=frozenset({"ratings"})).json("http://reviews/reviews/0")
    assert all("rating" not in entry for entry in answer["reviews"])


def test_reviews_answer_without_ratings_and_say_so() -> None:
    shop = Shop(version="v2", down=frozenset({"ratings"}))
    answer = shop.get("http://reviews/reviews/0")
    assert answer.status_code == 200
    assert all("ratings unavailable" in entry["rating"]["error"] for entry in answer.json()["reviews"])
    assert "ratings are unavailable" in shop.get("http://productpage/productpage").text


def test_the_page_survives_what_stands_behind_it() -> None:
    answer = Shop(down=frozenset({"reviews", "details"})).get("http://productpage/productpage")
    assert answer.status_code == 200
    assert "Reviews are unavailable" in answer.text
    assert "Details are unavailable" in answer.text


@pytest.mark.parametrize(
    ("down", "path", "status"),
    [
        ("", "/api/v1/products/0", 200),
        ("", "/api/v1/products/0/reviews", 200),
        ("", "/api/v1/products/0/ratings", 200),
        ("", "/api/v1/products/7/reviews", 404),
        ("details", "/api/v1/products/0", 503),
        ("reviews", "/api/v1/products/0/reviews", 503),
        ("ratings", "/api/v1/products/0/ratings", 503),
        ("", "/productpage?id=9", 404),
        ("", "/productpage?id=x", 404),
        ("", "/", 307),
    ],
)
def test_the_api_passes_on_what_the_services_say(down: str, path: str, status: int) -> None:
    assert Shop(down=frozenset({down})).get(f"http://productpage{path}").status_code == status


def test_every_product_has_a_page() -> None:
    shop = Shop()
    products = shop.json("http://productpage/api/v1/products")
    assert [product["id"] for product in products] == [0, 1]
    for product in products:
        assert shop.get(f"http://productpage/productpage?id={product['id']}").status_code == 200


@pytest.mark.parametrize(
    "answer",
    [httpx.Response(500), httpx.Response(200, text="no json"), httpx.Response(200, json=[1])],
)
def test_an_error_or_nonsense_counts_as_unavailable(answer: httpx.Response) -> None:
    async def whole() -> None:
        async with httpx.AsyncClient(transport=httpx.MockTransport(lambda _: answer)) as client:
            await fetch(client, "http://details/details/0")

    with pytest.raises(UnavailableError, match="http://details/details/0"):
        asyncio.run(whole())


def test_no_connection_is_kept_for_the_next_call() -> None:
    """A kept one would tie the page to one pod behind the service."""
    connections: list[asyncio.Task[None] | None] = []

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        connections.append(asyncio.current_task())
        while await reader.readline() not in {b"\r\n", b""}:
            pass
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}")
        await writer.drain()
        await reader.read()
        writer.close()
        await writer.wait_closed()

    async def whole() -> None:
        server = await asyncio.start_server(serve, "127.0.0.1", 0)
        port = server.sockets[0].getsockname()[1]
        async with server, new_client() as client:
            for _ in range(3):
                await fetch(client, f"http://127.0.0.1:{port}/")
        await asyncio.gather(*(task for task in connections if task))

    asyncio.run(whole())
    assert len(connections) == 3


@pytest.mark.parametrize(
    ("environ", "message"),
    [
        ({}, "BOOKINFO_SERVICE='' is wrong; expected one of productpage"),
        ({"BOOKINFO_SERVICE": "shop"}, "BOOKINFO_SERVICE='shop'"),
        ({"BOOKINFO_SERVICE": "reviews", "REVIEWS_VERSION": "v4"}, "REVIEWS_VERSION='v4'"),
    ],
)
def test_wrong_settings_are_refused(environ: dict[str, str], message: str) -> None:
    with pytest.raises(SystemExit, match=message):
        read_settings(environ)


def test_settings_come_from_the_environment() -> None:
    settings = read_settings(
        {"BOOKINFO_SERVICE": "reviews", "REVIEWS_VERSION": "v2", "RATINGS_URL": "http://r"}
    )
    assert settings == BookinfoSettings(service="reviews", reviews_version="v2", ratings_url="http://r")
