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
from aftershock.errors import ApiError, TransientError

SOON_S = 5.0
CHUNKED = "Transfer-Encoding: chunked"


class Server:
    """Answers one request, chunk by chunk as the test says."""

    def __init__(self, *headers: str) -> None:
        self._headers = headers
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port: int = self._listener.getsockname()[1]
        self._thread = threading.Thread(target=self._accept, daemon=True)
        self._thread.start()

    def _accept(self) -> None:
        self._end, _ = self._listener.accept()
        self._end.recv(65536)
        lines = ("HTTP/1.1 200 OK", *self._headers, "", "")
        self._end.sendall("\r\n".join(lines).encode())

    def send(self, *chunks: bytes) -> None:
        self._thread.join(SOON_S)
        self._end.sendall(b"".join(b"%x\r\n%s\r\n" % (len(chunk), chunk) for chunk in chunks))

    def send_raw(self, data: bytes) -> None:
        self._thread.join(SOON_S)
        self._end.sendall(data)

    def close(self) -> None:
        self._thread.join(SOON_S)
        self._end.close()
        self._listener.close()


@pytest.fixture
def server() -> Iterator[Server]:
    server = Server(CHUNKED)
    yield server
    server.close()


@pytest.fixture
def watch(server: Server) -> Watch:
    return begun(server)


def begun(server: Server, *, silence_s: float = 20.0) -> Watch:
    """Begin a watch that is given up after that much silence."""
    configuration = Configuration()
    configuration.host = f"http://127.0.0.1:{server.port}"
    return KubeApi(ApiClient(configuration)).watch("/api/v1/pods", timeout_s=silence_s - 15)


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
    assert watch.ready()
    assert next(watch) == b"one"
    assert watch.drained()
    assert not watch.ready()


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
    assert not watch.ready()
    server.send(b"e\n")
    assert not watch.drained()
    assert next(watch) == b"one"


def test_end_is_something_that_came(watch: Watch, server: Server) -> None:
    server.send(b"one\n", b"")
    assert something_came(watch)
    assert next(watch) == b"one"
    assert watch.ready()
    assert not watch.drained()
    assert list(watch) == []
    assert watch.drained()


def test_break_is_something_that_came(watch: Watch, server: Server) -> None:
    server.send(b"one\n")
    assert something_came(watch)
    next(watch)
    server.close()
    assert something_came(watch)
    assert watch.ready()
    with pytest.raises(TransientError, match="broke"):
        next(watch)


@pytest.mark.parametrize("seen", [False, True], ids=["waited for", "seen by a look"])
def test_what_is_no_chunk_is_a_break(watch: Watch, server: Server, seen: bool) -> None:
    server.send_raw(b"one\r\n")
    if seen:
        assert something_came(watch)
        assert watch.ready()
    with pytest.raises(TransientError, match="broke") as caught:
        next(watch)
    assert "no chunk" in str(caught.value)


def test_server_that_is_about_to_end_closes_the_connection() -> None:
    server = Server(CHUNKED, "Connection: close")
    watch = begun(server)
    server.send(b"one\n", b"")
    assert list(watch) == [b"one"]
    server.close()


def test_answer_without_chunks_is_refused() -> None:
    server = Server("Content-Length: 4")
    with pytest.raises(ApiError, match="in chunks"):
        begun(server)
    server.close()


def test_silent_connection_is_given_up(server: Server) -> None:
    watch = begun(server, silence_s=0.2)
    with pytest.raises(TransientError, match="broke") as caught:
        next(watch)
    assert "nothing came" in caught.value.found
