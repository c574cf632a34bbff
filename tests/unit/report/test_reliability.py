from __future__ import annotations

import json
from pathlib import Path

import pytest

from aftershock.errors import HistoryError, UsageError
from aftershock.report.reliability import KEPT, figure_lines, remember, write_figures
from tests.unit.report.recorded import folder, recovers


def test_a_run_and_the_history_with_it(tmp_path: Path) -> None:
    store = tmp_path / "history.db"
    first = write_figures(folder(tmp_path / "run-1", recovers(10.0), failed=1))
    alone = remember(first, store, keep=9)
    assert alone[0] == "1 run in the history"
    assert alone[1].startswith("  1 scenario in ")
    second = write_figures(folder(tmp_path / "run-2", recovers(20.0), failed=3, night=1))
    over_all = remember(second, store, keep=9)
    assert over_all[0] == "all 2 runs in the history"
    assert any("15 s (of 2)" in line for line in over_all if "MTTR" in line)
    assert any("20 % of 20 requests" in line for line in over_all)
    assert any("20 s (of 1)" in line for line in figure_lines("this run", second.figures) if "MTTR" in line)
    assert json.loads((tmp_path / "run-2" / KEPT).read_text())["failed"] == 3


def test_a_scenario_without_verdicts_counts_for_what_was_seen(tmp_path: Path) -> None:
    run = folder(tmp_path / "run-1", recovers())
    (run / "web-0" / "verdicts.json").unlink()
    lines = list(figure_lines("", write_figures(run).figures))
    assert any("MTTR          unknown" in line for line in lines)
    assert any("10 % of 10 requests" in line for line in lines)


def test_a_run_without_scenarios_is_all_unknown(tmp_path: Path) -> None:
    lines = list(figure_lines("", write_figures(folder(tmp_path / "run-1", scenarios=0)).figures))
    assert "  0 scenarios in 0 s, 0 failures" in lines


def test_a_history_that_cannot_be_used_leaves_the_runs_own_figures(tmp_path: Path) -> None:
    (tmp_path / "history.db").write_text("notes\n" * 200, encoding="utf-8")
    facts = write_figures(folder(tmp_path / "run-1", recovers()))
    with pytest.raises(HistoryError, match="not a database"):
        remember(facts, tmp_path / "history.db", keep=9)
    assert (tmp_path / "run-1" / KEPT).is_file()


def test_a_record_that_is_none_of_ours_is_said(tmp_path: Path) -> None:
    run = folder(tmp_path / "run-1", recovers())
    (run / "web-0" / "verdicts.json").write_text("{")
    with pytest.raises(UsageError, match="cannot read"):
        write_figures(run)
