from __future__ import annotations

import asyncio
import os
from collections.abc import Callable
from pathlib import Path

import httpx
import pytest
from aftershock_components.ledger.app import create_ledger
from aftershock_components.ledger.book import Book

Send = Callable[..., httpx.Response]
BLOCKS = 1000


@pytest.fixture
def free() -> dict[str, int]:
    """How many of the volume's 1,000 blocks are free."""
    return {"blocks": 500}


@pytest.fixture
def send(tmp_path: Path, free: dict[str, int]) -> Send:
    def statvfs(path: Path) -> os.statvfs_result:
        assert path == tmp_path
        return os.statvfs_result((4096, 4096, BLOCKS, free["blocks"], free["blocks"], 9, 9, 9, 0, 255))

    app = create_ledger(Book(tmp_path / "entries", statvfs=statvfs))
    app.state.ready = True  # as once it has started

    def answer(method: str, path: str, body: str = "") -> httpx.Response:
        async def whole() -> httpx.Response:
            transport = httpx.ASGITransport(app)
            async with httpx.AsyncClient(transport=transport, base_url="http://ledger") as client:
                return await client.request(method, path, content=body)

        return asyncio.run(whole())

    return answer


def test_entries_are_kept_in_their_order(send: Send, tmp_path: Path) -> None:
    assert send("GET", "/").json() == {"entries": []}
    assert [send("POST", "/entries", line).status_code for line in ("a table", "two chairs")] == [201, 201]
    assert send("GET", "/").json() == {"entries": ["a table", "two chairs"]}
    assert (tmp_path / "entries").read_text() == "a table\ntwo chairs\n"


@pytest.mark.parametrize("entry", ["", " \n", "one\ntwo", "x" * 1001])
def test_what_is_no_line_is_refused(send: Send, tmp_path: Path, entry: str) -> None:
    assert send("POST", "/entries", entry).status_code == 400
    assert not (tmp_path / "entries").exists()


def test_a_nearly_full_volume_takes_no_entry_and_is_not_ready(send: Send, free: dict[str, int]) -> None:
    send("POST", "/entries", "before")
    free["blocks"] = 99
    assert (send("GET", "/ready").status_code, send("GET", "/healthz").status_code) == (503, 200)
    assert send("POST", "/entries", "while it is full").status_code == 507
    free["blocks"] = 100
    assert send("GET", "/ready").status_code == 200
    assert send("POST", "/entries", "after").status_code == 201
    assert send("GET", "/").json() == {"entries": ["before", "after"]}
