"""Runs of game days as their users meet them: on small projects, by pytest."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
from pathlib import Path

import pytest
from click.testing import CliRunner

from aftershock.cli import main
from aftershock.clock import wait_until
from aftershock.gameday.file import MOST_LANES
from aftershock.report.record import read_run
from aftershock.timeline import read_timeline

STEPS = """
import os
import time

import pytest
from pytest_bdd import given, then
from aftershock.clock import wait_until
from aftershock.collect.types import phrase
from aftershock.verdict import violated

COUNT = {"n": 0}

def pause(seconds, what):
    end = time.monotonic() + seconds
    wait_until(lambda: time.monotonic() >= end, within_s=60, every_s=0.05, what=what)

@pytest.fixture
def undo(timeline):
    yield
    timeline.record("harness", "undoing", "pod/a")
    if os.environ.get("SLOW_UNDO"):
        pause(1.5, "the target to be whole")
    timeline.record("harness", "undone", "pod/a")

@then("it lasts")
def _():
    pause(30, "what never comes")

@then("Prometheus is lost")
def _(pytestconfig):
    gameday = pytestconfig.pluginmanager.get_plugin("aftershock_gameday")
    gameday._stop(pytestconfig, "prometheus_lost: for 30 s")
    pause(30, "what never comes")

@given("a fault")
def _(undo):
    pass

@then("it holds")
def _():
    pass

@then("it does not hold")
def _(verdicts):
    verdicts.enforce(violated("recovery", expected="30 s", observed=41.5, unit="s", resolution_s=0.1))

@then("it holds every other time")
def _(verdicts):
    COUNT["n"] += 1
    if COUNT["n"] % 2 == 0:
        verdicts.enforce(violated("recovery", expected="30 s", observed=41.5, unit="s", resolution_s=0.1))
"""

FEATURE = """\
Feature: Pods
  Scenario: One
    Given a fault
    Then it holds
  Scenario: Two
    Given a fault
    Then it holds every other time
  Scenario Outline: Three of <kind>
    Then it holds
    Examples:
      | kind |
      | a    |
      | b    |
"""

DAY = """\
name: small day
owners: [sre, web]
profile: nightly
scenarios:
  - {feature: features/a.feature, scenario: Two, hypothesis: it comes back, repetitions: 5}
  - {feature: features/a.feature, scenario: Three of <kind>, hypothesis: kinds are alike}
"""


class Project:
    def __init__(self, pytester: pytest.Pytester) -> None:
        self.pytester = pytester
        self.root = pytester.path
        self.write(
            "pyproject.toml",
            '[tool.pytest.ini_options]\naddopts = ["--strict-markers", "-p", "no:locust", "-p", '
            '"no:aftershock_preflight"]\naftershock_steps = []\n',
        )
        self.write("conftest.py", STEPS)
        self.write("features/a.feature", FEATURE)
        self.write("day.yaml", DAY)

    def write(self, name: str, text: str) -> None:
        path = self.root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")

    @property
    def folder(self) -> Path:
        return self.root / "reports" / "r1"

    def run(self, *options: str) -> pytest.RunResult:
        return self.pytester.runpytest_inprocess(
            "--gameday", "day.yaml", "--run-id", "r1", *options, no_reraise_ctrlc=True
        )


LASTING = """\
name: long day
owners: [sre]
scenarios:
  - {feature: features/long.feature, hypothesis: it is over some day}
