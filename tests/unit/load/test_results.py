"""Results: exact figures from the log, torn logs, columns, progress, hosts."""

from __future__ import annotations

from pathlib import Path

import pytest

from aftershock.config import Settings
from aftershock.errors import RefusedError, UsageError
from aftershock.load.hosts import check_host
from aftershock.load.progress import LogTail
from aftershock.load.request_log import read_log
from aftershock.load.results import percentile, request_events, summarise

HEADER = "#clocks\t1000.0\t50.0\n#model\topen\n"


def log(folder: Path, *lines: str, header: str = HEADER) -> Path:
    path = folder / "r.tsv"
    path.write_text(header + "".join(lines))
    return path


def request(
    due: float, ms: float, *, status: int = 200, server: str = "", error: str = "", late: float = 0.0
) -> str:
    return f"{due:.6f}\t{due + late:.6f}\t{ms:.3f}\t{status}\t{server}\t{error}\n"


@pytest.mark.parametrize(
    ("values", "percent", "expected"),
    [
        ([7.0], 50, 7.0),
        ([1.0, 2.0, 3.0, 4.0], 50, 2.0),
        ([1.0, 2.0, 3.0, 4.0], 75, 3.0),
        ([1.0, 2.0, 3.0, 4.0], 76, 4.0),
        ([float(n) for n in range(1, 101)], 95, 95.0),
        ([float(n) for n in range(1, 101)], 99, 99.0),
        ([1.0, 2.0], 0, 1.0),
    ],
)
def test_percentiles_are_values_that_were_measured(
    values: list[float], percent: float, expected: float
) -> None:
    assert percentile(values, percent) == expected


def test_percentile_of_nothing() -> None:
    with pytest.raises(ValueError, match="no values"):
        percentile([], 50)


class TestSummary:
    def test_counts_and_kinds(self, tmp_path: Path) -> None:
        lines = (
            request(50.0, 10, server="a"),
            request(50.5, 20, status=503, server="b", late=0.002),
            request(51.0, 1000, status=0, error="TimeoutError"),
            "#dropped\t51.2\n#dropped\t51.3\n",
            request(51.5, 500, status=0),
            "#unfinished\t51.9\n",
            "#users\t51.0\t7\t0.5\n",
        )
        result = summarise(read_log(log(tmp_path, *lines)))
        assert (result.requests, result.failures, result.peak_users) == (4, 3, 7)
        assert (result.dropped, result.unfinished, result.model) == (2, 1, "open")
        assert result.errors == {"status 503": 1, "TimeoutError": 1, "no answer": 1}
        assert result.servers == {"a": 1, "b": 1}
        assert result.duration_s == pytest.approx(2.0)
        assert result.rps == pytest.approx(5 / 1.9), (
            "those that were sent, over the time in which they were due"
        )
        assert result.latency_ms == {"p50": 20, "p90": 1000, "p95": 1000, "p99": 1000, "max": 1000}
        assert result.late_ms == {"p50": 0, "p90": 2, "p95": 2, "p99": 2, "max": 2}
        assert result.started_at.timestamp() == 1000

    def test_what_the_generator_took_of_a_core_while_requests_flowed(self, tmp_path: Path) -> None:
        users = [f"#users\t{at}\t1\t{cpu}\n" for at, cpu in ((48, 0), (50, 1.0), (52, 2.0), (60, 2.1))]
        result = summarise(read_log(log(tmp_path, request(50, 1), request(52, 1), *users)))
        assert result.cpu_shares == (0.5,)

    def test_a_log_without_requests_is_no_result(self, tmp_path: Path) -> None:
        with pytest.raises(UsageError, match="no request"):
            summarise(read_log(log(tmp_path)))


