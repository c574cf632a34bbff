"""The plugin as its users meet it: whole runs of pytest on small projects of features."""

import json
import re
import signal
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from xml.etree import ElementTree as ET

import pytest

from aftershock.errors import RefusedError
from aftershock.history.store import History
from aftershock.report.record import read_run

STEPS = """
import os
import signal

import pytest
from pytest_bdd import given, when, then, parsers
from aftershock.collect.types import phrase
from aftershock.errors import EnvironmentUnusableError, FaultError, ResidueError, RefusedError
from aftershock.verdict import met, unknown, violated

def make(status, name):
    arguments = {"workload": "deployment/demo/web", "within_s": 30.0}
    asked = {"judge": "recovered_within", "arguments": arguments, "events": 0} if name == "recovery" else None
    if status == "met":
        return met(name, expected="30 s or less", observed=2.5, unit="s", resolution_s=0.1, query="up == 1",
                   question=asked)
    if status == "violated":
        return violated(name, expected="30 s or less", observed=41.5, unit="s", resolution_s=0.1,
                        query="ALERTS{alertname='X'}", evidence=("pod a was Ready at 12:00:41",),
                        question=asked)
    return unknown(name, expected="30 s or less", reason="no sample in the window", query="up == 1")

@given("a steady service")
def _():
    pass

@given("a fault", target_fixture="fault")
def _(undo):
    return undo

@pytest.fixture
def undo(timeline):
    timeline.record("harness", "injected", "pod/a")
    yield "fault-1"
    timeline.record("harness", "undone", "pod/a")

@pytest.fixture
def leaking():
    yield
    raise ResidueError("a cordon is left on worker-1", hint="run `aftershock recover`")

@given("a fault that leaks")
def _(leaking):
    pass

@when(phrase("{service:w} recovers within {limit:Duration}"))
def _(service, limit):
    assert isinstance(limit, float)

@then(parsers.parse("the verdict {name} is {status:w}"))
def _(verdicts, name, status):
    verdicts.enforce(make(status, name))

@then(parsers.parse("{count:d} pods are ready"))
def _(count):
    ready = 3
    assert ready == count

@then("the fault lands")
def _(timeline):
    raise FaultError("the fault did not land", expected="OOMKilled", found="nothing within 20 s")

@then("the code is wrong")
def _(timeline):
    token = "eyJhbGciOiJSUzI1NiJ9.eyJzdWIiOiJhZG1pbiJ9.c2lnbmF0dXJl"
    print("Authorization: Bearer", token)
    {}["missing"]

@then("the step is skipped")
def _():
    pytest.skip("no time today")

@then("the user presses Ctrl-C")
def _(undo):
    raise KeyboardInterrupt

@then("the run is asked to end")
def _(undo):
    os.kill(os.getpid(), signal.SIGTERM)
"""

PYPROJECT = """
[tool.pytest.ini_options]
addopts = ["-p", "no:locust", "-p", "no:aftershock_preflight", "--strict-markers", "--strict-config"]
aftershock_steps = []
aftershock_tags = ["house: proves something about this house"]
filterwarnings = ["error"]
"""


