"""What a run's figures were obtained on, in the words of Allure."""

from __future__ import annotations

from pathlib import Path

from aftershock.report.environment import as_properties, seeds_of, write_environment
from aftershock.report.record import read_run
from tests.unit.report.told import write_run


def test_seeds_come_from_the_plans_of_the_faults(tmp_path: Path) -> None:
    run = write_run(tmp_path / "r1")
    assert seeds_of(run) == "4711"
    assert seeds_of(tmp_path / "none") == ""


def test_properties_are_one_line_each(tmp_path: Path) -> None:
    known = {"node sizes": "2 CPU,\n4 GiB", "none": "", "odd": "password: hunter22"}
    run = read_run(write_run(tmp_path / "r1", environment=known)).run
    assert as_properties(run).splitlines() == [
        "run=r1",
        "cluster=kind",
        "profile=ci",
        "node.sizes=2 CPU, 4 GiB",
        "odd=password: <redacted>",
    ]


def test_they_are_written_among_the_results(tmp_path: Path) -> None:
    run = write_run(tmp_path / "r1", gameday="Friday")
    write_environment(tmp_path, run)
    assert "gameday=Friday\n" in (tmp_path / "environment.properties").read_text(encoding="utf-8")
