"""Scenarios side by side, in processes of their own, on small projects without a cluster."""

from __future__ import annotations

import json
import os
import signal
import threading
from pathlib import Path
from typing import Any

import pytest

from aftershock.errors import EnvironmentUnusableError
from aftershock.gameday import plugin
from aftershock.gameday.schedule import Footprint
from aftershock.report.record import read_run
from aftershock.timeline import read_timeline

STEPS = """
import os

import pytest
from pytest_bdd import given, then
from aftershock.clock import wait_until
from aftershock.collect.types import phrase
from aftershock.errors import ResidueError
from aftershock.verdict import violated

@pytest.fixture
def undo(timeline, run):
    (run.journal_folder / "journal.jsonl").touch()
    timeline.record("harness", "injected", "pod/a")
    yield
    timeline.record("harness", "undone", "pod/a")

@given("a fault")
def _(undo):
    pass

@then(phrase("it meets {name:w}"))
def _(name, run):
    # Each says that it is there, and waits for the other one: alone neither could.
    (run.folder / ("one.other" if name == "one" else "one.two")).touch()
    other = run.folder / ("one.two" if name == "one" else "one.other")
    wait_until(other.exists, within_s=30, every_s=0.05, what="the other one")

def pytest_addoption(parser):
    parser.addoption("--env", default="production")

@then("it runs where it was told to")
def _(run, pytestconfig):
    assert (run.lane, pytestconfig.option.env) == (1, "staging")

@then("it is alone")
def _(timeline, run):
    assert run.lane == 0
    assert not timeline.select(kind="concurrent")

@then("it is violated")
def _(verdicts):
    verdicts.enforce(violated("recovery", expected="30 s", observed=41.5, unit="s", resolution_s=0.1))

@then("its process is lost")
def _():
    os._exit(3)

@pytest.fixture
def leaking():
    yield
    raise ResidueError("a cordon is left", found="a cordon on worker-1")

@given("a fault that leaks")
def _(leaking):
    pass

@then("its process is lost while it speaks")
def _(request):
    lane = request.config.pluginmanager.get_plugin("aftershock_lane")
    os.write(lane._answers, b'{"report": {"longrepr": "\\xc3')
    os._exit(3)

@then("it lasts")
def _(run):
    (run.folder / "lasting").touch()
    wait_until(lambda: None, within_s=60, every_s=0.05, what="what never comes")
"""
DAY = """\
name: beside
owners: [sre]
side_by_side: 2
scenarios:
  - {feature: features/a.feature, hypothesis: they do not disturb one another}
"""


class Project:
    def __init__(self, pytester: pytest.Pytester) -> None:
        self.pytester = pytester
        self.root = pytester.path
        (self.root / "pyproject.toml").write_text(
            '[tool.pytest.ini_options]\naddopts = ["--strict-markers", "-p", "no:locust", "-p", '
            '"no:aftershock_preflight"]\naftershock_steps = []\n'
        )
        (self.root / "conftest.py").write_text(STEPS)
        (self.root / "day.yaml").write_text(DAY)

    @property
    def folder(self) -> Path:
        return self.root / "reports" / "r1"

    def run(self, *scenarios: str, options: tuple[str, ...] = ()) -> pytest.RunResult:
        """Run scenarios; each is its steps, and called A, B, C..."""
        (self.root / "features").mkdir()
        text = ["Feature: Beside"]
        for name, steps in zip("ABCDEF", scenarios, strict=False):
            text += [f"  Scenario: {name}", *(f"    {step}" for step in steps.split("; "))]
        (self.root / "features" / "a.feature").write_text("\n".join([*text, ""]))
        return self.pytester.runpytest_inprocess(
            "--gameday=day.yaml", "--run-id=r1", "--junitxml=junit.xml", *options, no_reraise_ctrlc=True
        )

    def outcomes(self) -> dict[str, str]:
        return {r.name: r.outcome for _, r in read_run(self.folder).scenarios()}

    def sides(self, folder: str) -> list[Any]:
        found = read_timeline(self.folder / folder / "timeline.jsonl").select(kind="concurrent")
        return [[other["scenario"] for other in event.data["others"]] for event in found]


@pytest.fixture
def project(pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch) -> Project:
    monkeypatch.setenv("PATH", "/nonexistent")  # no allure
    for name in ("CLUSTER", "PROFILE", "ALLOWED_CONTEXTS"):
        monkeypatch.delenv(f"AFTERSHOCK_{name}", raising=False)

    def footprint(scenario: Any, meanings: Any, **_: Any) -> Footprint:
        if any(step.text == "it is alone" for step in scenario.steps):
            return Footprint(alone="it says so")
        return Footprint(workloads=frozenset({f"demo/{scenario.name.lower()}"}))

    monkeypatch.setattr(plugin, "connect", lambda settings: None)
    monkeypatch.setattr(plugin, "footprint_of", footprint)
    return Project(pytester)