class Project:
    """A project of features, and what a run of it left."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.write("pyproject.toml", PYPROJECT)
        self.write("conftest.py", STEPS)

    def write(self, name: str, text: str) -> None:
        path = self.root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")

    def feature(self, text: str, name: str = "recovery/a.feature") -> None:
        self.write(f"features/{name}", text)

    @property
    def folder(self) -> Path:
        return self.root / "reports" / "r1"

    def results(self) -> dict[str, dict]:
        files = self.folder.glob("allure-results/*-result.json")
        return {raw["name"]: raw for raw in (json.loads(f.read_text()) for f in files)}

    def containers(self) -> list[dict]:
        return [json.loads(f.read_text()) for f in self.folder.glob("allure-results/*-container.json")]

    def attached(self, attachments: list[dict]) -> dict[str, str]:
        return {a["name"]: (self.folder / "allure-results" / a["source"]).read_text() for a in attachments}

    def cases(self) -> dict[str, ET.Element]:
        return {case.get("name", ""): case for case in ET.parse(self.root / "junit.xml").iter("testcase")}


ARGUMENTS = ("features", "--run-id", "r1", "--junitxml", "junit.xml")


class InProcess(Project):
    """A project whose runs are made in this process: quick, one for each test."""

    def __init__(self, pytester: pytest.Pytester) -> None:
        super().__init__(pytester.path)
        self.pytester = pytester

    def run(self, *options: str) -> pytest.RunResult:
        return self.pytester.runpytest_inprocess(*ARGUMENTS, *options, no_reraise_ctrlc=True)


@pytest.fixture
def project(pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch) -> InProcess:
    monkeypatch.setenv("PATH", "/nonexistent")  # no allure: the HTML report has its own test
    for name in ("CLUSTER", "PROFILE", "ALLOWED_CONTEXTS"):
        monkeypatch.delenv(f"AFTERSHOCK_{name}", raising=False)
    monkeypatch.delenv("GITHUB_STEP_SUMMARY", raising=False)  # of the job that these tests run in
    return InProcess(pytester)


@dataclass(frozen=True)
class Run:
    project: Project
    code: int
    lines: list[str]

    @property
    def text(self) -> str:
        return "\n".join(self.lines)


@pytest.fixture(scope="module")
def every_outcome(tmp_path_factory: pytest.TempPathFactory) -> Run:
    """One run of OUTCOMES in a process of its own, for all tests that look at what it left."""
    project = Project(tmp_path_factory.mktemp("outcomes"))
    project.feature(OUTCOMES)
    done = subprocess.run(
        [sys.executable, "-m", "pytest", *ARGUMENTS],
        cwd=project.root,
        env={"PATH": "/nonexistent", "HOME": str(project.root)},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    return Run(project, done.returncode, done.stdout.splitlines())


def outcome(case: ET.Element) -> list[str | None]:
    return [p.get("value") for p in case.iter("property") if p.get("name") == "aftershock.outcome"]


def properties(case: ET.Element) -> dict[str, str]:
    return {p.get("name", ""): p.get("value", "") for p in case.iter("property")}


OUTCOMES = """
@critical
Feature: Recovery of the house
  What the house promises.

  Background:
    Given a steady service

  Scenario: It recovers
    Given a fault
    When web recovers within 30 seconds
    Then the verdict recovery is met

  Scenario: It is too slow
    Given a fault
    Then the verdict steady is met
    And the verdict recovery is violated
    And the verdict alerts is met

  Scenario: Nobody knows
    Given a fault
    Then the verdict recovery is unknown

  Scenario: An assertion of a step
    Then 4 pods are ready

  Scenario: The fault does not land
    Then the fault lands

  Scenario: The code is wrong
    Then the code is wrong

  Scenario: It skips itself
    Then the step is skipped

  @house
  Scenario Outline: Every service recovers
    When <service> recovers within <limit>
    Then the verdict <service> is <status>

    Examples:
      | service | limit | status |
      | web     | 1m    | met    |
      | api     | 2m    | unknown |