class TestReadLog:
    def test_a_torn_last_line_is_dropped(self, tmp_path: Path) -> None:
        read = read_log(log(tmp_path, request(50, 1), "50.5\t50.5\t12."))
        assert len(read.requests) == 1
        assert not read.ended

    def test_a_log_that_was_closed_in_order(self, tmp_path: Path) -> None:
        assert read_log(log(tmp_path, request(50, 1), "#end\t52\n")).ended

    def test_no_file(self, tmp_path: Path) -> None:
        with pytest.raises(UsageError, match="cannot read"):
            read_log(tmp_path / "none")

    @pytest.mark.parametrize("header", ["", "start,ms\n"])
    def test_another_file(self, tmp_path: Path, header: str) -> None:
        with pytest.raises(UsageError, match="no request log"):
            read_log(log(tmp_path, header=header))


def test_requests_enter_the_timeline_second_by_second_as_they_were_due(tmp_path: Path) -> None:
    lines = (
        request(51.25, 3, server="a", late=0.25),
        request(50.75, 2, status=500, server="a"),
        request(50.5, 1, server="b"),
        "#dropped\t51.5\n#unfinished\t51.75\n",
    )
    first, second = request_events(read_log(log(tmp_path, *lines)), subject="load/x")
    assert (first.mono, second.mono) == (50, 51)
    assert (first.at.timestamp(), second.at.timestamp()) == (1000, 1001)
    assert first.data == {
        "due_ms": [500, 750],
        "sent_ms": [0, 0],
        "ms": [1, 2],
        "failures": {"status 500": [1]},
        "servers": {"b": [0], "a": [1]},
        "dropped_ms": [],
        "unfinished_ms": [],
    }
    assert (second.data["due_ms"], second.data["sent_ms"], second.data["ms"]) == ([250], [250], [3])
    assert (second.data["dropped_ms"], second.data["unfinished_ms"]) == ([500], [750])


class TestProgress:
    def test_follows_the_log_as_it_grows_even_by_half_lines(self, tmp_path: Path) -> None:
        path = log(tmp_path)
        tail = LogTail(path)
        assert tail.read() == 0
        text = (
            "#users\t50.0\t5\t0.1\n"
            + request(51, 10)
            + "#dropped\t52\n"
            + request(55.5, 30, status=500)
            + "#users\t56.0\t9\t0.2\n"
        )
        for half in (text[:25], text[25:]):
            with path.open("a") as file:
                file.write(half)
            tail.read()
            seen = tail.progress(every_s=5)
        assert tail.requests == 2
        assert seen is not None
        assert (seen.users, seen.failures, seen.dropped, seen.p95_ms) == (9, 1, 1, 30)
        assert seen.rps == pytest.approx(2 / 6)
        assert str(seen) == "9 users, 0 requests/s, p95 30 ms, 1 failure, 1 dropped"
        assert tail.progress(every_s=5) is None

    def test_no_file_yet(self, tmp_path: Path) -> None:
        assert LogTail(tmp_path / "none").read() == 0


class TestHosts:
    @pytest.mark.parametrize("url", ["http://127.0.0.1:30080/", "https://127.0.0.1", "http://127.0.0.1"])
    def test_this_machine(self, url: str) -> None:
        check_host(url, Settings())

    @pytest.mark.parametrize(
        "url",
        [
            "http://localhost:30080",
            "http://127.0.0.1.example.invalid/",
            "http://127.0.0.1@example.invalid/",
            "http://example.invalid#@127.0.0.1/",
            "http://example.invalid/?127.0.0.1",
            "http://example.invalid\\@127.0.0.1/",
            "http://127.0.0.2/",
            "http://[::1]/",
            "http://0x7f.1/",
            "http://127.0.0.1:99999/",
            "ftp://127.0.0.1/",
            "file:///etc/passwd",
            "127.0.0.1:30080",
            "",
        ],
    )
    def test_every_other_one_however_it_is_written(self, url: str) -> None:
        with pytest.raises(RefusedError):
            check_host(url, Settings())

    def test_one_that_the_settings_name(self) -> None:
        named = Settings(load_hosts=("shop.example.invalid",))
        check_host("http://shop.example.invalid/", named)
        with pytest.raises(RefusedError):
            check_host("http://www.shop.example.invalid/", named)
