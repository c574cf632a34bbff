from __future__ import annotations

import asyncio
import os
import signal
import socket
import subprocess
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import httpx
import pytest
from aftershock_components.serving import create_app, environment_port
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route

from aftershock.clock import wait_until
from aftershock.errors import TransientError


async def greet(request: Request) -> Response:
    return PlainTextResponse(request.path_params["name"])


async def fail(request: Request) -> Response:
    raise RuntimeError("on purpose")


@asynccontextmanager
async def running(app: Starlette) -> AsyncIterator[httpx.AsyncClient]:
    transport = httpx.ASGITransport(app, raise_app_exceptions=False)
    async with (
        app.router.lifespan_context(app),
        httpx.AsyncClient(transport=transport, base_url="http://app") as client,
    ):
        yield client


def lines(text: str, start: str) -> list[str]:
    return [line for line in text.splitlines() if line.startswith(start)]


def test_requests_are_counted_by_the_pattern_of_their_route_and_by_status() -> None:
    async def talk() -> str:
        app = create_app(
            [Route("/greet/{name}", greet, methods=["GET"]), Route("/fail", fail, methods=["GET"])]
        )
        async with running(app) as client:
            for path in ("/greet/a", "/greet/b", "/fail", "/healthz", "/ready", "/nowhere"):
                await client.get(path)
            return (await client.get("/metrics")).text

    text = asyncio.run(talk())
    assert 'http_requests_total{method="GET",path="/greet/{name}",status="200"} 2.0' in text
    assert 'http_requests_total{method="GET",path="/fail",status="500"} 1.0' in text
    assert 'http_request_duration_seconds_count{method="GET",path="/greet/{name}"} 2.0' in text
    paths = {line.split('path="')[1].split('"')[0] for line in lines(text, "http_requests_total")}
    assert paths == {"/greet/{name}", "/fail"}  # no probes, no scrapes, no URLs of strangers


def test_an_answer_says_who_gave_it() -> None:
    async def talk() -> list[str]:
        async with running(create_app([Route("/greet/{name}", greet, methods=["GET"])])) as client:
            return [(await client.get(path)).headers["X-Served-By"] for path in ("/greet/a", "/nowhere")]

    assert asyncio.run(talk()) == [socket.gethostname()] * 2


def test_the_series_of_errors_exist_before_the_first_error() -> None:
    async def talk() -> str:
        async with running(create_app([Route("/fail", fail, methods=["GET"])])) as client:
            return (await client.get("/metrics")).text

    text = asyncio.run(talk())
    for status in ("500", "503"):
        assert f'http_requests_total{{method="GET",path="/fail",status="{status}"}} 0.0' in text


def test_ready_only_between_start_up_and_stop() -> None:
    seen: list[tuple[str, int, int]] = []

    async def look(app: Starlette, when: str) -> None:
        async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://app") as client:
            ready, healthy = await client.get("/ready"), await client.get("/healthz")
            seen.append((when, ready.status_code, healthy.status_code))

    @asynccontextmanager
    async def lifespan(app: Starlette) -> AsyncIterator[None]:
        await look(app, "starting")
        yield
        await look(app, "stopping")

    async def talk() -> None:
        app = create_app([], lifespan=lifespan)
        async with app.router.lifespan_context(app):
            await look(app, "running")

    asyncio.run(talk())
    assert seen == [("starting", 503, 200), ("running", 200, 200), ("stopping", 503, 200)]


@pytest.mark.parametrize("text", ["", "http", "-1", "0", "65536", "80.5"])
def test_a_wrong_port_is_refused(monkeypatch: pytest.MonkeyPatch, text: str) -> None:
    monkeypatch.setenv("PORT", text)
    with pytest.raises(SystemExit, match="is no port"):
        environment_port()


def test_sigterm_lets_a_request_finish_and_ends_with_zero(tmp_path: Path, root: Path) -> None:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    process = subprocess.Popen(
        [sys.executable, "-m", "aftershock_components.webhook_logger"],
        env={**os.environ, "PORT": str(port), "WEBHOOK_LOG_FILE": str(tmp_path / "log.jsonl"),
             "PYTHONPATH": str(root / "stack" / "components")},
        stderr=subprocess.DEVNULL,
    )  # fmt: skip

    def connect() -> socket.socket:
        try:
            return socket.create_connection(("127.0.0.1", port), timeout=10)
        except ConnectionRefusedError as error:
            raise TransientError("not listening yet") from error

    def refused() -> bool:
        try:
            socket.create_connection(("127.0.0.1", port), timeout=10).close()
        except ConnectionRefusedError:
            return True
        return False

    try:
        connection = wait_until(connect, within_s=20, every_s=0.05, what="the logger to listen")
        with connection:
            connection.sendall(b"POST /alert HTTP/1.1\r\nHost: x\r\nContent-Length: 13\r\n\r\n{")
            # An answer on another connection shows that the loop has seen what came before.
            assert httpx.get(f"http://127.0.0.1:{port}/healthz", timeout=10).status_code == 200
            process.send_signal(signal.SIGTERM)
            wait_until(refused, within_s=10, every_s=0.05, what="the logger to accept nothing new")
            connection.sendall(b'"alerts":[]}')
            assert connection.recv(4096).startswith(b"HTTP/1.1 200 ")
        assert process.wait(timeout=10) == 0
    finally:
        process.kill()
        process.wait()
    assert (tmp_path / "log.jsonl").read_text().count('"sequence":1') == 1
