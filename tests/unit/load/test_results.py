"""Results: exact figures from the log, torn logs, phases, progress, hosts and shapes."""

from __future__ import annotations

from pathlib import Path

import pytest

from aftershock.config import Settings
from aftershock.errors import RefusedError, UsageError
from aftershock.load.hosts import check_host
from aftershock.load.progress import LogTail
from aftershock.load.results import percentile, read_log, request_events, summarise
from aftershock.load.spec import SHAPES as KNOWN_SHAPES
from loadtests.shapes import SHAPES

HEADER = "#clocks\t1000.0\t50.0\n"


def log(folder: Path, *lines: str, header: str = HEADER) -> Path:
    path = folder / "r.tsv"
    path.write_text(header + "".join(lines))
    return path


def request(start: float, ms: float, status: int = 200, server: str = "", error: str = "") -> str:
    return f"{start:.6f}\t{ms:.3f}\t{status}\t{server}\t{error}\n"


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
            request(1000.0, 10, server="a"),
            request(1000.5, 20, status=503, server="b"),
            request(1001.0, 1000, status=0, error="TimeoutError"),
            request(1001.5, 500, status=0),
            "#users\t1001.0\t7\n",
        )
        result = summarise(read_log(log(tmp_path, *lines)))
        assert (result.requests, result.failures, result.peak_users) == (4, 3, 7)
        assert result.errors == {"status 503": 1, "TimeoutError": 1, "no answer": 1}
        assert result.servers == {"a": 1, "b": 1}
        assert result.duration_s == pytest.approx(2.0)
        assert result.rps == pytest.approx(2.0)
        assert result.latency_ms == {"p50": 20, "p90": 1000, "p95": 1000, "p99": 1000, "max": 1000}

    def test_a_phase_is_cut_by_when_requests_began(self, tmp_path: Path) -> None:
        lines = [request(1000 + n, 100 if n < 5 else 900) for n in range(10)]
        read = read_log(log(tmp_path, *lines))
        before, after = summarise(read, until_s=1005), summarise(read, since_s=1005, until_s=1010)
        assert (before.requests, before.latency_ms["max"]) == (5, 100)
        assert (after.requests, after.latency_ms["p50"], after.duration_s) == (5, 900, 5)

    def test_an_empty_phase_is_no_result(self, tmp_path: Path) -> None:
        with pytest.raises(UsageError, match="no request"):
            summarise(read_log(log(tmp_path, request(1000, 1))), since_s=2000)


class TestReadLog:
    def test_a_torn_last_line_is_dropped(self, tmp_path: Path) -> None:
        assert len(read_log(log(tmp_path, request(1000, 1), "1000.5\t12.")).requests) == 1

    def test_no_file(self, tmp_path: Path) -> None:
        with pytest.raises(UsageError, match="cannot read"):
            read_log(tmp_path / "none")

    @pytest.mark.parametrize("header", ["", "start,ms\n"])
    def test_another_file(self, tmp_path: Path, header: str) -> None:
        with pytest.raises(UsageError, match="no request log"):
            read_log(log(tmp_path, header=header))


def test_requests_enter_the_timeline_second_by_second_in_order(tmp_path: Path) -> None:
    lines = (request(1001.25, 3), request(1000.75, 2, status=500), request(1000.5, 1))
    first, second = request_events(read_log(log(tmp_path, *lines)), subject="load/x")
    assert first.data["offset_ms"] == [500, 750]
    assert first.data["failure"] == ["", "status 500"]
    assert (first.mono, second.mono) == (50, 51)
    assert second.data["latency_ms"] == [3]


class TestProgress:
    def test_follows_the_log_as_it_grows_even_by_half_lines(self, tmp_path: Path) -> None:
        path = log(tmp_path)
        tail = LogTail(path)
        assert tail.read() == 0
        text = (
            "#users\t1000.0\t5\n"
            + request(1001, 10)
            + request(1005.5, 30, status=500)
            + "#users\t1006.0\t9\n"
        )
        for half in (text[:25], text[25:]):
            with path.open("a") as file:
                file.write(half)
            tail.read()
            seen = tail.progress(every_s=5)
        assert tail.requests == 2
        assert seen is not None
        assert (seen.users, seen.failures, seen.p95_ms) == (9, 1, 30)
        assert seen.rps == pytest.approx(2 / 6)
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


class TestShapes:
    def test_the_harness_knows_those_that_there_are(self) -> None:
        assert tuple(sorted(SHAPES)) == KNOWN_SHAPES

    @pytest.mark.parametrize("name", sorted(SHAPES))
    def test_never_too_many_never_none_before_the_end(self, name: str) -> None:
        users = [SHAPES[name](second, users=50, total_s=100) for second in range(101)]
        assert users[-1] is None
        assert all(1 <= (number or 0) <= 50 for number in users[:-1])
        assert max(number or 0 for number in users) >= 49

    def test_a_ramp_rises_evenly_and_steps_are_equal(self) -> None:
        assert [SHAPES["ramp"](s, users=100, total_s=10) for s in (1, 5, 9)] == [10, 50, 90]
        assert [SHAPES["step"](s, users=100, total_s=10) for s in range(0, 10, 2)] == [20, 40, 60, 80, 100]

    def test_a_spike_is_in_the_middle(self) -> None:
        assert [SHAPES["spike"](s, users=100, total_s=10) for s in (3.9, 4, 5.9, 6)] == [10, 100, 100, 10]

    def test_a_soak_has_a_long_plateau(self) -> None:
        assert [SHAPES["soak"](s, users=100, total_s=100) for s in (5, 10, 90, 95)] == [50, 100, 100, 50]