"""


def test_every_outcome_has_its_count_and_letter(every_outcome):
    assert every_outcome.code == 1
    last = every_outcome.lines[-1]
    for count in ("2 passed", "2 violated", "3 inconclusive", "2 errors"):
        assert count in last, last
    assert "failed" not in last
    assert "skipped" not in last
    # Each at the end of the line of its last step.
    letters = re.findall(r"^\d\d:\d\d:\d\d   .* (\S) +\[ *\d+%\]$", every_outcome.text, re.MULTILINE)
    assert "".join(letters) == ".VIVEEI.I"


def test_what_goes_on_is_told_step_by_step(every_outcome):
    pytest.LineMatcher(every_outcome.lines).fnmatch_lines(
        [
            "features/recovery/a.feature*",
            "??:??:?? [[]1/9] It recovers*",
            "??:??:??   Given a steady service*",
            "??:??:??   Given a fault*",
            "??:??:??   When web recovers within 30 seconds*",
            "??:??:?? [[]9/9] Every service recovers*",
        ]
    )


def test_the_terminal_shows_the_scenario_and_not_the_code_of_its_steps(every_outcome):
    shown = every_outcome.text

    pytest.LineMatcher(every_outcome.lines).fnmatch_lines(
        [
            "*= VIOLATED =*",
            "It is too slow  (features/recovery/a.feature:14)",
            "    passed * Given a steady service",
            "    passed * Given a fault",
            "    passed * Then the verdict steady is met",
            "    VIOLATED * And the verdict recovery is violated",
            "    not run * And the verdict alerts is met",
            "  met: steady: 2.5 s",
            "  recovery: violated",
            "    expected  30 s or less",
            "    observed  41.5 s",
            "    known     ± 0.1 s",
            "    evidence  pod a was Ready at 12:00:41",
            "    query     ALERTS{alertname='X'}",
            "    profile   ci",
            "*= INCONCLUSIVE =*",
            "  recovery: unknown",
            "    because   no sample in the window",
            "VIOLATED features/recovery/a.feature::test_it_is_too_slow - recovery: violated",
            "INCONCLUSIVE features/recovery/a.feature::test_nobody_knows - recovery: unknown",
            "ERROR features/recovery/a.feature::test_the_fault_does_not_land - the fault d*",
        ]
    )
    assert "assert 3 == 4" in shown
    assert "  at conftest.py:" in shown
    assert "the fault did not land\n    expected: OOMKilled" in shown
    assert "KeyError: 'missing'" in shown
    assert "pytest_bdd/scenario.py" not in shown


def test_every_outcome_is_in_junit_as_what_it_is_and_none_is_a_skip(every_outcome):
    project = every_outcome.project

    cases = project.cases()
    assert len(cases) == 9
    assert outcome(cases["It recovers"]) == ["passed"]
    for name, word in (
        ("It is too slow", "violated"),
        ("Nobody knows", "inconclusive"),
        ("An assertion of a step", "violated"),
        ("It skips itself", "inconclusive"),
        ("The fault does not land", "broken"),
    ):
        assert outcome(cases[name]) == [word]
        failure = cases[name].find("failure")
        assert failure is not None
        assert failure.get("type") == word
    violation = cases["It is too slow"].find("failure")
    assert violation is not None
    assert violation.get("message", "").startswith("recovery: violated\n  expected  30 s or less")
    assert "    not run " in (violation.text or "")
    assert not list(ET.parse(project.root / "junit.xml").iter("skipped"))


def test_a_case_in_junit_is_the_scenario_with_its_feature_run_and_times(every_outcome):
    cases = every_outcome.project.cases()

    assert {case.get("classname") for case in cases.values()} == {"Recovery of the house"}
    assert "Every service recovers [web, 1m, met]" in cases
    assert all(float(case.get("time", "")) >= 0 for case in cases.values())
    assert properties(cases["It is too slow"]) == {
        "aftershock.outcome": "violated",
        "aftershock.scenario": "It is too slow",
        "aftershock.feature": "Recovery of the house",
        "aftershock.file": "features/recovery/a.feature:14",
        "aftershock.run": "r1",
        "aftershock.profile": "ci",
        "aftershock.recovery_seconds:deployment/demo/web": "41.5",
    }
    assert properties(cases["It recovers"])["aftershock.recovery_seconds:deployment/demo/web"] == "2.5"
    assert not any("recovery_seconds" in name for name in properties(cases["Nobody knows"]))


def test_a_run_enters_itself_into_the_history(every_outcome):
    with History(every_outcome.project.root / "reports" / "history.db") as history:
        assert history.runs() == ["r1"]
        turns = {one.name: [turn.outcome for turn in one.turns] for one in history.scenarios()}
        times = {one.scenario: [point.value for point in one.points] for one in history.series()}

    assert turns["It recovers"] == ["passed"]
    assert turns["The fault does not land"] == ["broken"]
    assert len(turns) == 9
    assert times == {"It recovers": [2.5], "It is too slow": [41.5]}
    assert "\n1 run in the history" in every_outcome.text


def test_a_history_that_cannot_be_used_is_told_and_costs_nothing_else(project):
    project.feature("Feature: One\n  Scenario: A\n    Given a fault\n")
    (project.root / "reports").mkdir()
    (project.root / "reports" / "history.db").write_text("notes\n" * 200)

    result = project.run()

    assert result.ret == 0
    result.stdout.fnmatch_lines(
        [
            "the history in *history.db cannot be used*",
            "*do: move the file away*",
            "this run",
            "  1 scenario in *",
        ]
    )
    assert (project.folder / "reliability.json").is_file()
    assert read_run(project.folder).run.state == "finished"


def test_the_settings_say_where_the_history_is_and_how_long_it_goes_back(project):
    project.feature("Feature: One\n  Scenario: A\n    Given a fault\n")
    project.write(
        "pyproject.toml", PYPROJECT + '[tool.aftershock]\nhistory = "kept/h.db"\nhistory_runs = 2\n'
    )
    for name in ("r1", "r2", "r3"):
        assert project.pytester.runpytest_inprocess("features", "--run-id", name).ret == 0

    with History(project.root / "kept" / "h.db") as history:
        assert history.runs() == ["r2", "r3"]
    assert {path.name for path in (project.root / "reports").iterdir()} == {"r1", "r2", "r3"}


def test_verdicts_and_timeline_are_in_the_scenarios_folder(every_outcome):
    project = every_outcome.project

    written = json.loads((project.folder / "it-is-too-slow" / "verdicts.json").read_text())
    assert [(v["name"], v["status"], v["profile"]) for v in written] == [
        ("steady", "met", "ci"),
        ("recovery", "violated", "ci"),
    ]
    lines = (project.folder / "it-recovers" / "timeline.jsonl").read_text().splitlines()
    assert [json.loads(line)["kind"] for line in lines] == ["injected", "undone"]


def test_the_record_has_the_run_and_every_scenario(every_outcome):
    recorded = read_run(every_outcome.project.folder)

    assert (recorded.run.id, recorded.run.state, recorded.run.profile) == ("r1", "finished", "ci")
    assert recorded.run.ended is not None
    assert recorded.run.ended > recorded.run.began
    kept = {record.name: (folder, record) for folder, record in recorded.scenarios()}
    assert len(recorded.run.planned) == len(list(recorded.scenarios())) == 9
    assert {name: record.outcome for name, (_, record) in kept.items()}.items() >= {
        ("It recovers", "passed"),
        ("It is too slow", "violated"),
        ("Nobody knows", "inconclusive"),
        ("The fault does not land", "broken"),
    }
    folder, slow = kept["It is too slow"]
    assert slow.message.startswith("recovery: violated")
    assert [step.outcome for step in slow.steps] == ["passed", "passed", "passed", "violated", "not run"]
    assert slow.began <= slow.steps[0].began <= slow.steps[3].began <= slow.ended
    assert [verdict.status for verdict in recorded.verdicts(folder)] == ["met", "violated"]
    assert [event.kind for event in recorded.events(folder)] == ["injected", "undone"]
    assert "eyJhbGciOi" not in (recorded.folder / "the-code-is-wrong" / "scenario.json").read_text()


def test_allure_has_the_status_the_steps_the_verdict_and_the_files(every_outcome):
    project = every_outcome.project

    results = project.results()
    assert {name: r["status"] for name, r in results.items()} == {
        "It recovers": "passed",
        "It is too slow": "failed",
        "Nobody knows": "broken",
        "An assertion of a step": "failed",
        "The fault does not land": "broken",
        "The code is wrong": "broken",
        "It skips itself": "broken",
        "Every service recovers": results["Every service recovers"]["status"],  # two, of one name
    }
    assert results["Nobody knows"]["statusDetails"]["message"].startswith("inconclusive: recovery: unknown")
    slow = results["It is too slow"]
    assert [(s["name"], s["status"]) for s in slow["steps"]] == [
        ("Given a steady service", "passed"),
        ("Given a fault", "passed"),
        ("Then the verdict steady is met", "passed"),
        ("And the verdict recovery is violated", "failed"),
        ("And the verdict alerts is met", "skipped"),
    ]
    assert all(s["stop"] >= s["start"] for s in slow["steps"])
    verdict = project.attached(slow["steps"][3]["attachments"])["violated: recovery"]
    assert "observed  41.5 s" in verdict
    assert "query     ALERTS" in verdict
    files = project.attached(slow["attachments"])
    assert '"undone"' in files["timeline.jsonl"]
    assert json.loads(files["verdicts.json"])[1]["observed"] == 41.5
    assert [*files][:2] == ["timeline.svg", "verdicts.html"]  # what a reader opens first
    assert "<title>It is too slow</title>" in files["timeline.svg"]
    assert "41.5 s" in files["verdicts.html"]
    labels = {(label["name"], label["value"]) for label in slow["labels"]}
    assert {
        ("feature", "Recovery of the house"),
        ("story", "It is too slow"),
        ("epic", "recovery"),
        ("severity", "critical"),
        ("tag", "critical"),
    } <= labels
    assert slow["description"] == "What the house promises."


def test_who_answers_for_a_scenario_is_declared_and_shown(project):
    project.write(
        "pyproject.toml", PYPROJECT.replace('this house"]', 'this house", "owner-team-a: call 17"]')
    )
    project.feature("Feature: One\n  @owner-team-a\n  Scenario: A\n    Given a steady service\n")

    result = project.run("-m", "owner-team-a")

    assert result.ret == 0
    labels = {(label["name"], label["value"]) for label in project.results()["A"]["labels"]}
    assert {("owner", "team-a"), ("tag", "owner-team-a")} <= labels
    assert "owner: team-a" in (project.folder / "gameday.md").read_text()


def test_an_owner_that_nobody_declared_is_an_error(project):
    project.feature("Feature: One\n  @owner-team-b\n  Scenario: A\n    Given a steady service\n")

    assert project.run().ret == pytest.ExitCode.USAGE_ERROR


def test_a_picture_that_cannot_be_made_is_told_in_the_report_and_costs_nothing(project, monkeypatch):
    def broken(*_, **__):
        raise ZeroDivisionError("no room")

    monkeypatch.setattr("aftershock.report.allure.write_evidence", broken)
    project.feature("Feature: One\n  Scenario: A\n    Given a fault\n")

    assert project.run().ret == 0
    files = project.attached(project.results()["A"]["attachments"])
    assert "ZeroDivisionError: no room" in files["what could not be made of the record"]
    assert '"undone"' in files["timeline.jsonl"]


def test_allure_shows_the_undo_as_teardown_and_no_plumbing(every_outcome):
    project = every_outcome.project

    fixtures = project.containers()
    assert [c for c in fixtures if [a["name"] for a in c.get("afters", [])] == ["undo"]]
    names = {f["name"] for c in fixtures for f in (*c.get("befores", []), *c.get("afters", []))}
    assert not [name for name in names if "pytest" in name]


def test_no_secret_gets_into_any_report(every_outcome):
    project, shown = every_outcome.project, every_outcome.text

    assert "Bearer <redacted>" in shown  # the failing step printed one
    for path in project.folder.rglob("*"):
        assert not path.is_file() or "eyJzdWIi" not in path.read_text(), path
    assert "eyJzdWIi" not in (project.root / "junit.xml").read_text()
    assert "eyJzdWIi" not in shown


def test_without_allure_there_is_one_line_how_to_get_the_report(every_outcome):
    project = every_outcome.project

    pytest.LineMatcher(every_outcome.lines).fnmatch_lines(
        ["no HTML report: Allure is not installed", "*do: run `npm install allure@3`*"]
    )
    assert (project.folder / "allure-results" / "environment.properties").read_text() == (
        "run=r1\ncluster=kind\nprofile=ci\n"
    )


def test_an_outline_runs_each_example_with_its_values(project):
    project.feature(OUTCOMES)

    result = project.run("-m", "house", "--profile", "nightly")

    assert "1 passed, 7 deselected, 1 inconclusive" in result.outlines[-1]
    both = [json.loads(f.read_text()) for f in sorted(project.folder.glob("allure-results/*-result.json"))]
    parameters = {tuple((p["name"], p["value"]) for p in r["parameters"]) for r in both}
    assert parameters == {
        (("service", '"web"'), ("limit", '"1m"'), ("status", '"met"')),
        (("service", '"api"'), ("limit", '"2m"'), ("status", '"unknown"')),
    }
    assert {r["status"] for r in both} == {"passed", "broken"}
    folders = {
        "every-service-recovers-web-1m-met",
        "every-service-recovers-api-2m-unknown",
        "allure-results",
        "gameday.html",
        "gameday.md",
        "reliability.json",
        "run.json",
    }
    assert {path.name for path in project.folder.iterdir()} == folders
    web = json.loads((project.folder / "every-service-recovers-web-1m-met" / "verdicts.json").read_text())
    assert web[0]["profile"] == "nightly"


def test_everything_that_is_wrong_is_said_at_once_and_nothing_runs(project):
    project.feature(
        """Feature: One
  Scenario: Undefined
    Given a steady sevice

  Scenario: Malformed
    When web recovers within soon

  Scenario: Wrong keyword
    Given the fault lands

  @protcted @skip
  Scenario: Tagged
    Given a steady service
