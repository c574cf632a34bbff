from __future__ import annotations

import json
import math
from pathlib import Path

import pytest

from aftershock.errors import UsageError
from aftershock.history.store import History, Kept
from aftershock.history.trend import Trend, trends_of
from aftershock.history.view import as_json, as_lines, bars, chosen
from tests.unit.history.made import recovery, run, scenario

TIMES = [10.0, 10.4, 9.8, 10.1, 9.9, 10.2, 10.3, 9.7, 10.0, 10.1, 14.0, 14.5, 13.8, 14.2, 15.0]


@pytest.fixture
def told(tmp_path: Path) -> tuple[list[Kept], list[Trend]]:
    with History(tmp_path / "history.db") as history:
        for night, value in enumerate(TIMES):
            history.add(run(night, scenario(recovery(value)), scenario(name="Other")), keep=99)
        history.add(run(1, scenario(recovery(None), name="Slow"), profile="nightly"), keep=99)
        return history.scenarios(), trends_of(history.series())


def test_bars_begin_at_nothing_and_mark_what_never_came() -> None:
    assert bars([0.0, 5.0, 10.0, math.inf]) == "▁▅█×"  # noqa: RUF001 - the mark
    assert bars([math.inf]) == "×"  # noqa: RUF001 - the mark
    assert bars([0.0, 0.0]) == "▁▁"
    assert bars([]) == ""


def test_a_person_sees_outcomes_figures_and_what_is_found(told: tuple[list[Kept], list[Trend]]) -> None:
    kept, trends = told
    lines = list(as_lines(kept, trends, last=5))
    assert lines[0] == "profile ci, cluster kind"
    at = lines.index("Web recovers  (features/recovery/web.feature)")
    assert lines[at + 1] == "  15 runs until run-ci-014: 15 passed; 15 of 30 alarms false"
    figure = lines[at + 2]
    assert "recovery of deployment/demo/web" in figure
    assert "10 s (10.4 s) → 14.2 s (15 s)" in figure
    assert "regression (chance 0.033 %)" in figure
    assert "no regression" not in figure
    at = lines.index("Slow  (features/recovery/web.feature)")
    assert lines[at - 2] == "profile nightly, cluster kind"
    assert "never (never)" in lines[at + 2]
    assert "unknown: 1 of 15 runs" in lines[at + 2]
    assert "at most 1 % of all looks" in lines[-1]


def test_a_program_gets_the_same_and_no_number_that_json_lacks(told: tuple[list[Kept], list[Trend]]) -> None:
    kept, trends = told
    found = json.loads(json.dumps(as_json(kept, trends, last=5), allow_nan=False))
    web = next(one for one in found["scenarios"] if one["name"] == "Web recovers")
    [figure] = web["figures"]
    assert (figure["finding"], figure["before"]["median"], figure["last"]["p95"]) == (
        "regression",
        10.0,
        15.0,
    )
    assert [point["value"] for point in figure["points"]] == TIMES
    assert len(web["turns"]) == 15
    slow = next(one for one in found["scenarios"] if one["name"] == "Slow")
    assert slow["figures"][0]["points"][0]["value"] is None
    assert found["test"] == {"last": 5, "before_at_most": 30, "alpha": 0.01}


def test_scenarios_are_chosen_by_words_of_name_or_file(told: tuple[list[Kept], list[Trend]]) -> None:
    kept, _ = told
    assert {one.name for one in chosen(kept, "web REC")} == {"Web recovers"}
    assert len(chosen(kept, "recovery/web")) == 3
    with pytest.raises(UsageError, match="no scenario with 'nowhere'") as refused:
        chosen(kept, "nowhere")
    assert "Other; Slow; Web recovers" in str(refused.value)
    with pytest.raises(UsageError, match="it has no run"):
        chosen([], "")
