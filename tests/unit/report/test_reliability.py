from __future__ import annotations

import json
from pathlib import Path

import pytest

from aftershock.errors import UsageError
from aftershock.report.reliability import KEPT, history, write_figures
from aftershock.timeline import Timeline
from aftershock.verdict import met


def run(folder: Path, *, failed: int, seconds: float) -> Path:
    scenario = folder / "one"
    scenario.mkdir(parents=True)
    timeline = Timeline(scenario / "timeline.jsonl")
    timeline.record("harness", "landed", "pod/demo/web-1", fault_id="f")
    subject = "load/web"
    demand = {"arrivals": 10, "users": 0, "rate_per_user": 1.0, "shape": "constant", "asked": 10}
    timeline.record("load", "load-started", subject, model="open", duration_s=1.0, host="", **demand)
    columns = {name: [5.0] * 10 for name in ("due_ms", "sent_ms", "ms")}
    failures = {"status 503": list(range(failed))}
    timeline.record(
        "load", "requests", subject, **columns, failures=failures, servers={}, dropped_ms=[], unfinished_ms=[]
    )
    timeline.close()
    verdict = met("x", expected="", observed=seconds, unit="s", question={"judge": "recovered_within"})
    (scenario / "verdicts.json").write_text(json.dumps([verdict.to_dict()]))
    return folder


def test_a_run_and_the_history_with_it(tmp_path: Path) -> None:
    write_figures(run(tmp_path / "run-1", failed=1, seconds=10))
    lines = write_figures(run(tmp_path / "run-2", failed=3, seconds=20))
    [this, over_all] = [line for line in lines if "MTTR" in line]
    assert "20 s (of 1)" in this
    assert "15 s (of 2)" in over_all
    assert "all 2 runs kept" in lines
    assert any("20 % of 20 requests" in line for line in lines)
    assert [name for name, _ in history(tmp_path)] == ["run-1", "run-2"]


def test_a_scenario_without_verdicts_counts_for_what_was_seen(tmp_path: Path) -> None:
    folder = run(tmp_path / "run-1", failed=1, seconds=10)
    (folder / "one" / "verdicts.json").unlink()
    assert any("MTTR          unknown" in line for line in write_figures(folder))


def test_a_run_without_scenarios_is_all_unknown(tmp_path: Path) -> None:
    (tmp_path / "run-1").mkdir()
    assert "  0 scenarios in 0 s, 0 failures" in write_figures(tmp_path / "run-1")


@pytest.mark.parametrize("content", ["{", "[]", '{"scenarios": 1}', '{"latencies": {"x": 1}}'])
def test_a_file_that_is_none_of_ours_is_said(tmp_path: Path, content: str) -> None:
    (tmp_path / "run-1").mkdir()
    (tmp_path / "run-1" / KEPT).write_text(content)
    with pytest.raises(UsageError, match="no figures"):
        list(history(tmp_path))
