"""A watch knows whether its next line would have to be waited for."""

from __future__ import annotations

import socket
import threading
from collections.abc import Iterator

import pytest
from kubernetes.client import ApiClient, Configuration

from aftershock.clock import wait_until
from aftershock.cluster.api import KubeApi
from aftershock.cluster.watch import Watch
from aftershock.errors import TransientError

SOON_S = 5.0


class Server:
    """Answers one request, chunk by chunk as the test says."""

    def __init__(self) -> None:
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port: int = self._listener.getsockname()[1]
        self._thread = threading.Thread(target=self._accept, daemon=True)
        self._thread.start()

    def _accept(self) -> None:
        self._end, _ = self._listener.accept()
        self._end.recv(65536)
        self._end.sendall(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n")

    def send(self, *chunks: bytes) -> None:
        self._thread.join(SOON_S)
        self._end.sendall(b"".join(b"%x\r\n%s\r\n" % (len(chunk), chunk) for chunk in chunks))

    def close(self) -> None:
        self._thread.join(SOON_S)
        self._end.close()
        self._listener.close()


@pytest.fixture
def server() -> Iterator[Server]:
    server = Server()
    yield server
    server.close()


@pytest.fixture
def watch(server: Server) -> Watch:
    configuration = Configuration()
    configuration.host = f"http://127.0.0.1:{server.port}"
    return KubeApi(ApiClient(configuration)).watch("/api/v1/pods", timeout_s=SOON_S)  # type: ignore[no-untyped-call]  # the client ships no types


def something_came(watch: Watch) -> bool:
    """Say whether something arrives soon; nobody reads meanwhile."""
    return wait_until(lambda: not watch.drained(), within_s=SOON_S, every_s=0.005, what="something to come")


def test_nothing_has_come(watch: Watch) -> None:
    assert watch.drained()
    assert watch.drained()  # looking takes nothing away


def test_line_that_came_is_there_until_it_is_read(watch: Watch, server: Server) -> None:
    server.send(b"one\n")
    assert something_came(watch)
    assert not watch.drained()
    assert next(watch) == b"one"
    assert watch.drained()


@pytest.mark.parametrize("chunks", [[b"one\n", b"two\n"], [b"one\ntwo\n"]], ids=["two chunks", "one chunk"])
def test_lines_that_came_together_are_there_one_by_one(
    watch: Watch, server: Server, chunks: list[bytes]
) -> None:
    server.send(*chunks)
    assert something_came(watch)
    assert next(watch) == b"one"
    assert not watch.drained()
    assert next(watch) == b"two"
    assert watch.drained()


def test_line_that_was_waited_for_is_read_whole_after_looks(watch: Watch, server: Server) -> None:
    server.send(b"on")
    assert something_came(watch)
    server.send(b"e\n")
    assert not watch.drained()
    assert next(watch) == b"one"


def test_end_is_something_that_came(watch: Watch, server: Server) -> None:
    server.send(b"one\n", b"")
    assert something_came(watch)
    assert next(watch) == b"one"
    assert not watch.drained()
    assert list(watch) == []
    assert watch.drained()


def test_break_is_something_that_came(watch: Watch, server: Server) -> None:
    server.send(b"one\n")
    assert something_came(watch)
    next(watch)
    server.close()
    assert something_came(watch)
    with pytest.raises(TransientError, match="broke"):
        next(watch)
