"""Locust as a process: real Locust against a small server on 127.0.0.1, briefly."""

from __future__ import annotations

import http.server
import os
import signal
import socket
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any, ClassVar

import pytest

from aftershock.clock import wait_until
from aftershock.config import Settings
from aftershock.errors import CommandError, ConfigError, EnvironmentUnusableError, RefusedError, UsageError
from aftershock.load.locust import LoadSpec, Locust
from aftershock.timeline import Timeline

LOADTESTS = Path(__file__).parents[3] / "loadtests"


class Server(http.server.ThreadingHTTPServer):
    """Answers 200 as `pod-0`, every fifth time 503; counts connections."""

    daemon_threads = True
    connections = 0
    answers = 0

    def process_request(self, request: Any, client_address: Any) -> None:
        self.connections += 1
        super().process_request(request, client_address)


class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: Server
    bad_every: ClassVar[int] = 5

    def do_GET(self) -> None:
        self.server.answers += 1
        self.send_response(503 if self.server.answers % self.bad_every == 0 else 200)
        self.send_header("X-Served-By", "pod-0")
        self.send_header("Content-Length", "2")
        self.end_headers()
        self.wfile.write(b"ok")

    def log_message(self, *args: Any) -> None:
        pass


@pytest.fixture
def server() -> Iterator[Server]:
    with Server(("127.0.0.1", 0), Handler) as found:
        thread = threading.Thread(target=found.serve_forever, kwargs={"poll_interval": 0.05})
        thread.start()
        yield found
        found.shutdown()
        thread.join()


def load(tmp_path: Path, host: str, timeline: Timeline | None = None, **more: Any) -> Locust:
    defaults: dict[str, Any] = {"locustfile": LOADTESTS / "nginx_web.py", "users": 2, "duration_s": 1}
    spec = LoadSpec(host=host, rate_per_user=50, **{**defaults, **more})
    return Locust(
        spec,
        folder=tmp_path / "out",
        settings=Settings(),
        timeline=Timeline() if timeline is None else timeline,
    )


def url(server: Server) -> str:
    return f"http://127.0.0.1:{server.server_address[1]}"


class TestLoad:
    def test_every_request_is_counted_and_users_reconnect(self, tmp_path: Path, server: Server) -> None:
        timeline = Timeline()
        one = load(tmp_path, url(server), timeline, duration_s=3)
        one.start()
        result = one.wait()
        # Each user may have had one request under way at the end: answered, and not waited for.
        assert 20 < server.answers - 2 <= result.requests <= server.answers
        assert (server.answers - 2) // 5 - 1 <= result.failures <= server.answers // 5
        assert result.errors == {"status 503": result.failures}
        assert result.servers == {"pod-0": result.requests}
        assert result.peak_users == 2
        assert result.latency_ms["p50"] <= result.latency_ms["p99"] <= result.latency_ms["max"]
        assert server.connections >= result.requests // 20, "a connection lives for 20 requests"
        assert set(result.files) == {"requests", "log", "html", "json", "csv"}

        (started,) = timeline.select(source="load", kind="load-started")
        (ended,) = timeline.select(source="load", kind="load-ended")
        assert abs((started.at - result.started_at).total_seconds()) < 0.5  # two clocks, one after the other
        assert started.mono is not None
        assert ended.data["requests"] == result.requests
        rows = [event.data for event in timeline.select(kind="requests")]
        assert sum(len(row["latency_ms"]) for row in rows) == result.requests
        assert sum(map(bool, (kind for row in rows for kind in row["failure"]))) == result.failures

        assert one.wait() is result
        assert one.stop() is result
        assert len(timeline.select(kind="load-ended")) == 1

    def test_a_shape_drives_the_number_of_users(self, tmp_path: Path, server: Server) -> None:
        one = load(tmp_path, url(server), shape="ramp", users=100, duration_s=3)
        one.start()
        result = one.wait()
        assert 1 < result.peak_users < 100, "a third and two thirds of them; all only at the end"

    def test_stopping_early_keeps_what_was_seen(self, tmp_path: Path, server: Server) -> None:
        one = load(tmp_path, url(server), duration_s=300)
        one.start()
        result = one.stop()
        assert result is not None
        assert result.requests > 0
        assert one.wait() is result

    def test_killed_in_the_middle(self, tmp_path: Path, server: Server) -> None:
        one = load(tmp_path, url(server), duration_s=300)
        one.start()
        assert one._process is not None
        os.kill(one._process.pid, signal.SIGKILL)
        with pytest.raises(CommandError, match="was killed by SIGKILL"):
            one.wait()

    def test_a_target_that_goes_away_is_a_result(self, tmp_path: Path, server: Server) -> None:
        one = load(tmp_path, url(server), duration_s=5)
        one.start()
        server.shutdown()
        server.socket.close()
        result = one.wait()
        assert result.failures > 0
        assert any(not kind.startswith("status") for kind in result.errors)


