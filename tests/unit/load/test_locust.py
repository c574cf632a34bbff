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
from aftershock.load.request_log import read_log
from aftershock.load.spec import Demand, check_locustfile
from aftershock.timeline import Timeline

LOADTESTS = Path(__file__).parents[3] / "loadtests"


class Server(http.server.ThreadingHTTPServer):
    """Answers 200 as `pod-0`, every fifth time 503, while the gate is open; counts connections."""

    daemon_threads = True
    request_queue_size = 512
    connections = 0
    answers = 0

    def __init__(self, *args: Any) -> None:
        super().__init__(*args)
        self.gate = threading.Event()
        self.gate.set()

    def process_request(self, request: Any, client_address: Any) -> None:
        self.connections += 1
        super().process_request(request, client_address)


class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: Server
    bad_every: ClassVar[int] = 5

    def do_GET(self) -> None:
        self.server.gate.wait()
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
        found.gate.set()
        found.shutdown()
        thread.join()


def load(tmp_path: Path, host: str, timeline: Timeline | None = None, **more: Any) -> Locust:
    names = ("users", "rate_per_user", "shape", "arrivals")
    demand = {"users": 2, "rate_per_user": 50, **{name: more.pop(name) for name in names if name in more}}
    defaults: dict[str, Any] = {"locustfile": LOADTESTS / "nginx_web.py", "duration_s": 1}
    spec = LoadSpec(host=host, demand=Demand(**demand), **{**defaults, **more})
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
        # What was under way at the end was waited for.
        assert result.requests == server.answers > 20
        assert result.failures == server.answers // 5
        assert result.model == "closed"
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
        assert sum(len(row["ms"]) for row in rows) == result.requests
        assert sum(len(places) for row in rows for places in row["failures"].values()) == result.failures

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


def locustfile(folder: Path, body: str) -> Path:
    """Write a locustfile whose visitor does `body`."""
    path = folder / "own.py"
    path.write_text(
        f"import sys\nsys.path.insert(0, {str(LOADTESTS)!r})\n"
        "import arrivals\nfrom common import WebUser\nfrom locust import task\n\n"
        f"class Own(WebUser):\n    @task\n    def act(self):\n        {body}\n"
    )
    return path


class TestArrivals:
    def test_what_is_due_is_sent_and_the_load_ends_by_itself(self, tmp_path: Path, server: Server) -> None:
        timeline = Timeline()
        one = load(tmp_path, url(server), timeline, arrivals=100, duration_s=2)
        one.start()
        result = one.wait()
        assert (result.requests, result.dropped, result.unfinished, result.model) == (200, 0, 0, "open")
        assert result.failures == 40
        log = read_log(one.log)
        due = sorted(request.due_s for request in log.requests)
        assert [round(at - due[0], 3) for at in due] == [n / 100 for n in range(200)]
        assert all(request.sent_s >= request.due_s for request in log.requests)
        assert log.ended
        (started,) = timeline.select(kind="load-started")
        assert (started.data["model"], started.data["asked"]) == ("open", 200)

    def test_those_who_wanted_to_ask_a_stalled_target_waited_from_then_on(
        self, tmp_path: Path, server: Server
    ) -> None:
        one = load(tmp_path, url(server), arrivals=100, duration_s=2)
        one.start()
        server.gate.clear()
        wait_until(lambda: one.left_s < 0.8, within_s=2, every_s=0.01, what="the stall")
        server.gate.set()
        result = one.wait()
        assert result.requests == 200
        waited = [request for request in read_log(one.log).requests if request.latency_ms > 500]
        assert len(waited) >= 40, "half of those who came in a second and more"
        assert result.peak_users >= 80

    def test_too_many_at_once_are_dropped_and_counted(self, tmp_path: Path, server: Server) -> None:
        path = locustfile(tmp_path, "self.ask('/')\narrivals.MOST_VISITORS = 5\narrivals.SPARE_VISITORS = 1")
        one = load(tmp_path, url(server), locustfile=path, arrivals=50, duration_s=2)
        one.start()
        server.gate.clear()
        wait_until(lambda: one.left_s < 0.5, within_s=3, every_s=0.01, what="the stall")
        server.gate.set()
        result = one.wait()
        assert result.dropped > 20
        assert result.requests + result.dropped == 100
        assert result.peak_users == 5

    @pytest.mark.parametrize(
        ("body", "kind"),
        [("raise KeyError(1)", "KeyError"), ("pass", "sent nothing")],
        ids=["raises", "idle"],
    )
    def test_a_task_that_comes_to_nothing_is_a_failure(
        self, tmp_path: Path, server: Server, body: str, kind: str
    ) -> None:
        one = load(tmp_path, url(server), locustfile=locustfile(tmp_path, body), arrivals=20, duration_s=1)
        one.start()
        result = one.wait()
        assert (result.requests, result.errors) == (20, {kind: 20})

    def test_stopped_early_it_says_what_was_under_way(self, tmp_path: Path, server: Server) -> None:
        one = load(tmp_path, url(server), arrivals=50, duration_s=300)
        one.start()
        server.gate.clear()
        wait_until(lambda: one.left_s < 299.5, within_s=3, every_s=0.01, what="some to be under way")
        result = one.stop()
        assert result is not None
        assert result.unfinished >= 10

    def test_killed_in_the_middle_is_told_by_the_next_look(self, tmp_path: Path, server: Server) -> None:
        timeline, said = Timeline(), []
        one = load(tmp_path, url(server), timeline, arrivals=50, duration_s=300)
        one.progress = said.append
        one.start()
        assert one._process is not None
        os.kill(one._process.pid, signal.SIGKILL)
        one._process.wait()
        one.look()
        one.look()
        (broken,) = timeline.select(kind="load-broken")
        assert broken.data["reason"] == said[-1] == "Locust was killed by SIGKILL"

    def test_a_ramp_of_arrivals(self, tmp_path: Path, server: Server) -> None:
        one = load(tmp_path, url(server), arrivals=100, shape="ramp", duration_s=2)
        one.start()
        assert one.wait().requests == 100


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
            ("rate_per_user", 0),
            ("arrivals", -1),
            ("arrivals", 10**6),
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


class TestCheckLocustfile:
    @pytest.mark.parametrize("name", ["nginx_web", "productpage", "sample_app"])
    def test_ours_are_fine(self, name: str) -> None:
        check_locustfile(LOADTESTS / f"{name}.py")

    @pytest.mark.parametrize(
        ("code", "complaint"),
        [("import nothing_like_this", "nothing_like_this"), ("x = 1", "it defines no user")],
        ids=["import error", "no user"],
    )
    def test_what_locust_cannot_use(self, tmp_path: Path, code: str, complaint: str) -> None:
        path = tmp_path / "bad.py"
        path.write_text(code)
        with pytest.raises(ConfigError, match=r"cannot read the locustfile bad\.py") as caught:
            check_locustfile(path)
        assert complaint in caught.value.found
