from __future__ import annotations

import asyncio

import httpx
import pytest
from aftershock_components.sample_app.app import create_sample_app
from aftershock_components.sample_app.catalogue import Item, make_items, search

ITEMS = (
    Item(id=1, name="oak bench", room="hall", price=300, stock=1),
    Item(id=2, name="oak <bowl>", room="study", price=100, stock=2),
    Item(id=3, name="brass bowl", room="study", price=100, stock=0),
)


def get(path: str, **headers: str) -> httpx.Response:
    async def whole() -> httpx.Response:
        app = create_sample_app(ITEMS)
        async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://shop") as client:
            return await client.get(path, headers=headers)

    return asyncio.run(whole())


@pytest.mark.parametrize(
    ("query", "total", "ids"),
    [
        ("", 3, [1, 2, 3]),
        ("q=oak", 2, [1, 2]),
        ("q=BOWL+oak", 1, [2]),
        ("room=study&sort=stock", 2, [3, 2]),
        ("sort=price", 3, [2, 3, 1]),
        ("size=2&page=2", 3, [3]),
        ("q=none", 0, []),
    ],
)
def test_items_are_searched_sorted_and_paged(query: str, total: int, ids: list[int]) -> None:
    answer = get(f"/api/items?{query}").json()
    assert (answer["total"], [item["id"] for item in answer["items"]]) == (total, ids)


@pytest.mark.parametrize(
    "query", ["sort=colour", "page=0", "page=x", "size=101", "size=-1", "size=9999999999"]
)
def test_a_wrong_query_is_refused(query: str) -> None:
    assert get(f"/api/items?{query}").status_code == 400


def test_an_unchanged_listing_is_not_sent_twice() -> None:
    first = get("/api/items")
    assert get("/api/items", **{"If-None-Match": first.headers["etag"]}).status_code == 304
    assert get("/api/items?q=oak", **{"If-None-Match": first.headers["etag"]}).status_code == 200


def test_one_item_or_404() -> None:
    assert get("/api/items/2").json()["name"] == "oak <bowl>"
    assert get("/api/items/9").status_code == 404
    assert get("/api/items/x").status_code == 404


def test_the_page_shows_every_room_and_escapes_names() -> None:
    text = get("/").text
    assert "<h2>hall</h2>" in text
    assert "<h2>study</h2>" in text
    assert "oak &lt;bowl&gt;" in text


def test_every_replica_has_the_same_items() -> None:
    assert make_items(50) == make_items(50)
    assert make_items(50) != make_items(50, seed=8)
    assert len(search(make_items(), words="oak")) > 50
