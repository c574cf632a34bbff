"""The reports of a recorded run, made again: by the command line too, from an id or a folder."""

from __future__ import annotations

from pathlib import Path

import pytest
from click.testing import CliRunner

from aftershock import cli
from aftershock.errors import EnvironmentUnusableError, UsageError
from aftershock.report.rebuild import rebuild
from aftershock.testing import FakeClock
from tests.unit.report.told import write_run


@pytest.fixture(autouse=True)
def nothing_around(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "/nonexistent")
    monkeypatch.delenv("GITHUB_STEP_SUMMARY", raising=False)


def test_a_run_without_allure_results(tmp_path: Path) -> None:
    run, said = write_run(tmp_path / "r1"), []
    rebuild(run, root=tmp_path, history=tmp_path / "none.db", say=said.append, clock=FakeClock())
    assert said == [f"{run / 'gameday.html'}\n{run / 'gameday.md'}\n  3 scenarios, in 0 s"]
    assert (run / "gameday.html").is_file()


def test_without_allure_the_game_day_is_written_before_it_is_missed(tmp_path: Path) -> None:
    run, said = write_run(tmp_path / "r1"), []
    (run / "allure-results").mkdir()
    with pytest.raises(EnvironmentUnusableError, match="Allure is not installed"):
        rebuild(run, root=tmp_path, history=tmp_path / "none.db", say=said.append, clock=FakeClock())
    assert (run / "gameday.md").is_file()


def test_the_summary_of_a_ci_step(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GITHUB_STEP_SUMMARY", str(tmp_path / "summary.md"))
    run = write_run(tmp_path / "r1")
    rebuild(run, root=tmp_path, history=tmp_path / "none.db", say=lambda _: None, clock=FakeClock())
    assert not (tmp_path / "none.db").exists()
    assert (tmp_path / "summary.md").read_text(encoding="utf-8").startswith("# Game day")


def test_a_folder_without_a_run(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="no recorded run"):
        rebuild(tmp_path, root=tmp_path, history=tmp_path / "none.db", say=lambda _: None)


@pytest.mark.parametrize("given", ["r1", "folder"])
def test_the_command_takes_an_id_or_a_folder(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, given: str
) -> None:
    monkeypatch.setattr(cli, "project_root", lambda: tmp_path)
    run = write_run(tmp_path / "reports" / "r1")
    done = CliRunner().invoke(cli.main, ["report", given if given == "r1" else str(run)])
    assert done.exit_code == 0, done.output
    assert "3 scenarios, in" in done.output


def test_the_command_names_the_runs_that_there_are(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(cli, "project_root", lambda: tmp_path)
    write_run(tmp_path / "reports" / "r1")
    done = CliRunner().invoke(cli.main, ["report", "r2"])
    assert done.exit_code == 4
    assert "there is no recorded run 'r2'" in done.output
    assert "expected: r1" in done.output