class TestRefusedBeforeAnythingStarts:
    def test_a_port_where_nobody_listens(self, tmp_path: Path) -> None:
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            host = f"http://127.0.0.1:{free.getsockname()[1]}"
            with pytest.raises(EnvironmentUnusableError, match="takes no connection"):
                load(tmp_path, host).start()
        assert not (tmp_path / "out").exists()

    def test_a_host_that_is_not_allowed(self, tmp_path: Path) -> None:
        with pytest.raises(RefusedError):
            load(tmp_path, "http://example.invalid").start()

    def test_a_missing_locustfile(self, tmp_path: Path, server: Server) -> None:
        with pytest.raises(ConfigError, match="no locustfile") as caught:
            load(tmp_path, url(server), locustfile=LOADTESTS / "nginx.py").start()
        assert "nginx_web.py" in caught.value.expected

    def test_a_locustfile_that_is_no_python(self, tmp_path: Path, server: Server) -> None:
        path = tmp_path / "bad.py"
        path.write_text("class X(:\n")
        with pytest.raises(ConfigError, match="broken") as caught:
            load(tmp_path, url(server), locustfile=path).start()
        assert "line 1" in caught.value.found

    @pytest.mark.parametrize(
        ("option", "value"),
        [
            ("shape", "zigzag"),
            ("users", 0),
            ("users", 10**6),
            ("duration_s", 0),
            ("spawn_rate", float("nan")),
        ],
    )
    def test_numbers_and_names_out_of_range(
        self, tmp_path: Path, server: Server, option: str, value: object
    ) -> None:
        with pytest.raises(ConfigError):
            load(tmp_path, url(server), **{option: value}).start()

    def test_waiting_for_what_was_never_started(self, tmp_path: Path, server: Server) -> None:
        one = load(tmp_path, url(server))
        assert one.stop() is None
        with pytest.raises(UsageError, match="not started"):
            one.wait()


class TestBrokenLocustfile:
    @pytest.mark.parametrize(
        ("code", "complaint"),
        [("import nothing_like_this", "nothing_like_this")],
        ids=["import error"],
    )
    def test_is_told_with_its_last_lines(
        self, tmp_path: Path, server: Server, code: str, complaint: str
    ) -> None:
        path = tmp_path / "bad.py"
        path.write_text(code)
        with pytest.raises(CommandError, match="did not start") as caught:
            load(tmp_path, url(server), locustfile=path).start()
        assert complaint in caught.value.found


def test_no_process_outlives_a_failed_start(tmp_path: Path, server: Server) -> None:
    path = tmp_path / "silent.py"
    path.write_text("from locust import User\nclass Idle(User):\n    def wait_time(self): return 1000\n")
    one = load(tmp_path, url(server), locustfile=path)
    with pytest.raises(CommandError):
        one.start()
    assert one._process is not None
    wait_until(lambda: one._process.poll() is not None, within_s=1, what="its end")  # type: ignore[union-attr]  # asserted