"""


@pytest.fixture
def project(pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch) -> Project:
    monkeypatch.setenv("PATH", "/nonexistent")  # no allure
    for name in ("CLUSTER", "PROFILE", "ALLOWED_CONTEXTS"):
        monkeypatch.delenv(f"AFTERSHOCK_{name}", raising=False)
    return Project(pytester)


def test_the_file_says_what_is_run_how_often_and_in_which_order(project: Project) -> None:
    result = project.run("--junitxml", "junit.xml")

    assert result.ret == 1
    recorded = read_run(project.folder)
    assert (recorded.run.gameday, recorded.run.profile, recorded.run.state) == (
        "small day",
        "nightly",
        "finished",
    )
    assert recorded.run.environment == {"gameday": "small day", "owners": "sre, web"}
    assert recorded.run.planned == (
        *(f"two-{n}of5" for n in range(1, 6)),
        "three-of-a",
        "three-of-b",
    )
    kept = [record for _, record in recorded.scenarios()]
    assert [(r.name, r.repetition, r.repetitions, r.outcome) for r in kept[:3]] == [
        ("Two", 1, 5, "passed"),
        ("Two", 2, 5, "violated"),
        ("Two", 3, 5, "passed"),
    ]
    assert [(r.repetitions, r.hypothesis) for r in kept[5:]] == [(1, "kinds are alike")] * 2
    assert (project.folder / "gameday.yaml").read_text() == DAY
    # Nothing was run again to make it pass.
    result.stdout.fnmatch_lines(
        ["game day: small day (day.yaml)", "Two: passed 3 of 5 (95 % confidence: 14 % to 95 %); 2 violated"]
    )
    assert "5 passed, 1 deselected, 2 violated" in result.outlines[-1]
    assert (project.root / "junit.xml").read_text().count("<testcase") == 7


def test_a_drawn_order_can_be_drawn_again(project: Project) -> None:
    project.write("day.yaml", DAY + "order: random\nseed: 5\n")
    project.run()
    first = read_run(project.folder).run
    assert first.environment["order seed"] == "5"
    assert first.planned != tuple(sorted(first.planned, reverse=True))
    result = project.run("--run-id", "r2")
    assert read_run(project.root / "reports" / "r2").run.planned == first.planned
    result.stdout.fnmatch_lines(["game day: small day (day.yaml), order drawn with seed 5"])


def test_only_some_of_it(project: Project) -> None:
    project.run("--gameday-only", "three of b")
    assert read_run(project.folder).run.planned == ("three-of-b",)


def test_only_what_is_not_there(project: Project) -> None:
    result = project.run("--gameday-only", "four")
    assert result.ret == 4
    result.stderr.fnmatch_lines(["*nothing of day.yaml is called*it has: Two; Three of <kind>"])
    assert not project.folder.exists()


@pytest.mark.parametrize("number", [0, MOST_LANES + 1])
def test_a_number_of_lanes_that_is_none(project: Project, number: int) -> None:
    result = project.run("--side-by-side", str(number))
    assert result.ret == pytest.ExitCode.USAGE_ERROR
    result.stderr.fnmatch_lines([f"*--side-by-side {number}: expected a number from 1 to {MOST_LANES}*"])
    typed = CliRunner().invoke(main, ["gameday", "day.yaml", "--side-by-side", str(number)])
    assert typed.exit_code == 2
    assert f"1<=x<={MOST_LANES}" in typed.output
    project.write("day.yaml", DAY + f"side_by_side: {number}\n")
    result = project.run()
    assert result.ret == pytest.ExitCode.USAGE_ERROR
    result.stderr.fnmatch_lines([f"*Expected `int` {'>= 1' if number < 1 else f'<= {MOST_LANES}'}*"])


@pytest.mark.parametrize("options", [("--side-by-side", "2"), ("--gameday-only", "two")])
def test_what_is_for_a_game_day_is_not_left_unheeded(project: Project, options: tuple[str, ...]) -> None:
    result = project.pytester.runpytest_inprocess("features", *options)
    assert result.ret == pytest.ExitCode.USAGE_ERROR
    result.stderr.fnmatch_lines([f"*{options[0]} is for a game day: name its file with --gameday FILE*"])


def test_other_tests_in_place_of_the_features(project: Project) -> None:
    project.write("test_other.py", "def test_a(): pass\n")
    assert project.run("--side-by-side", "2", "test_other.py").ret == pytest.ExitCode.NO_TESTS_COLLECTED


def test_a_wrong_file_is_told_before_anything(project: Project) -> None:
    project.write("day.yaml", DAY + "  - {feature: features/b.feature, hypothesis: x}\n")
    result = project.run()
    assert result.ret == 4
    result.stderr.fnmatch_lines(["*day.yaml:7: there is no feature 'features/b.feature'"])


def test_a_dry_run_shows_hypotheses_and_touches_nothing(project: Project) -> None:
    result = project.run("--dry-run")
    result.stdout.fnmatch_lines(
        ["Two  (features/a.feature:5)", "    hypothesis: it comes back", "    5 times", "    Given a fault"]
    )
    assert result.stdout.str().count("hypothesis: it comes back") == 1
    assert not project.folder.exists()


def test_the_first_violated_ends_it_where_that_is_wanted(project: Project) -> None:
    project.write("day.yaml", DAY + "stop: {first_violated: true}\n")
    result = project.run()
    assert result.ret == pytest.ExitCode.INTERRUPTED
    run = read_run(project.folder).run
    assert (run.state, run.why) == ("stopped", "first_violated: Two")
    result.stdout.fnmatch_lines(["Two: passed 1 of 2 (95 % confidence: *); 1 violated; 3 of 5 were not run"])


def test_a_stop_condition_ends_the_scenario_that_runs_and_its_undo_is_made(project: Project) -> None:
    project.write("day.yaml", LASTING)
    project.write(
        "features/long.feature",
        "Feature: Long\n  Scenario: A\n    Given a fault\n    Then Prometheus is lost\n"
        "  Scenario: B\n    Given a fault\n    Then it holds\n",
    )
    result = project.run()
    assert result.ret == pytest.ExitCode.INTERRUPTED
    recorded = read_run(project.folder)
    assert (recorded.run.state, recorded.run.why) == ("stopped", "prometheus_lost: for 30 s")
    assert [(r.name, r.outcome, r.message) for _, r in recorded.scenarios()] == [
        ("A", "interrupted", "interrupted: prometheus_lost: for 30 s")
    ]
    assert '"kind":"undone"' in (project.folder / "a" / "timeline.jsonl").read_text()
    [allure] = [json.loads(p.read_text()) for p in project.folder.glob("allure-results/*-result.json")]
    assert allure["status"] == "broken"
    assert allure["statusDetails"]["message"] == "interrupted: prometheus_lost: for 30 s"


def test_ctrl_c_twice_does_not_lose_the_undo_and_is_told_what_goes_on(project: Project) -> None:
    project.write("day.yaml", LASTING)
    project.write(
        "features/long.feature", "Feature: Long\n  Scenario: A\n    Given a fault\n    Then it lasts\n"
    )
    timeline = project.folder / "a" / "timeline.jsonl"
    with subprocess.Popen(
        [sys.executable, "-u", "-m", "pytest", "--gameday", "day.yaml", "--run-id", "r1"],
        cwd=project.root,
        env={"PATH": "/nonexistent", "HOME": str(project.root), "SLOW_UNDO": "1"},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    ) as process:
        assert process.stdout is not None
        lines = [next(line for line in process.stdout if "Then it lasts" in line)]
        process.send_signal(signal.SIGINT)
        wait_until(
            lambda: '"kind":"undoing"' in timeline.read_text(), within_s=20, every_s=0.05, what="the undo"
        )
        process.send_signal(signal.SIGINT)
        lines += process.stdout
        assert process.wait(30) == pytest.ExitCode.INTERRUPTED, "".join(lines)
    told = next(line for line in lines if line.startswith("SIGINT heard"))
    assert "the run ends after the undo, which goes on; now: " in told
    assert "waiting for the target to be whole until" in told
    (undone,) = read_timeline(timeline).select(kind="undone")
    run = read_run(project.folder).run
    assert run.state == "interrupted"
    assert run.ended is not None
    assert run.ended > undone.at
