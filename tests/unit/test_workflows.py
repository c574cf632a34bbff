"""The workflows: nothing that actionlint finds, and commands that do what they are there for."""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.unit.stack.conftest import find_tool

ROOT = Path(__file__).parents[2]
WORKFLOWS = sorted((ROOT / ".github" / "workflows").glob("*.yaml"))


def steps(path: Path) -> list[dict[str, Any]]:
    read = yaml.safe_load(path.read_text(encoding="utf-8"))
    return [step for job in read["jobs"].values() for step in job["steps"]]


COMMANDS = [(path.name, step["run"]) for path in WORKFLOWS for step in steps(path) if "run" in step]


def bash(script: str, *, cwd: Path = ROOT, **environ: str) -> subprocess.CompletedProcess[str]:
    """Run a command as a step's default shell does."""
    plain = {name: value for name, value in os.environ.items() if not name.startswith(("MAKE", "MFLAGS"))}
    return subprocess.run(["bash", "--noprofile", "--norc", "-eo", "pipefail", "-c", script], cwd=cwd,
                          env={**plain, **environ}, capture_output=True, text=True, check=False)  # fmt: skip


def test_there_are_some() -> None:
    assert {path.name for path in WORKFLOWS} == {"ci.yaml", "nightly.yaml"}
    assert len(COMMANDS) >= 5


@pytest.mark.parametrize("path", WORKFLOWS, ids=lambda path: path.name)
def test_actionlint_finds_nothing(path: Path) -> None:
    actionlint = find_tool(
        "actionlint", variable="AFTERSHOCK_ACTIONLINT", hint="`aftershock tool actionlint` builds it"
    )
    done = subprocess.run([actionlint, "-no-color", path], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout + done.stderr) == (0, "")


@pytest.mark.parametrize(("name", "script"), COMMANDS)
def test_every_command_is_one(name: str, script: str) -> None:
    done = subprocess.run(["bash", "-n"], input=script, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (0, "")
    # Expressions of the workflow stand in `env`, where no shell reads them.
    assert "${{" not in script


@pytest.mark.parametrize(("name", "script"), [each for each in COMMANDS if "make " in each[1]])
@pytest.mark.parametrize("asked_for", ["", "features/recovery -m 'not addon'"])
def test_what_make_is_told_it_knows(name: str, script: str, asked_for: str) -> None:
    """The targets are there, and the features get where they belong; without making anything."""
    done = bash(script.replace("make ", "make --dry-run --always-make "), ASKED_FOR=asked_for)
    assert done.returncode == 0, done.stderr
    if "gameday" in script:
        assert "aftershock up" in done.stdout
        assert (asked_for in done.stdout) or not asked_for


@pytest.mark.parametrize(("name", "script"), [each for each in COMMANDS if ".ci/run" in each[1]])
def test_what_is_run_from_the_checkout_is_there(name: str, script: str) -> None:
    assert os.access(ROOT / script.strip(), os.X_OK)
    assert bash(f"bash -n {script}").returncode == 0


SUMMARIES = sorted({script for _, script in COMMANDS if "GITHUB_STEP_SUMMARY" in script})


@pytest.mark.parametrize("script", SUMMARIES)
def test_where_a_run_has_told_of_itself_nothing_is_added(tmp_path: Path, script: str) -> None:
    (tmp_path / "scripts").mkdir()
    shutil.copy(ROOT / "scripts" / "step-summary", tmp_path / "scripts")
    summary = tmp_path / "summary.md"
    summary.write_text("# By the run itself\n")
    for run, text in (("a", ""), ("b", "# By the run itself")):
        report = tmp_path / "reports" / run / "gameday.md"
        report.parent.mkdir(parents=True)
        report.write_text(text)
    assert bash(script, cwd=tmp_path, GITHUB_STEP_SUMMARY=str(summary)).returncode == 0
    assert summary.read_text() == "# By the run itself\n"


@pytest.mark.parametrize("script", SUMMARIES)
def test_a_run_that_got_nowhere_says_so(tmp_path: Path, script: str) -> None:
    (tmp_path / "scripts").mkdir()
    shutil.copy(ROOT / "scripts" / "step-summary", tmp_path / "scripts")
    summary = tmp_path / "summary.md"
    assert bash(script, cwd=tmp_path, GITHUB_STEP_SUMMARY=str(summary)).returncode == 0
    assert "No run got as far" in summary.read_text()


def test_the_night_reports_whatever_became_of_it() -> None:
    found = steps(ROOT / ".github/workflows/nightly.yaml")
    always = [step for step in found if step.get("if") == "always()"]
    told = ["GITHUB_STEP_SUMMARY" in step.get("run", "") for step in always]
    uploaded = ["upload-artifact" in step.get("uses", "") for step in always]
    assert any(told)
    assert any(uploaded)
    (upload,) = [step for step in always if "upload-artifact" in step.get("uses", "")]
    assert upload["with"]["path"] == "reports/"


def test_credentials_are_given_to_just_the_step_that_needs_them() -> None:
    for path in WORKFLOWS:
        read = yaml.safe_load(path.read_text())
        assert read["permissions"] == {"contents": "read"}
        with_secrets = [step for step in steps(path) if "secrets." in str(step)]
        assert all("make gameday" in step["run"] for step in with_secrets)
        assert "secrets." not in str({key: value for key, value in read.items() if key != "jobs"})
