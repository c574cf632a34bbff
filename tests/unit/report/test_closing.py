"""What is made when a run has ended: all of it, and where a part fails, the others."""

from __future__ import annotations

from pathlib import Path

import pytest

from aftershock.config import Settings
from aftershock.report import closing, record
from aftershock.report.closing import close_run
from aftershock.report.gameday.build import build_day
from aftershock.report.gameday.render import as_html
from aftershock.timeline import Timeline, read_timeline
from tests.conformance.generator import at
from tests.unit.report.told import write_run


@pytest.fixture
def run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("PATH", "/nonexistent")  # no Allure
    monkeypatch.delenv("GITHUB_STEP_SUMMARY", raising=False)
    (tmp_path / "results").mkdir()
    return write_run(tmp_path / "reports" / "r1")


def close(run: Path) -> list[str]:
    said: list[str] = []
    results = run.parent.parent / "results"
    close_run(run, results=results, root=run.parent.parent, settings=Settings(), say=said.append)
    return said


def test_each_part_is_told_by_its_path(run: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GITHUB_STEP_SUMMARY", str(tmp_path / "summary.md"))
    said = close(run)
    assert f"game day: {run / 'gameday.html'}" in said
    assert f"summary:  {tmp_path / 'summary.md'}" in said
    assert (tmp_path / "summary.md").read_text() == (run / "gameday.md").read_text()
    assert (run / "reliability.json").is_file()
    assert "nodes=3" in (tmp_path / "results" / "environment.properties").read_text()
    assert said[-1].startswith("no HTML report: Allure is not installed")


def test_a_file_that_is_none_of_ours_is_told_and_the_rest_is_made(run: Path) -> None:
    (run / "findings.yaml").write_text("- [", encoding="utf-8")
    said = close(run)
    assert any("findings.yaml" in line for line in said)
    assert not (run / "gameday.html").exists()
    assert (run / "reliability.json").is_file()


def test_a_mistake_of_ours_is_told_with_its_place(run: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(*_: object, **__: object) -> None:
        raise ZeroDivisionError("password: hunter22")

    monkeypatch.setattr(closing, "write_gameday", broken)
    said = close(run)
    trouble = next(line for line in said if "ZeroDivisionError" in line)
    assert "Traceback" in trouble
    assert "hunter22" not in trouble
    assert said[-1].startswith("no HTML report")


def test_each_timeline_is_read_once(run: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    read: list[str] = []

    def counting(path: Path) -> Timeline:
        read.append(path.parent.name)
        return read_timeline(path)

    monkeypatch.setattr(record, "read_timeline", counting)
    close(run)
    assert read == ["killed", "quiet"]
    told = (run / "gameday.html").read_text(encoding="utf-8")
    assert told == as_html(build_day(run))
    assert read == ["killed", "quiet"] * 2


def test_what_cannot_be_told_of_a_scenario_costs_no_figures(
    run: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(*_: object) -> None:
        raise KeyError("at")

    monkeypatch.setattr("aftershock.report.gameday.build.surprises_of", broken)
    close(run)
    assert (run / "reliability.json").is_file()
    assert "what was observed cannot be told: KeyError(" in (run / "gameday.md").read_text(encoding="utf-8")


def test_the_next_run_is_compared_with_it(run: Path) -> None:
    close(run)
    later = write_run(run.parent / "r2", began=at(9), ended=at(99))
    close(later)
    text = (later / "gameday.md").read_text(encoding="utf-8")
    assert "recovery of deployment/demo/web: 4.5 s; usually 4.5 s (median of 1); unknown: " in text
    assert "No earlier runs." in (run / "gameday.md").read_text(encoding="utf-8")


def test_a_history_that_cannot_be_read_costs_the_comparison_alone(run: Path) -> None:
    (run.parent / "history.db").write_text("no database, however long it is looked at", encoding="utf-8")
    said = close(run)
    assert any("history.db" in line for line in said)
    assert "No earlier runs." in (run / "gameday.md").read_text(encoding="utf-8")
