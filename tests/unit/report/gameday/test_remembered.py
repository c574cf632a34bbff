"""What the history says of a run: as it was then, of the same scenario, profile and cluster."""

from __future__ import annotations

import math
from pathlib import Path

import msgspec
import pytest

from aftershock.errors import HistoryError
from aftershock.report.gameday.remembered import Remembered
from aftershock.report.record import RunRecord, ScenarioRecord, read_run
from aftershock.report.remembering import import_runs
from aftershock.verdict import violated
from tests.unit.report.recorded import folder, recovers

RUNS = 20


@pytest.fixture
def history(tmp_path: Path) -> Path:
    """Twenty nights; in the last five recovery takes three times as long."""
    runs = [
        folder(tmp_path / f"r{night:02}", recovers(5.0 + night / 100 + 10 * (night >= 15)), night=night)
        for night in range(RUNS)
    ]
    import_runs(runs, tmp_path / "history.db", keep=100)
    return tmp_path / "history.db"


def of(history: Path, name: str, **changes: str) -> tuple[Remembered, ScenarioRecord, RunRecord]:
    recorded = read_run(history.parent / name)
    _, scenario = next(recorded.scenarios())
    run = msgspec.structs.replace(recorded.run, **changes)
    return Remembered(history, run), scenario, run


def test_a_regression_is_called_one_by_the_test(history: Path) -> None:
    remembered, scenario, run = of(history, "r19")
    (recovery,) = [one for one in remembered.compared(scenario) if one.figure.startswith("recovery of")]
    assert recovery.now == pytest.approx(15.19)
    assert [one.run for one in recovery.before] == [f"r{night:02}" for night in range(19)]
    assert recovery.worse
    assert recovery.said.startswith("regression: larger than chance")
    assert run.id == "r19"


def test_a_run_is_told_as_it_stood_then(history: Path) -> None:
    remembered, scenario, _ = of(history, "r14")
    (recovery,) = [one for one in remembered.compared(scenario) if one.figure.startswith("recovery of")]
    assert len(recovery.before) == 14
    assert not recovery.worse


def test_the_first_run_has_nothing_before_it(history: Path) -> None:
    remembered, scenario, _ = of(history, "r00")
    assert not remembered.compared(scenario)


@pytest.mark.parametrize("changes", [{"profile": "nightly"}, {"cluster": "staging"}])
def test_another_profile_or_cluster_is_another_matter(history: Path, changes: dict[str, str]) -> None:
    remembered, scenario, _ = of(history, "r19", **changes)
    assert not remembered.compared(scenario)


def test_another_scenario_is_too(history: Path) -> None:
    remembered, scenario, _ = of(history, "r19")
    assert not remembered.compared(msgspec.structs.replace(scenario, template="Another"))
    assert not remembered.compared(msgspec.structs.replace(scenario, example=(("n", "3"),)))


def test_what_never_came_is_told_as_that(tmp_path: Path) -> None:
    question = recovers().question
    never = violated("web recovers", expected="Ready", observed="not recovered", question=question)
    runs = [folder(tmp_path / "a", recovers(), night=0), folder(tmp_path / "b", never, night=1)]
    import_runs(runs, tmp_path / "history.db", keep=9)
    remembered, scenario, _ = of(tmp_path / "history.db", "b")
    recovery = next(one for one in remembered.compared(scenario) if one.figure.startswith("recovery of"))
    assert recovery.now == math.inf


def test_without_a_history_none_is_made(tmp_path: Path) -> None:
    run = read_run(folder(tmp_path / "a", recovers())).run
    Remembered(tmp_path / "history.db", run)
    assert not (tmp_path / "history.db").exists()


def test_a_history_that_is_none(tmp_path: Path) -> None:
    run = read_run(folder(tmp_path / "a", recovers())).run
    (tmp_path / "history.db").write_text("no database, however long it is looked at", encoding="utf-8")
    with pytest.raises(HistoryError):
        Remembered(tmp_path / "history.db", run)
