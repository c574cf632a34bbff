"""The client's probe: what counts as an answer, and that due times do not wait."""

from __future__ import annotations

import itertools
import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import timedelta

import pytest

from aftershock.clock import SystemClock
from aftershock.errors import AftershockError, UsageError
from aftershock.observe.client_probe import Answer, ClientProbe, ask
from aftershock.testing import FakeClock
from aftershock.timeline import Timeline
from tests.unit.observe.server import serving

WAIT_S = 5.0


def answer(url: str, timeout_s: float = WAIT_S) -> Answer:
    return ask(url, timeout_s=timeout_s, clock=SystemClock())


@contextmanager
def raw(handle: Callable[[socket.socket], None]) -> Iterator[str]:
    """A server that does to its first connection what `handle` says."""
    listener = socket.create_server(("127.0.0.1", 0))

    def serve() -> None:
        connection, _ = listener.accept()
        with connection:
            handle(connection)

    thread = threading.Thread(target=serve, daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{listener.getsockname()[1]}/"
    finally:
        thread.join(WAIT_S)
        listener.close()


@pytest.mark.parametrize(("status", "ok"), [(200, True), (302, True), (404, False), (503, False)])
def test_status_decides(status: int, ok: bool) -> None:
    with serving(lambda path, query: (status, b"x")) as server:
        assert answer(server.url + "/page?a=1") == Answer(ok=ok, status=status)
        assert server.asked == [("/page", {"a": "1"})]
        assert server.headers[0]["Connection"] == "close"


def test_refused_and_unknown_host() -> None:
    with socket.create_server(("127.0.0.1", 0)) as free:
        url = f"http://127.0.0.1:{free.getsockname()[1]}/"
    assert answer(url) == Answer(ok=False, error="refused")


def test_silence_is_a_timeout() -> None:
    done = threading.Event()
    with raw(lambda connection: done.wait(WAIT_S) and None) as url:
        assert answer(url, timeout_s=0.05) == Answer(ok=False, error="timeout")
        done.set()


def test_answer_that_never_ends_is_a_timeout() -> None:
    stop = threading.Event()

    def drip(connection: socket.socket) -> None:
        connection.recv(1024)
        connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 1000000\r\n\r\n")
        while not stop.wait(0.01):
            connection.sendall(b"x")

    with raw(drip) as url:
        assert answer(url, timeout_s=0.1) == Answer(ok=False, error="timeout")
        stop.set()


def test_connection_that_is_cut_is_a_failure() -> None:
    def cut(connection: socket.socket) -> None:
        connection.recv(1024)
        connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nabc")

    with raw(cut) as url:
        assert answer(url) == Answer(ok=False, error="protocol")
    with raw(lambda connection: connection.recv(1024) and None) as url:
        assert answer(url).ok is False
    with raw(lambda connection: connection.sendall(b"nonsense\r\n\r\n")) as url:
        assert answer(url).ok is False


def test_probe_is_recorded_under_its_due_time() -> None:
    clock = FakeClock()
    timeline = Timeline(clock=clock)

    def slow(path: str, query: dict[str, str]) -> tuple[int, bytes]:
        clock.sleep(0.03)
        return 200, b"ok"

    with serving(slow) as server:
        probe = ClientProbe(server.url, timeline, rate=20)
        clock.sleep(10.2)
        probe.probe(clock.start + timedelta(seconds=10), 10.0)
    (event,) = timeline
    assert (event.at, event.mono) == (clock.start + timedelta(seconds=10), 10.0)
    assert event.data == {"ms": 230.0, "ok": True, "status": 200, "late_ms": 200.0}
    assert event.resolution_s == pytest.approx(0.25)


def test_due_times_do_not_wait_for_answers() -> None:
    """Every probe hangs, yet ten are under way at once, at their own due times."""
    hanging = threading.Semaphore(0)
    release = threading.Event()

    def hang(path: str, query: dict[str, str]) -> tuple[int, bytes]:
        hanging.release()
        release.wait(WAIT_S)
        return 200, b"ok"

    timeline = Timeline()
    with serving(hang) as server:
        probe = ClientProbe(server.url, timeline, rate=100, timeout_s=WAIT_S)
        probe.start()
        for _ in range(10):
            assert hanging.acquire(timeout=WAIT_S)
        release.set()
        probe.stop()
    events = sorted(timeline.select(kind="probe"), key=lambda event: event.at)
    steps = [(b.at - a.at).total_seconds() for a, b in itertools.pairwise(events)]
    assert len(events) >= 10
    assert steps == pytest.approx([0.01] * len(steps))
    states = [event.data["state"] for event in timeline.select(kind="probing")]
    assert states == ["started", "stopped"]


def test_own_failure_is_loud() -> None:
    class Full(Timeline):
        def append(self, event: object) -> object:  # type: ignore[override]  # a disk that is full
            if getattr(event, "kind", "") == "probe":
                raise OSError("no space left")
            return event

    with serving(lambda path, query: (200, b"ok")) as server:
        probe = ClientProbe(server.url, Full(), rate=100)
        probe.start()
        probe._thread.join(WAIT_S)
        with pytest.raises(AftershockError, match="gave up"):
            probe.check()
        with pytest.raises(AftershockError, match="no space left"):
            probe.stop()


@pytest.mark.parametrize("url", ["https://127.0.0.1/", "127.0.0.1:80", "http:///x"])
def test_url_that_cannot_be_probed_is_refused(url: str) -> None:
    with pytest.raises(UsageError, match="cannot be probed"):
        ClientProbe(url, Timeline())
