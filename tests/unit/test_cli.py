"""The command line: options reach the package, errors become a message and an exit code."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

from aftershock import cli
from aftershock.errors import CommandError, RefusedError, ResidueError


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
    monkeypatch.setattr(cli, "bring_up", lambda settings, **more: found.update(more, settings=settings))
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

    monkeypatch.setattr(cli, "bring_down", fail)
    done = run("down")
    assert done.exit_code == code
    assert str(error) in done.output
    assert "Traceback" not in done.output


def test_a_bug_keeps_its_traceback(monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(**_: object) -> None:
        raise ZeroDivisionError

    monkeypatch.setattr(cli, "bring_down", fail)
    assert isinstance(run("down").exception, ZeroDivisionError)


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
    monkeypatch.setattr(cli, "undo_leftovers", undo)
    assert run("recover", "--run-id", "run1").output == said
    assert (given["reports"], given["run_id"]) == (project / "reports", "run1")