""",
        "one.feature",
    )
    project.feature(
        "Feature: Two\n  Scenario: Tagged\n    Given a steady service\n    nonsense\n", "two.feature"
    )
    project.feature(
        "Feature: Three\n  Scenario: Undefined\n    Then 3 pods are ready\n"
        "  Scenario: Undefined\n    Then 3 pods are ready\n",
        "three.feature",
    )
    project.write(
        "features/conftest.py",
        "from pytest_bdd import then\n\n@then('3 pods are ready')\ndef _():\n    pass\n",
    )

    result = project.run()

    assert result.ret == pytest.ExitCode.USAGE_ERROR
    said = result.stderr.str()
    assert "10 errors before anything was touched; no scenario was run" in said
    for place in (
        "features/one.feature:3: no step definition matches 'Given a steady sevice'",
        "features/one.feature:6: 'soon' is no duration, in 'When web recovers within soon'",
        "features/one.feature:9: 'Given the fault lands' is a given here",
        "features/one.feature:11: unknown tag @protcted",
        "features/one.feature:11: unknown tag @skip",
        "features/three.feature:3: 'Then 3 pods are ready' is ambiguous",
        "features/three.feature:2: a second scenario named 'Undefined'",
        "features/three.feature:4: a second scenario named 'Undefined'",
        "features/two.feature:4: this line cannot stand here",
    ):
        assert place in said
    assert "did you mean @protected?" in said
    assert "'a steady service'" in said
    assert not (project.root / "reports").exists()
    assert "Traceback" not in said + result.stdout.str()


def test_a_wrong_file_asked_for_by_name_says_what_is_wrong_with_it(project):
    project.feature("Feature: One\n  Scenario: A\n    Given a steady sevice\n", "one.feature")
    project.feature("Scenario: A\n", "two.feature")

    result = project.pytester.runpytest_inprocess(
        "features/one.feature::test_a", "features/two.feature::test_b"
    )

    assert result.ret == pytest.ExitCode.USAGE_ERROR
    result.stderr.fnmatch_lines(
        ["*2 errors before*", "features/one.feature:3: no step*", "features/two.feature:1: this line cannot*"]
    )


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (["--profile", "weekly"], "*invalid choice: 'weekly'*"),
        (["--run-id", "../up"], "--run-id '../up' cannot name a run"),
        (["--run-id", "used"], "--run-id 'used' was used before*"),
    ],
)
def test_a_wrong_option_is_a_usage_error(project, options, said):
    project.feature("Feature: One\n  Scenario: A\n    Given a steady service\n")
    (project.root / "reports" / "used").mkdir(parents=True)

    result = project.pytester.runpytest_inprocess("features", *options)

    assert result.ret == pytest.ExitCode.USAGE_ERROR
    result.stderr.fnmatch_lines([said])


def test_wrong_settings_and_steps_that_cannot_be_imported_are_usage_errors(project):
    project.write(
        "pyproject.toml",
        PYPROJECT.replace(
            "aftershock_steps = []", "aftershock_steps = ['vocabulary', 'nowhere']\npythonpath = ['.']"
        )
        + "[tool.aftershock]\nclutser = 'kind'\n",
    )
    project.write("vocabulary/__init__.py", "")
    project.write("vocabulary/pods.py", "import not_there\n")
    project.feature("Feature: One\n  Scenario: A\n    Given a steady service\n")

    result = project.run()

    assert result.ret == pytest.ExitCode.USAGE_ERROR
    result.stderr.fnmatch_lines(
        [
            "*2 errors before*",
            "unknown setting 'clutser' in pyproject.toml*",
            "the steps in vocabulary.pods cannot be imported",
            "*No module named 'not_there'*",
        ]
    )


def test_steps_of_a_package_are_registered_with_their_assertions_rewritten(project):
    project.write(
        "pyproject.toml",
        PYPROJECT.replace("aftershock_steps = []", "aftershock_steps = ['words']\npythonpath = ['.']"),
    )
    project.write("words/__init__.py", "")
    project.write(
        "words/pods.py",
        "from pytest_bdd import given\n\n@given('seven is eight')\ndef _():\n    n = 7\n    assert n == 8\n",
    )
    project.feature("Feature: One\n  Scenario: A\n    Given seven is eight\n")

    result = project.run()

    assert result.ret == 1
    result.stdout.fnmatch_lines(["  assert 7 == 8", "  at words/pods.py:6"])


PREFLIGHT = """
from aftershock.errors import *