def test_two_at_a_time_and_one_alone(project: Project) -> None:
    result = project.run(
        "Given a fault; Then it meets one",
        "Given a fault; Then it meets two",
        "Given a fault; Then it is alone",
        "Then it is violated",
    )
    assert result.ret == 1
    assert project.outcomes() == {"A": "passed", "B": "passed", "C": "passed", "D": "violated"}
    assert "3 passed, 1 violated" in result.outlines[-1]
    result.stdout.fnmatch_lines(["*= VIOLATED =*", "D  (features/a.feature:11)", "*observed*41.5 s*"])
    result.stdout.fnmatch_lines(["VIOLATED features/a.feature::test_d - recovery: violated*"])
    assert ["b"] in project.sides("a")
    assert ["a"] in project.sides("b")
    run = read_run(project.folder).run
    assert (run.state, run.environment["side by side"]) == ("finished", "2")
    assert sorted(path.parent.name for path in project.folder.glob("lanes/*/journal.jsonl")) == ["1", "2"]
    assert (project.folder / "journal.jsonl").is_file()  # of the one that ran alone
    assert "c: alone: it says so" in (project.folder / "side-by-side.txt").read_text()
    results = [json.loads(p.read_text()) for p in project.folder.glob("allure-results/*-result.json")]
    assert sorted((r["name"], r["status"]) for r in results) == [
        ("A", "passed"),
        ("B", "passed"),
        ("C", "passed"),
        ("D", "failed"),
    ]
    assert (project.root / "junit.xml").read_text().count("<testcase") == 4
    assert 'type="violated"' in (project.root / "junit.xml").read_text()


def test_ctrl_c_ends_and_undoes_all_that_run(project: Project) -> None:
    def press() -> None:
        seen = threading.Event()
        # Both: a process that has not got so far has nothing to undo, nor a record of it.
        while not ((project.folder / "lasting").exists() and all(map(injected, "ab"))):
            seen.wait(0.05)
        os.kill(os.getpid(), signal.SIGINT)

    def injected(name: str) -> bool:
        timeline = project.folder / name / "timeline.jsonl"
        return timeline.exists() and '"kind":"injected"' in timeline.read_text()

    threading.Thread(target=press, daemon=True).start()
    result = project.run("Given a fault; Then it lasts", "Given a fault; Then it lasts", "Then it lasts")
    assert result.ret == pytest.ExitCode.INTERRUPTED
    assert set(project.outcomes().values()) == {"interrupted"}
    assert read_run(project.folder).run.state == "interrupted"
    for name in project.outcomes():
        text = (project.folder / name.lower() / "timeline.jsonl").read_text()
        assert text.count('"kind":"injected"') == text.count('"kind":"undone"')
    assert not (project.folder / "c").exists()


def test_a_process_that_is_lost_is_an_error_and_ends_the_run(project: Project) -> None:
    result = project.run("Then its process is lost", "Given a fault", "Then it is alone")
    assert result.ret == pytest.ExitCode.INTERRUPTED
    run = read_run(project.folder).run
    assert run.state == "stopped"
    assert "process 1 ended with code 3" in run.why
    result.stdout.fnmatch_lines(["*process 1 ended with code 3: see *lanes/1/output.log*"])


def test_a_process_that_is_lost_in_the_middle_of_a_message_is_no_different(project: Project) -> None:
    project.run("Then its process is lost while it speaks")
    assert "process 1 ended with code 3" in read_run(project.folder).run.why


def test_a_runs_options_reach_its_processes(project: Project) -> None:
    project.run("Then it runs where it was told to", options=("--env", "staging", "--lf"))
    assert project.outcomes() == {"A": "passed"}


@pytest.mark.parametrize("asks", ["side_by_side: 2", "stop: {prometheus_lost: 30 s}"])
def test_a_cluster_that_is_lost_before_the_first_scenario(
    project: Project, monkeypatch: pytest.MonkeyPatch, asks: str
) -> None:
    """One at a time, too: there it is the stop conditions that ask for it."""

    def lost(settings: object) -> None:
        raise EnvironmentUnusableError("the API server of kind-aftershock does not answer", hint="look why")

    monkeypatch.setattr(plugin, "connect", lost)
    (project.root / "day.yaml").write_text(DAY.replace("side_by_side: 2", asks))
    result = project.run("Given a fault", "Then it is alone")
    assert result.ret == EnvironmentUnusableError.exit_code
    result.stdout.fnmatch_lines(["*not run (exit code 10)*", "*kind-aftershock does not answer*"])
    assert "INTERNALERROR" not in result.stdout.str() + result.stderr.str()
    assert not list(project.folder.glob("*/scenario.json"))
    if asks == "side_by_side: 2":  # else the run has no record yet
        run = read_run(project.folder).run
        assert (run.state, "does not answer" in run.why) == ("stopped", True)


def test_what_an_undo_beside_others_leaves_ends_the_run_with_its_code(project: Project) -> None:
    result = project.run("Given a fault that leaks; Then it is violated", "Then it is alone")
    assert result.ret == 11
    assert project.outcomes() == {"A": "violated"}  # nothing is judged on what was left
    result.stdout.fnmatch_lines(["*residue (exit code 11)*", "*a cordon on worker-1*"])


def test_nothing_more_begins_after_the_first_failure_where_that_is_wanted(project: Project) -> None:
    result = project.run("Then it is violated", "Then it is alone", "Then it is alone", options=("-x",))
    assert result.ret == 1
    assert project.outcomes() == {"A": "violated"}
    assert read_run(project.folder).run.state == "stopped"
