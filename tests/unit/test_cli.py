"""The command line: options reach the package, errors become a message and an exit code."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

from aftershock import cli, clusters
from aftershock.errors import CommandError, RefusedError, ResidueError
from aftershock.judge.maintenance import node_schedulable
from aftershock.judge.question import Question
from aftershock.report.verdicts import as_text
from tests.unit.report.recorded import folder, recovers


@pytest.fixture(autouse=True)
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    (tmp_path / "pyproject.toml").write_text("[tool.aftershock]\nprofile = 'nightly'\n")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("AFTERSHOCK_STATE_DIR", str(tmp_path / "state"))
    return tmp_path


@pytest.fixture
def given(monkeypatch: pytest.MonkeyPatch) -> dict[str, Any]:
    """What `up` was called with, in place of making a cluster."""
    found: dict[str, Any] = {}
    monkeypatch.setattr(clusters, "bring_up", lambda settings, **more: found.update(more, settings=settings))
    return found


def run(*words: str) -> Result:
    return CliRunner().invoke(cli.main, words)


def test_up_goes_by_the_settings(given: dict[str, Any], project: Path) -> None:
    assert run("up").exit_code == 0
    assert (given["images"], given["registry"]) == ("auto", "")
    assert (given["settings"].profile, given["root"]) == ("nightly", project)


def test_up_with_options(given: dict[str, Any]) -> None:
    assert run("up", "--images", "pull", "--registry", "127.0.0.1:5000", "--profile", "ci").exit_code == 0
    assert (given["images"], given["registry"]) == ("pull", "127.0.0.1:5000")
    assert given["settings"].profile == "ci"


@pytest.mark.parametrize("words", [("up", "--images", "magic"), ("up", "--profile", "fast"), ("upp",)])
def test_what_click_refuses(given: dict[str, Any], words: tuple[str, ...]) -> None:
    assert run(*words).exit_code == 2
    assert given == {}


@pytest.mark.parametrize(
    ("error", "code"),
    [
        (CommandError("`kind create` failed", command=["kind"], code=1, tail=["no space"]), 10),
        (RefusedError("not allowed"), 4),
        (ResidueError("a cordon is left"), 11),
        (KeyboardInterrupt(), 130),
    ],
)
def test_errors(monkeypatch: pytest.MonkeyPatch, error: BaseException, code: int) -> None:
    def fail(*_: object, **__: object) -> None:
        raise error

    monkeypatch.setattr(clusters, "bring_down", fail)
    done = run("down")
    assert done.exit_code == code
    assert str(error) in done.output
    assert "Traceback" not in done.output


def test_a_bug_keeps_its_traceback(monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(**_: object) -> None:
        raise ZeroDivisionError

    monkeypatch.setattr(clusters, "bring_down", fail)
    assert isinstance(run("down").exception, ZeroDivisionError)


def test_a_file_that_cannot_be_written_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(**_: object) -> None:
        raise FileNotFoundError(2, "No such file or directory", "/nope/run.om")

    monkeypatch.setattr(clusters, "bring_down", fail)
    done = run("down")
    assert (done.exit_code, done.output) == (2, "aftershock: /nope/run.om: No such file or directory\n")


def test_an_option_before_a_game_day_is_no_file() -> None:
    done = run("gameday", "--exitfirst", "day.yaml")
    assert done.exit_code == 4
    assert "there is no option --exitfirst" in done.output


def test_runs_that_are_not_there_are_not_entered(project: Path) -> None:
    done = run("history", "--import", str(project / "nope"))
    assert done.exit_code == 1
    assert "there is no recorded run in" in done.output
    done = run("history", "--import", str(project / "pyproject.toml"))
    assert done.exit_code == 4
    assert "there is no run to enter" in done.output


def test_a_wrong_setting_stops_it(given: dict[str, Any], project: Path) -> None:
    (project / "pyproject.toml").write_text("[tool.aftershock]\nprofil = 'ci'\n")
    done = run("up")
    assert done.exit_code == 4
    assert "unknown setting 'profil'" in done.output
    assert given == {}


@pytest.mark.parametrize(("able", "code"), [(True, 0), (False, 10)])
def test_doctor(monkeypatch: pytest.MonkeyPatch, able: bool, code: int) -> None:
    installed: list[object] = []
    monkeypatch.setattr(cli, "examine", lambda settings, console: able)
    monkeypatch.setattr(cli, "install", installed.append)
    assert run("doctor").exit_code == code
    assert installed == []
    assert run("doctor", "--install").exit_code == code
    assert len(installed) == 1


def test_kubeconfig(project: Path) -> None:
    assert run("kubeconfig").output == f"{project / 'state' / 'kubeconfig'}\n"


def test_recover_without_a_cluster() -> None:
    done = run("recover")
    assert done.exit_code == 10
    assert "there is no kind cluster" in done.output


def test_recover_on_a_context_that_is_not_allowed() -> None:
    assert run("recover", "--cluster", "production").exit_code == 4


@pytest.mark.parametrize(
    ("done", "said"),
    [([], "nothing to undo\n"), (["a drain"], "undone: a drain\n1 undone; nothing is left\n")],
)
def test_recover(monkeypatch: pytest.MonkeyPatch, project: Path, done: list[str], said: str) -> None:
    given: dict[str, Any] = {}

    def undo(api: object, **more: object) -> list[str]:
        given.update(more)
        return done

    monkeypatch.setattr(cli, "connect", lambda settings: type("Cluster", (), {"api": None}))
    monkeypatch.setattr(cli, "await_no_run", lambda api: None)
    monkeypatch.setattr(cli, "undo_leftovers", undo)
    assert run("recover", "--run-id", "run1").output == said
    assert (given["reports"], given["run_id"]) == (project / "reports", "run1")


class TestJudge:
    @pytest.fixture
    def recorded(self, project: Path) -> Path:
        """A run under reports/ with one verdict, of a record that says nothing."""
        folder = project / "reports" / "run1" / "it-recovers"
        folder.mkdir(parents=True)
        (folder / "timeline.jsonl").touch()
        verdict = Question.of(node_schedulable, node="worker").ask([])
        (folder / "verdicts.json").write_text(as_text([verdict]))
        return folder

    def test_by_id_or_by_folder(self, recorded: Path) -> None:
        for name in ("run1", str(recorded.parent)):
            done = run("judge", name)
            assert done.exit_code == 0
            assert done.output.startswith("it-recovers\n  worker is schedulable again: unknown\n")
            assert done.output.endswith("1 verdict judged again: all as recorded\n")
        assert sorted(path.name for path in recorded.iterdir()) == ["timeline.jsonl", "verdicts.json"]

    def test_a_difference_is_told_and_is_no_success(self, recorded: Path) -> None:
        path = recorded / "verdicts.json"
        path.write_text(path.read_text().replace('"unknown"', '"met"'))
        done = run("judge", "run1")
        assert done.exit_code == 1
        assert "DIFFERS in status" in done.output
        assert done.output.endswith("1 verdict judged again: 0 as recorded\n")

    def test_into_a_folder(self, recorded: Path, project: Path) -> None:
        assert run("judge", "run1", "--into", "again").exit_code == 0
        written = project / "again" / "it-recovers" / "verdicts.json"
        assert written.read_bytes() == (recorded / "verdicts.json").read_bytes()

    def test_no_such_run(self) -> None:
        done = run("judge", "run9")
        assert done.exit_code == 4
        assert "there is no recorded run in run9" in done.output


class TestPlan:
    @pytest.fixture
    def started(self, monkeypatch: pytest.MonkeyPatch) -> list[list[str]]:
        """The processes that would have been started; they end with 4."""
        commands: list[list[str]] = []

        def start(command: list[str], **_: Any) -> Any:
            commands.append(command)
            return subprocess.CompletedProcess(command, 4)

        monkeypatch.setattr(cli.subprocess, "run", start)
        return commands

    def test_it_is_a_dry_run_with_its_exit_code(self, started: list[list[str]], project: Path) -> None:
        (project / "features").mkdir()
        assert run("plan", "features", "--profile", "nightly", "--cluster", "kind").exit_code == 4
        (command,) = started
        assert command[1:4] == ["-m", "pytest", "--dry-run"]
        assert command[-5:] == ["features", "--cluster", "kind", "--profile", "nightly"]

    @pytest.mark.parametrize("words", [("plan",), ("plan", "nowhere.feature")])
    def test_a_feature_has_to_be_there(self, started: list[list[str]], words: tuple[str, ...]) -> None:
        assert run(*words).exit_code == 2
        assert started == []


class TestHistory:
    @pytest.fixture
    def runs(self, project: Path) -> list[str]:
        """Fifteen runs, of which the last five recover later."""
        times = [10.0, 10.4, 9.8, 10.1, 9.9, 10.2, 10.3, 9.7, 10.0, 10.1, 14.0, 14.5, 13.8, 14.2, 15.0]
        reports = project / "reports"
        return [
            str(folder(reports / f"r{night:02}", recovers(value), night=night))
            for night, value in enumerate(times)
        ]

    def test_runs_are_entered_and_their_trend_is_shown(self, runs: list[str], project: Path) -> None:
        (project / "reports" / "categories.json").touch()  # what else reports/* is
        done = run("history", "--import", *runs, str(project / "reports" / "categories.json"))
        assert done.exit_code == 0, done.output
        assert "r00: entered" in done.output
        assert "15 of 15 runs entered" in done.output

        shown = run("history", "--scenario", "web-0").output

        assert "profile ci, cluster kind" in shown
        assert "Web web-0  (features/web.feature)" in shown
        assert "regression (chance 0.033 %)" in shown

    def test_it_is_there_for_programs(self, runs: list[str]) -> None:
        run("history", "--import", *runs)
        found = json.loads(run("history", "--json", "--last", "4").output)
        [scenario] = found["scenarios"]
        assert found["test"]["last"] == 4
        assert scenario["figures"][0]["last"]["runs"] == 4

    def test_a_folder_that_is_no_run_is_said_and_the_others_are_entered(
        self, runs: list[str], project: Path
    ) -> None:
        (project / "reports" / "none").mkdir()
        done = run("history", "--import", runs[0], str(project / "reports" / "none"))
        assert done.exit_code == 1
        assert "none: there is no recorded run" in done.output
        assert "1 of 2 runs entered" in done.output

    def test_before_the_first_run_it_says_how_to_fill_it(self, project: Path) -> None:
        done = run("history")
        assert done.exit_code == 4
        assert "--import reports/*" in done.output
        assert not (project / "reports").exists()

    @pytest.mark.parametrize("words", [("history", "reports/r1"), ("history", "--import")])
    def test_folders_and_import_belong_together(self, words: tuple[str, ...]) -> None:
        done = run(*words)
        assert done.exit_code == 4
        assert "--import FOLDER..." in done.output

    def test_words_that_no_scenario_has(self, runs: list[str]) -> None:
        run("history", "--import", runs[0])
        done = run("history", "--scenario", "nowhere")
        assert done.exit_code == 4
        assert "Web web-0" in done.output

    def test_a_run_is_exported_by_its_id_or_its_folder(self, runs: list[str], project: Path) -> None:
        printed = run("export", "r00").output
        assert "aftershock_recovery_seconds{" in printed
        assert printed.endswith("# EOF\n")
        done = run("export", runs[0], "--into", str(project / "run.om"))
        assert (done.exit_code, done.output) == (0, "")
        assert (project / "run.om").read_text(encoding="utf-8") == printed
        assert run("export", "r99").exit_code == 4


class TestGameday:
    @pytest.fixture
    def command(self, monkeypatch: pytest.MonkeyPatch, project: Path) -> list[list[str]]:
        """What the process was to become."""
        (project / "features").mkdir()
        (project / "features" / "a.feature").write_text("Feature: A\n  Scenario: One\n    Given it\n")
        (project / "day.yaml").write_text(
            "name: day\nowners: [sre]\nscenarios:\n  - {feature: features, hypothesis: it holds}\n"
        )
        became: list[list[str]] = []
        monkeypatch.setattr(cli.os, "execv", lambda program, words: became.append(words))
        return became

    def test_it_becomes_pytest(self, command: list[list[str]]) -> None:
        words = ("--only", "One", "--only", "b", "--profile", "ci", "--run-id", "r7", "--", "-x")
        assert run("gameday", "day.yaml", *words).exit_code == 0
        expected = ["--gameday=day.yaml", "--override-ini=testpaths=", "--profile", "ci", "--run-id", "r7"]
        expected += ["--gameday-only", "One", "--gameday-only", "b", "-x"]
        assert command[0][1:] == ["-m", "pytest", *expected]

    def test_a_dry_run(self, command: list[list[str]]) -> None:
        assert run("gameday", "day.yaml", "--dry-run").exit_code == 0
        assert "--dry-run" in command[0]

    def test_a_wrong_file_is_refused_before(self, command: list[list[str]], project: Path) -> None:
        (project / "day.yaml").write_text("name: day\n")
        result = run("gameday", "day.yaml")
        assert result.exit_code == 4
        assert "day.yaml:1: no game day that runs here" in result.output
        assert command == []


class TestKeep:
    @pytest.fixture
    def recorded(self, project: Path) -> Path:
        folder = project / "reports" / "r1"
        folder.mkdir(parents=True)
        (folder / "journal.jsonl").write_text("{}\n")
        (project / "kept").mkdir()
        return folder

    @pytest.mark.parametrize("name", ["r1", "reports/r1"])
    def test_a_run_is_kept_as_often_as_one_likes(self, recorded: Path, project: Path, name: str) -> None:
        for said in ("2 sent now", "nothing new"):
            done = run("keep", name, "--to", "kept")
            assert (done.exit_code, said in done.output) == (0, True), done.output
        assert (project / "kept" / "r1" / "journal.jsonl").read_text() == "{}\n"

    def test_the_setting_says_where(
        self, recorded: Path, project: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setenv("AFTERSHOCK_KEEP_TO", "kept")
        assert run("keep", "r1").exit_code == 0
        assert (project / "kept" / "r1" / "kept.json").exists()

    def test_it_is_not_said_where(self, recorded: Path) -> None:
        done = run("keep", "r1")
        assert (done.exit_code, "--to WHERE" in done.output) == (4, True)

    def test_no_such_run(self, recorded: Path) -> None:
        done = run("keep", "r2", "--to", "kept")
        assert (done.exit_code, "there is no run 'r2'" in done.output) == (4, True)

    def test_a_folder_that_is_no_run_is_left_alone(self, recorded: Path, project: Path) -> None:
        (project / "notes").mkdir()
        (project / "notes" / "a.txt").write_text("mine")
        done = run("keep", "notes", "--to", "kept")
        assert (done.exit_code, "there is no run 'notes'" in done.output) == (4, True)
        assert [path.name for path in (project / "notes").iterdir()] == ["a.txt"]

    def test_what_fails_says_what_to_do(self, recorded: Path) -> None:
        done = run("keep", "r1", "--to", "missing")
        assert done.exit_code == 12
        assert "mount what belongs there" in done.output
        assert "`aftershock keep r1` goes on" in done.output
