"""The history: one run in one piece, read while it is written, whole after a kill and after a full disk."""

from __future__ import annotations

import math
import signal
import sqlite3
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from dataclasses import replace
from pathlib import Path

import pytest

from aftershock.errors import HistoryError
from aftershock.history.facts import RunFacts
from aftershock.history.store import History
from tests.unit.history.made import RECOVERS, recovery, run, scenario

ROOT = Path(__file__).parents[3]


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "reports" / "history.db"


def ask(path: Path, query: str) -> list[tuple[object, ...]]:
    with closing(sqlite3.connect(path)) as connection:
        return connection.execute(query).fetchall()


def rows(path: Path, table: str) -> object:
    return ask(path, f"SELECT count(*) FROM {table}")[0][0]


def dump(path: Path) -> list[str]:
    with closing(sqlite3.connect(path)) as connection:
        return list(connection.iterdump())


def whole(path: Path) -> bool:
    return ask(path, "PRAGMA integrity_check") == [("ok",)]


def test_what_was_entered_is_read(path: Path) -> None:
    with History(path) as history:
        history.add(run(1, scenario(recovery(5.25), verdicts=[RECOVERS])), keep=9)
    with History(path) as history:
        assert history.runs() == ["run-ci-001"]
        [series] = history.series()
        [kept] = history.scenarios()
        figures, runs = history.figures()
    assert (series.kind, series.subject, series.unit, series.runs) == (
        "recovery",
        "deployment/demo/web",
        "s",
        1,
    )
    assert [(point.run, point.value, point.resolution) for point in series.points] == [
        ("run-ci-001", 5.25, 0.2)
    ]
    assert (kept.name, kept.example, kept.feature) == ("Web recovers", {"service": "web"}, "Recovery")
    assert [(t.outcome, t.alarms, t.false_alarms) for t in kept.turns] == [("passed", 2, 1)]
    assert (figures.requests, figures.failed, runs) == (10, 1, 1)
    assert ask(
        path, "SELECT name, judge, status, figure, said, unit, resolution_s, profile FROM verdicts"
    ) == [(RECOVERS.name, "recovered_within", "met", 5.25, None, "s", 0.2, "ci")]


def test_a_run_that_is_entered_twice_is_there_once_as_it_is_now(path: Path) -> None:
    with History(path) as history:
        history.add(run(1, scenario(recovery(5.0), verdicts=[RECOVERS])), keep=9)
        before = dump(path)
        history.add(run(1, scenario(recovery(5.0), verdicts=[RECOVERS])), keep=9)
        assert dump(path) == before
        history.add(run(1, scenario(recovery(5.0)), scenario(recovery(7.0), name="Other")), keep=9)
        assert {point.value for one in history.series() for point in one.points} == {5.0, 7.0}
    assert (rows(path, "runs"), rows(path, "turns"), rows(path, "verdicts")) == (1, 2, 0)


def test_the_same_scenario_is_the_same_in_every_run_and_an_example_is_another(path: Path) -> None:
    other = replace(scenario(recovery(9.0)), example={"service": "api"}, folder="api")
    with History(path) as history:
        for night in (3, 1, 2):
            history.add(run(night, scenario(recovery(night)), other), keep=9)
        api, web = history.series()
    assert [point.value for point in web.points] == [1.0, 2.0, 3.0]
    assert [point.value for point in api.points] == [9.0] * 3


def test_a_runs_repetitions_count_once_by_their_median_and_what_never_came_is_above_all(path: Path) -> None:
    times = [scenario(recovery(value), folder=f"web-{n}") for n, value in enumerate((4.0, None, 6.0))]
    with History(path) as history:
        history.add(run(1, *times), keep=9)
        history.add(run(2, scenario(recovery(None))), keep=9)
        [series] = history.series()
    assert [point.value for point in series.points] == [6.0, math.inf]
    assert series.runs == 2


def test_a_run_without_the_figure_is_counted(path: Path) -> None:
    with History(path) as history:
        history.add(run(1, scenario(recovery(4.0))), keep=9)
        history.add(run(2, scenario()), keep=9)
        [series] = history.series()
    assert (series.runs, len(series.points)) == (2, 1)


def test_all_but_the_latest_runs_are_removed_of_each_profile_and_game_day(path: Path) -> None:
    with History(path) as history:
        history.add(run(0, scenario(recovery(1.0)), profile="nightly"), keep=3)
        history.add(run(0, scenario(recovery(1.0)), gameday="weekly"), keep=3)
        for night in range(1, 7):
            name = "Old" if night == 1 else "Web recovers"
            history.add(run(night, scenario(recovery(night), name=name)), keep=3)
        history.add(run(2, scenario(recovery(2.0))), keep=3)  # older than all that is kept
        assert history.runs() == [
            "run-nightly-000", "weekly-ci-000", "run-ci-004", "run-ci-005", "run-ci-006",
        ]  # fmt: skip
        assert {one.name for one in history.scenarios()} == {"Web recovers"}
    assert (rows(path, "measures"), rows(path, "scenarios")) == (5, 1)