def pytest_aftershock_preflight(settings, run, items):
    raise {error}

def pytest_aftershock_plan(settings, scenario):
    yield f"targets of {{scenario.name}} on {{settings.cluster}}: pod/demo/web"
    yield "blast radius: 1 of 3 pods"
"""


@pytest.mark.parametrize(
    ("error", "code"),
    [
        ('EnvironmentUnusableError("no cluster", expected="kind-x", hint="run `aftershock up`")', 10),
        ('RefusedError("context prod is not allowed", expected="kind-x", hint="run `aftershock up`")', 4),
        ('ResidueError("a cordon of run r0", expected="kind-x", hint="run `aftershock up`")', 11),
    ],
    ids=["environment", "refused", "residue"],
)
def test_a_preflight_that_says_no_ends_the_run_with_its_code_and_one_message(project, error, code):
    project.write("conftest.py", STEPS + PREFLIGHT.format(error=error))
    project.feature("Feature: One\n  Scenario: A\n    Given a steady service\n")

    result = project.run()

    assert result.ret == code
    result.stdout.fnmatch_lines(
        [
            f"*not run (exit code {code})*",
            error.split('"')[1],
            "  expected: kind-x",
            "  do: run `aftershock up`",
        ]
    )
    assert "Traceback" not in result.stdout.str() + result.stderr.str()
    assert not project.folder.exists()
    assert not project.cases()


def test_a_dry_run_shows_steps_and_plan_and_touches_nothing(project):
    project.write("conftest.py", STEPS + PREFLIGHT.format(error="AssertionError('the preflight was called')"))
    project.feature(OUTCOMES)

    result = project.run("--dry-run", "--cluster", "kind", "-k", "it_recovers or every")

    assert result.ret == 0
    result.stdout.fnmatch_lines(
        [
            "aftershock: run r1, cluster kind, profile ci",
            "It recovers  (features/recovery/a.feature:9)",
            "    Given a steady service",
            "    Then the verdict recovery is met",
            "  targets of It recovers on kind: pod/demo/web",
            "  blast radius: 1 of 3 pods",
            "Every service recovers  (features/recovery/a.feature:*)",
            "    Then the verdict api is unknown",
            "dry run: nothing was touched",
        ]
    )
    assert not project.folder.exists()


PLANNED = """
from aftershock.collect.meaning import means
from aftershock.collect.session import FEATURES

