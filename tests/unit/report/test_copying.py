"""The end of a run: its folder is kept with every report in it, and a failure of that is never green."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from aftershock.report import copying
from aftershock.report.copying import Copying
from tests.unit.test_pytest_plugin import InProcess, project

__all__ = ["project"]

PASSES = "Feature: One\n  Scenario: It passes\n    Given all is well\n"
FAILS = "Feature: One\n  Scenario: It fails\n    Given all is lost\n"
STEPS = """
from pytest_bdd import given

@given("all is well")
def _(): ...

@given("all is lost")
def _(): raise AssertionError("it is")
"""


@pytest.fixture
def house(project: InProcess) -> InProcess:
    (project.root / "conftest.py").write_text(STEPS)
    project.feature(PASSES)
    (project.root / "kept").mkdir()
    return project


def run(house: InProcess, *options: str) -> tuple[int, str]:
    done = house.run("-p", "no:aftershock_preflight", *options)
    return int(done.ret), done.stdout.str()


def files(folder: Path) -> set[str]:
    return {path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file()}


def test_the_run_is_kept_with_all_its_reports(house: InProcess) -> None:
    code, said = run(house, "--keep-to", "kept")
    assert code == 0
    assert f"kept: {house.root / 'kept' / 'r1'} (" in said
    assert files(house.root / "kept" / "r1") == files(house.folder) | {"kept.json"}
    assert any(name.startswith("allure-results/") for name in files(house.folder))


def test_a_setting_says_so_as_well(house: InProcess) -> None:
    with (house.root / "pyproject.toml").open("a") as file:
        file.write('[tool.aftershock]\nkeep_to = "kept"\n')
    assert run(house)[0] == 0
    assert (house.root / "kept" / "r1" / "kept.json").exists()


def test_without_it_nothing_is_copied(house: InProcess) -> None:
    code, said = run(house)
    assert code == 0
    assert "kept:" not in said


def test_what_failed_is_kept_too(house: InProcess) -> None:
    house.feature(FAILS)
    assert run(house, "--keep-to", "kept")[0] == 1
    assert (house.root / "kept" / "r1" / "kept.json").exists()


@pytest.mark.parametrize(("feature", "code"), [(PASSES, 12), (FAILS, 1)])
def test_a_run_that_could_not_be_kept_is_not_green(house: InProcess, feature: str, code: int) -> None:
    house.feature(feature)
    (house.root / "kept").rmdir()
    ended, said = run(house, "--keep-to", "kept")
    assert ended == code
    assert "is no directory" in said
    assert "`aftershock keep r1` goes on from here" in said
    assert (house.folder / "allure-results").is_dir()  # here is everything, as ever


@pytest.mark.parametrize("place", ["gs://runs", "s3://AKIA:hunter2secret@runs"])
def test_a_place_that_is_none_stops_the_run_before_it_begins(house: InProcess, place: str) -> None:
    code, said = run(house, "--keep-to", place)
    assert code == 4
    assert "keep_to" in said
    assert "hunter2" not in said
    assert not house.folder.exists()


def test_a_dry_run_keeps_nothing(house: InProcess) -> None:
    assert run(house, "--dry-run", "--keep-to", "kept")[0] == 0
    assert not list((house.root / "kept").iterdir())


def test_who_cannot_wait_is_told_how_it_goes_on(house: InProcess, monkeypatch: pytest.MonkeyPatch) -> None:
    def interrupted(*_: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(copying, "keep", interrupted)
    code, said = run(house, "--keep-to", "kept")
    assert code == pytest.ExitCode.INTERRUPTED
    assert "not kept yet: `aftershock keep r1` goes on from here" in said


@pytest.mark.parametrize(("lane", "there"), [(0, True), (2, False)])
def test_one_of_several_processes_leaves_it_to_the_run(tmp_path: Path, lane: int, there: bool) -> None:
    (tmp_path / "kept").mkdir()
    (tmp_path / "r1").mkdir()
    (tmp_path / "r1" / "run.json").write_text("{}")
    plugins = SimpleNamespace(get_plugin=lambda name: None)
    features: Any = SimpleNamespace(
        config=SimpleNamespace(getoption=lambda name: lane, rootpath=tmp_path, pluginmanager=plugins),
        settings=SimpleNamespace(keep_to="kept"), run=SimpleNamespace(folder=tmp_path / "r1"),
        problems=[], stopped=None,
    )  # fmt: skip
    session: Any = SimpleNamespace(exitstatus=0)
    ending = Copying(features).pytest_sessionfinish(session)
    next(ending)
    with pytest.raises(StopIteration):
        ending.send(None)
    assert (tmp_path / "kept" / "r1").exists() is there