def test_it_is_read_while_it_is_written(path: Path) -> None:
    with History(path) as history:
        history.add(run(1, scenario(recovery(4.0))), keep=9)
        writer = sqlite3.connect(path, isolation_level=None)
        writer.execute("BEGIN IMMEDIATE")
        writer.execute("DELETE FROM runs")
        assert history.runs() == ["run-ci-001"]
        assert len(history.series()) == 1
        writer.execute("COMMIT")
        assert history.runs() == []
        writer.close()


CHILD = """
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from aftershock.history.facts import RunFacts
from aftershock.history.store import History
from tests.unit.history.made import RECOVERS, recovery, run, scenario

with History(Path(sys.argv[1])) as history:
    def waits(statement):
        if statement.startswith("INSERT INTO measures") and "7.75" in statement:
            print("half", flush=True)
            sys.stdin.read()
    history._connection.set_trace_callback(waits)
    runs = [scenario(recovery(n), name=f"S{n}", verdicts=[RECOVERS] * 200) for n in (1.5, 7.75, 9.5)]
    history.add(run(2, *runs), keep=9)
"""


def test_a_kill_in_the_middle_of_an_import_leaves_what_was_there(path: Path) -> None:
    with History(path) as history:
        history.add(run(1, scenario(recovery(4.0))), keep=9)
    child = subprocess.Popen(
        [sys.executable, "-c", CHILD, str(path)], cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE
    )
    assert child.stdout is not None
    assert child.stdout.readline() == b"half\n"
    child.send_signal(signal.SIGKILL)
    child.communicate()
    assert child.returncode == -signal.SIGKILL
    assert whole(path)
    with History(path) as history:
        assert history.runs() == ["run-ci-001"]
        assert [point.value for one in history.series() for point in one.points] == [4.0]
        history.add(run(2, scenario(recovery(7.75))), keep=9)
        assert history.runs() == ["run-ci-001", "run-ci-002"]


def large(night: int) -> RunFacts:
    verdicts = [replace(RECOVERS, reason="x" * 2000)] * 200
    return run(night, scenario(recovery(4.0), verdicts=verdicts))


def test_a_full_disk_is_told_and_leaves_what_was_there(path: Path) -> None:
    with History(path) as history:
        history.add(run(1, scenario(recovery(4.0))), keep=9)
        history._connection.execute("PRAGMA max_page_count = 40")  # SQLite's own "database or disk is full"
        with pytest.raises(HistoryError, match="full") as refused:
            history.add(large(2), keep=9)
        assert "make room on the disk" in str(refused.value)
        assert history.runs() == ["run-ci-001"]
        history._connection.execute("PRAGMA max_page_count = 4000")
        history.add(large(2), keep=9)
        assert history.runs() == ["run-ci-001", "run-ci-002"]
    assert whole(path)


def test_a_write_that_the_system_refuses_is_told_and_leaves_what_was_there(path: Path) -> None:
    with History(path) as history:
        history.add(run(1, scenario(recovery(4.0))), keep=9)
    script = f"""
import resource, signal
from tests.unit.history.test_store import *
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
resource.setrlimit(resource.RLIMIT_FSIZE, (150_000, resource.getrlimit(resource.RLIMIT_FSIZE)[1]))
with History(Path({str(path)!r})) as history:
    try:
        history.add(large(2), keep=9)
    except HistoryError as error:
        print(error)
    print(history.runs())
"""
    told = subprocess.run(
        [sys.executable, "-c", script], cwd=ROOT, capture_output=True, text=True, check=True
    )
    assert "what it held before is as it was" in told.stdout
    assert told.stdout.endswith("['run-ci-001']\n")
    assert whole(path)
    with History(path) as history:
        history.add(large(2), keep=9)
        assert history.runs() == ["run-ci-001", "run-ci-002"]


def test_runs_that_end_at_the_same_time_are_all_entered(path: Path) -> None:
    def enter(first: int) -> None:
        with History(path) as history:
            for night in range(first, first + 10):
                history.add(run(night, scenario(recovery(night), verdicts=[RECOVERS])), keep=99)

    with ThreadPoolExecutor(4) as pool:
        list(pool.map(enter, (0, 10, 20, 30)))  # the first of them makes the file
    with History(path) as history:
        assert len(history.runs()) == 40
        assert [point.value for one in history.series() for point in one.points] == list(range(40))


@pytest.mark.parametrize("sums", ["{", '{"latencies": {"x": 1}}', '{"latencies": {}, "unheard_of": 1}', "[]"])
def test_sums_that_are_none_of_ours_are_said(path: Path, sums: str) -> None:
    with History(path) as history:
        history.add(run(1, scenario()), keep=9)
        history._connection.execute("UPDATE runs SET figures = ?", (sums,))
        with pytest.raises(HistoryError, match="sums of a run that are none of ours"):
            history.figures()