@then(phrase("{service:w} holds for {limit:Duration}"))
@means(lambda service, limit: f"{service} for {limit:g} s")
def _(meanings, service, limit):
    assert [meaning.what for meaning in meanings] == ["web for 60 s", "api for 2 s"]

def pytest_aftershock_plan(config, scenario):
    features = config.stash[FEATURES]
    found = features.meanings(scenario)
    features.refusals.extend(RefusedError(f"{meaning.place}: no") for meaning in found)
    return [f"means {meaning.what}" for meaning in found]
"""
HOLDS = """
Feature: One
  Scenario: A
    Given a steady service
    Then web holds for 1 minute
    And api holds for 2 seconds
"""


def test_what_steps_mean_reaches_plans_and_steps(project):
    project.write("conftest.py", STEPS + PLANNED)
    project.feature(HOLDS)

    dry, real = project.run("--dry-run"), project.run()

    dry.stdout.fnmatch_lines(["  means web for 60 s", "  means api for 2 s", "dry run: nothing was touched"])
    assert real.ret == 0


def test_a_dry_run_shows_everything_and_ends_with_what_would_be_refused(project):
    project.write("conftest.py", STEPS + PLANNED)
    project.feature(HOLDS)

    result = project.run("--dry-run")

    assert result.ret == 4
    result.stdout.fnmatch_lines(
        [
            "  means api for 2 s",
            "dry run: nothing was touched",
            "*not run (exit code 4)*",
            "2 refusals",
            "  found: features/recovery/a.feature:5: no",
            "    features/recovery/a.feature:6: no",
        ]
    )
    assert not project.folder.exists()


def test_objectives_are_held_against_the_forecast_before_anything_is_touched(project, monkeypatch):
    held = []

    def refuse(cluster, settings, scenarios):
        held.append((cluster, settings.profile, [[meaning.what for meaning in found] for found in scenarios]))
        raise RefusedError("web holds for 1 min cannot be: earliest 90 s", hint="give it more time")

    monkeypatch.setattr("aftershock.scene.preflight.preflight", lambda settings, reports: "the cluster")
    monkeypatch.setattr("aftershock.scene.preflight.check_reachable", lambda cluster, scenarios: None)
    monkeypatch.setattr("aftershock.scene.alert_names.check_names", lambda cluster, scenarios: None)
    monkeypatch.setattr("aftershock.scene.outlook.refuse_impossible", refuse)
    project.write("pyproject.toml", PYPROJECT.replace('"-p", "no:aftershock_preflight", ', ""))
    project.write("conftest.py", STEPS + PLANNED)
    project.feature(HOLDS)

    result = project.run("--profile", "nightly")

    assert result.ret == 4
    assert held == [("the cluster", "nightly", [["web for 60 s", "api for 2 s"]])]
    result.stdout.fnmatch_lines(
        ["*not run (exit code 4)*", "web holds for 1 min cannot be: earliest 90 s", "  do: give it more time"]
    )
    assert not project.folder.exists()


def test_results_go_where_alluredir_says(project):
    project.feature("Feature: One\n  Scenario: A\n    Given a fault\n")

    result = project.run("--alluredir", "elsewhere")

    assert result.ret == 0
    assert len(list((project.root / "elsewhere").glob("*-result.json"))) == 1
    assert "run=r1" in (project.root / "elsewhere" / "environment.properties").read_text()
    assert {path.name for path in project.folder.iterdir()} == {
        "a",
        "gameday.html",
        "gameday.md",
        "reliability.json",
        "run.json",
    }


def test_missing_files_named_in_steps_are_found_before_anything_runs(project):
    project.write(
        "conftest.py",
        STEPS
        + """
