"""Measuring: what a try comes to, and the figures of many."""

from __future__ import annotations

import asyncio
import socket
import struct
import time
from collections.abc import Awaitable, Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest
from aftershock_components.carrier import measure
from aftershock_components.carrier.changes import Changes
from aftershock_components.carrier.measure import Try, summed_up, try_server
from aftershock_components.carrier.orders import Order, OrderError

from tests.unit.stack.components.network import Said

Serve = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]


async def answers(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    await reader.readline()
    writer.write(b"HTTP/1.0 200 OK\r\n\r\n")
    writer.close()


async def resets(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    await reader.readline()
    own = writer.get_extra_info("socket")
    own.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    writer.transport.abort()


async def says_nothing(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    await reader.read()
    writer.close()


async def closes(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    await reader.readline()
    writer.close()


def tried(serve: Serve, *, request: bytes = b"HEAD / HTTP/1.0\r\n\r\n", timeout_s: float = 2.0) -> Try:
    over = asyncio.Event()

    async def whole(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with suppress(ConnectionError):
            await serve(reader, writer)
        writer.close()
        with suppress(ConnectionError):
            await writer.wait_closed()
        over.set()

    async def run() -> Try:
        server = await asyncio.start_server(whole, "127.0.0.1", 0)
        async with server:
            found = await try_server("127.0.0.1", server.sockets[0].getsockname()[1], request, timeout_s)
            await over.wait()
            return found

    return asyncio.run(run())


class TestTry:
    def test_an_answer(self) -> None:
        found = tried(answers)
        assert found.outcome == "answered"
        assert found.connect_ms is not None
        assert found.answer_ms is not None

    def test_a_server_that_only_closes_made_a_round_trip_too(self) -> None:
        assert tried(closes).outcome == "answered"

    def test_nothing_is_asked_where_there_is_no_request(self) -> None:
        found = tried(says_nothing, request=b"")
        assert (found.outcome, found.answer_ms) == ("answered", None)

    def test_reset(self) -> None:
        assert tried(resets).outcome == "reset"

    def test_no_answer_in_time_is_lost(self) -> None:
        found = tried(says_nothing, timeout_s=0.05)
        assert found.outcome == "lost"
        assert found.connect_ms is not None

    def test_nobody_listens(self) -> None:
        with socket.create_server(("127.0.0.1", 0)) as closed:
            port = closed.getsockname()[1]
        assert asyncio.run(try_server("127.0.0.1", port, b"", 1.0)).outcome == "refused"


def test_figures() -> None:
    tries = [
        Try(outcome="answered", connect_ms=1.0, answer_ms=4.0),
        Try(outcome="answered", connect_ms=3.0, answer_ms=6.0),
        Try(outcome="reset", connect_ms=2.0),
        Try(outcome="lost"),
    ]
    found = summed_up(tries)
    assert (found["tries"], found["answered"], found["reset"], found["lost"]) == (4, 2, 1, 1)
    assert (found["connected"], found["lost_share"]) == (3, 0.25)
    assert found["connect_ms"] == {"least": 1.0, "median": 2.0, "most": 3.0}
    assert found["answer_ms"] == {"least": 4.0, "median": 5.0, "most": 6.0}
    assert summed_up([Try(outcome="lost")])["connect_ms"] is None


class TestAct:
    @pytest.fixture
    def rounds(self, monkeypatch: pytest.MonkeyPatch) -> list[float]:
        """When each round began, in place of measuring and of pausing."""
        begun: list[float] = []

        async def figures(order: Order, tries: int) -> dict[str, Any]:
            begun.append(now[0])
            return {"web:80": {"tries": tries}}

        now = [1000.0]
        monkeypatch.setattr(measure, "_figures", figures)
        monkeypatch.setattr(time, "time", lambda: now[0])
        monkeypatch.setattr(measure, "wait", lambda until: now.__setitem__(0, until))
        return begun

    def act(self, tmp_path: Path, **options: Any) -> Said:
        said = Said()
        asked = Order(fault_id="f", until=1010.0, options=options)
        measure.act(asked, Changes(state=tmp_path / "f", kinds={}), said)
        return said

    def test_once(self, rounds: list[float], tmp_path: Path) -> None:
        assert self.act(tmp_path, tries=3) == [
            {"event": "measured", "round": 1, "figures": {"web:80": {"tries": 3}}}
        ]

    def test_again_and_again_until_the_end(self, rounds: list[float], tmp_path: Path) -> None:
        said = self.act(tmp_path, again_ms=2500)
        assert rounds == [1000.0, 1002.5, 1005.0, 1007.5]
        assert [line["round"] for line in said] == [1, 2, 3, 4]

    @pytest.mark.parametrize("tries", [0, 1001, "many"])
    def test_tries_that_make_no_sense(self, rounds: list[float], tmp_path: Path, tries: object) -> None:
        with pytest.raises(OrderError, match="tries"):
            self.act(tmp_path, tries=tries)


def test_servers_and_names_are_measured_side_by_side(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    async def found(*given: Any) -> list[Any]:
        return [Try(outcome="answered")] if callable(given[-1]) else []

    monkeypatch.setattr(measure, "_every", found)
    monkeypatch.setattr(measure, "look_up", found)
    monkeypatch.setattr(measure, "_resolving", lambda order: None)
    order = Order(fault_id="f", until=0, options={"servers": [["10.0.0.9", 80]]})
    assert list(asyncio.run(measure._figures(order, 1))) == ["10.0.0.9:80"]
