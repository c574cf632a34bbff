from __future__ import annotations

from pathlib import Path

from aftershock.forecast.beat import Bounds
from aftershock.judge.alert_table import AlertRow
from aftershock.report.alert_table import KEPT, as_table, write_alerts, write_run_alerts
from tests.conformance.generator import Story
from tests.unit.judge.test_alert_table import FIRES
from tests.unit.judge.test_notifications import story, told

KNOWN = AlertRow(
    alert="NodeDown",
    expected=True,
    fired_s=22.64,
    forecast=Bounds(earliest_s=12.5, latest_s=None, point_s=None),
    told={"warning": 3.0, "critical": 1.02},
    ended_s=100.0,
    firings=1,
)
UNKNOWN = AlertRow(
    alert="HighTraffic", expected=False, fired_s=None, forecast=None, told={}, ended_s=None, firings=12
)


def test_columns_stand_below_each_other_and_what_is_not_known_is_said() -> None:
    head, *rows = as_table([KNOWN, UNKNOWN])
    columns = [head.index(word) for word in ("alert", "fired", "forecast", "told", "over", "firings")]
    cells = [[row[start:].split("  ")[0] for start in columns] for row in rows]
    assert cells == [
        ["NodeDown", "22.6 s", "12.5 s or later", "critical 1 s, warning 3 s", "100 s", "1"],
        ["HighTraffic", "before all", "none", "nobody", "still firing", "12"],
    ]
    assert ["not expected" in row for row in rows] == [False, True]


def test_a_scenario_in_which_something_fired_has_a_file(tmp_path: Path) -> None:
    write_alerts(tmp_path / KEPT, told(story(), 8.5).timeline, [FIRES])
    assert "expected  7 s" in (tmp_path / KEPT).read_text()


def test_one_in_which_nothing_fired_has_none(tmp_path: Path) -> None:
    write_alerts(tmp_path / KEPT, Story().injected(0.0).alerts(-10, 100).timeline, [FIRES])
    assert not (tmp_path / KEPT).exists()


def test_a_run_has_the_tables_of_its_scenarios(tmp_path: Path) -> None:
    for name in ("b", "a"):
        (tmp_path / name).mkdir()
        write_alerts(tmp_path / name / KEPT, story().timeline, [FIRES])
    assert write_run_alerts(tmp_path) == (tmp_path / KEPT).read_text()
    assert [line for line in (tmp_path / KEPT).read_text().splitlines() if len(line) == 1] == ["a", "b"]


def test_a_run_in_which_nothing_fired_has_none(tmp_path: Path) -> None:
    assert write_run_alerts(tmp_path) == ""
    assert list(tmp_path.iterdir()) == []