@when(phrase("the load of {file:Locustfile} runs"))
@when(phrase("the experiment {file:Experiment} runs"))
def _(file):
    pass

@when(parsers.re(r"(?P<limit>.+) pass"), converters={"limit": duration})
def _(limit):
    pass
""".replace("@when(", "from aftershock.collect.types import duration\n@when(", 1),
    )
    project.feature(
        "Feature: One\n  Scenario: A\n    When the load of browse runs\n    And the experiment drain runs\n"
        "    And few moments pass\n    And 30 seconds pass\n"
    )

    result = project.run()

    assert result.ret == pytest.ExitCode.USAGE_ERROR
    result.stderr.fnmatch_lines(
        [
            "*3 errors before*",
            "features/recovery/a.feature:3: there is no locustfile 'browse'*",
            "features/recovery/a.feature:4: there is no experiment 'drain'*",
            "features/recovery/a.feature:5: 'few moments' is no duration*",
        ]
    )


def test_collecting_only_lists_the_scenarios_and_begins_no_run(project):
    project.feature(OUTCOMES)

    result = project.pytester.runpytest_inprocess("features", "--collect-only", "-q")

    assert result.ret == 0
    assert "features/recovery/a.feature::test_it_recovers" in result.outlines
    assert "features/recovery/a.feature::test_every_service_recovers[web-1m-met]" in result.outlines
    assert not (project.root / "reports").exists()


def test_residue_stops_the_run_with_its_own_code(project):
    project.feature(
        """Feature: One
  Scenario: Leaks
    Given a fault that leaks
    Then the verdict recovery is violated

  Scenario: Would be judged on debris
    Given a steady service
"""
    )

    result = project.run()

    assert result.ret == 11
    result.stdout.fnmatch_lines(
        ["*residue (exit code 11)*", "a cordon is left on worker-1", "  do: run `aftershock*"]
    )
    assert "1 violated, 1 error" in result.outlines[-1] or "1 error, 1 violated" in result.outlines[-1]
    leaks = project.results()["Leaks"]
    assert leaks["status"] == "failed"
    assert list(project.results()) == ["Leaks"]
    types = [
        f.get("type") for f in ET.parse(project.root / "junit.xml").iter() if f.tag in {"failure", "error"}
    ]
    assert types == ["violated", "broken"]


def test_a_scenario_that_passes_but_leaks_is_no_pass_in_any_report(project):
    project.feature("Feature: One\n  Scenario: Leaks\n    Given a fault that leaks\n")

    result = project.run()

    assert result.ret == 11
    leaks = project.results()["Leaks"]
    assert leaks["status"] == "broken"
    assert leaks["statusDetails"]["message"].startswith("residue: a cordon is left on worker-1")
    case = project.cases()["Leaks"]
    assert outcome(case) == ["broken"]
    assert case.find("error") is not None


def test_ctrl_c_undoes_and_is_neither_a_pass_nor_missing(project):
    project.feature(
        """Feature: One
  Scenario: Stopped by hand
    Given a fault
    Then the user presses Ctrl-C
    And 3 pods are ready

  Scenario: Never begun
    Given a steady service
"""
    )

    result = project.run()

    assert result.ret == pytest.ExitCode.INTERRUPTED
    assert "1 interrupted" in result.outlines[-1]
    assert "passed" not in result.outlines[-1]
    stopped = project.results()["Stopped by hand"]
    assert stopped["status"] == "broken"
    assert stopped["statusDetails"]["message"] == "interrupted: the run was stopped by hand"
    assert [s["status"] for s in stopped["steps"]] == ["passed", "broken"]
    case = project.cases()["Stopped by hand"]
    assert outcome(case) == ["interrupted"]
    assert properties(case)["aftershock.run"] == "r1"
    failure = case.find("failure")
    assert failure is not None
    assert failure.get("type") == "interrupted"
    timeline = (project.folder / "stopped-by-hand" / "timeline.jsonl").read_text()
    assert '"kind":"undone"' in timeline
    recorded = read_run(project.folder)
    assert recorded.run.state == "interrupted"
    assert [record.outcome for _, record in recorded.scenarios()] == ["interrupted"]
    told = (project.folder / "gameday.md").read_text()
    assert "interrupted by hand" in told
    assert "1 interrupted, 1 not run" in told
    assert "held" not in told.partition("##")[0]


def test_a_run_that_is_asked_to_end_undoes_and_is_no_pass(project):
    before = signal.getsignal(signal.SIGTERM)
    project.feature("Feature: One\n  Scenario: A\n    Given a fault\n    Then the run is asked to end\n")

    result = project.run()

    assert result.ret == pytest.ExitCode.INTERRUPTED
    assert "1 interrupted" in result.outlines[-1]
    assert '"kind":"undone"' in (project.folder / "a" / "timeline.jsonl").read_text()
    assert signal.getsignal(signal.SIGTERM) == before


def test_what_an_undo_leaves_after_ctrl_c_is_said_with_its_own_code(project):
    project.feature(
        "Feature: One\n  Scenario: A\n    Given a fault that leaks\n    Then the user presses Ctrl-C\n"
    )

    result = project.run()

    assert result.ret == 11
    result.stdout.fnmatch_lines(["*INTERRUPTED*", "*residue (exit code 11)*", "a cordon is left on worker-1"])
    assert "Traceback" not in result.stdout.str() + result.stderr.str()


def test_it_stays_out_of_runs_without_features(project):
    project.write("tests/test_x.py", "def test_x():\n    assert 1 == 2\n")

    result = project.pytester.runpytest_inprocess("tests")
    dry = project.pytester.runpytest_inprocess("tests", "--dry-run")

    assert result.ret == 1
    assert "1 failed" in result.outlines[-1]
    assert "aftershock:" not in result.stdout.str()
    assert not (project.root / "reports").exists()
    assert dry.ret == 0
    assert "failed" not in dry.outlines[-1]


def test_it_loads_by_its_entry_point_without_a_kubernetes_client(project):
    project.write(
        "tests/test_x.py",
        "import sys\n\ndef test_x(pytestconfig):\n"
        "    plugin = pytestconfig.pluginmanager.get_plugin('aftershock')\n"
        "    assert plugin.__name__ == 'aftershock.pytest_plugin'\n"
        "    heavy = {'kubernetes', 'locust', 'gevent', 'chaoslib', 'prometheus_api_client'}\n"
        "    assert not heavy & set(sys.modules)\n",
    )

    result = project.pytester.runpytest_subprocess("tests")

    result.assert_outcomes(passed=1)


def test_a_secret_that_is_written_down_is_refused_without_repeating_it(project):
    project.write(
        "conftest.py",
        STEPS + '\n@when(phrase("it is asked with {token:Secret}"))\ndef _(token):\n    pass\n',
    )
    project.feature("Feature: One\n  Scenario: A\n    When it is asked with tok-5523-written-down\n")

    result = project.run()

    assert result.ret == pytest.ExitCode.USAGE_ERROR
    said = result.stderr.str() + result.stdout.str()
    assert "a.feature:3: a secret is named by where it is, not written down" in said
    assert "5523" not in said
