"""What `aftershock init` writes, and that it overwrites nothing."""

from __future__ import annotations

import tomllib
from pathlib import Path

import pytest
from click.testing import CliRunner

from aftershock import cli
from aftershock.config import load_settings
from aftershock.errors import ConfigError
from aftershock.projects import starting
from aftershock.projects.starting import Choices, start

ALL = {
    ".gitignore",
    "pyproject.toml",
    "features/recovery/one_pod_is_lost.feature",
    "features/steps/for_editors.py",
}


@pytest.fixture(autouse=True)
def no_listing(monkeypatch: pytest.MonkeyPatch) -> None:
    """The vocabulary has tests of its own, and test_wheel.py one with both."""
    monkeypatch.setattr(starting, "vocabulary", lambda root: [])


def files(folder: Path) -> set[str]:
    return {path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file()}


def test_in_an_empty_folder(tmp_path: Path) -> None:
    assert {written.act for written in start(tmp_path, Choices())} == {"written"}
    assert files(tmp_path) == ALL
    settings = load_settings(root=tmp_path, environ={})
    assert (settings.cluster, settings.allowed_contexts) == ("kind", ("kind-aftershock",))
    assert (tmp_path / ".gitignore").read_text() == "/reports/\n"


def test_a_dry_run_says_the_same_and_writes_nothing(tmp_path: Path) -> None:
    planned = start(tmp_path, Choices(), dry_run=True)
    assert files(tmp_path) == set()
    assert planned == start(tmp_path, Choices())


def test_a_second_time_nothing_changes(tmp_path: Path) -> None:
    start(tmp_path, Choices())
    before = {name: (tmp_path / name).read_bytes() for name in ALL}
    again = start(tmp_path, Choices(cluster="other", workload="api"))
    assert {written.act for written in again} == {"is there"}
    assert again[0].said == "pytest's settings are there; [tool.aftershock] is there"
    assert {name: (tmp_path / name).read_bytes() for name in ALL} == before


def test_for_a_cluster_of_ones_own(tmp_path: Path) -> None:
    start(tmp_path, Choices(cluster='my "staging"', namespace="shop", workload="cart-api"))
    settings = load_settings(root=tmp_path, environ={})
    assert (settings.cluster, settings.allowed_contexts) == ('my "staging"', ('my "staging"',))
    feature = (tmp_path / "features" / "recovery" / "one_pod_is_lost.feature").read_text()
    assert "When 1 cart-api pod is deleted" in feature
    assert "Given every workload of shop is steady" in feature


@pytest.mark.parametrize("end", ["", "\n"])
def test_what_is_there_stays_to_the_last_byte(tmp_path: Path, end: str) -> None:
    project = f"[project]\nname = 'shop'  # ours{end}"
    ignored = f"*.pyc{end}"
    (tmp_path / "pyproject.toml").write_text(project)
    (tmp_path / ".gitignore").write_text(ignored)
    acts = {written.path.as_posix(): written.act for written in start(tmp_path, Choices())}
    assert (acts["pyproject.toml"], acts[".gitignore"]) == ("added to", "added to")
    text = (tmp_path / "pyproject.toml").read_text()
    assert text.startswith(project)
    assert set(tomllib.loads(text)) == {"project", "tool"}
    assert (tmp_path / ".gitignore").read_text() == "*.pyc\n/reports/\n"


@pytest.mark.parametrize(
    ("name", "text", "where"),
    [
        ("pyproject.toml", "[tool.pytest.ini_options]\naddopts = '-q'\n", "pyproject.toml"),
        ("pyproject.toml", "[tool.pytest]\naddopts = ['-q']\n", "pyproject.toml"),
        ("pytest.ini", "[pytest]\n", "pytest.ini"),
        ("tox.ini", "[pytest]\n", "tox.ini"),
        ("setup.cfg", "[tool:pytest]\n", "setup.cfg"),
    ],
)
def test_settings_of_pytest_are_left_where_they_are(tmp_path: Path, name: str, text: str, where: str) -> None:
    (tmp_path / name).write_text(text)
    (written,) = (w for w in start(tmp_path, Choices()) if w.path.name == "pyproject.toml")
    assert written.said == f"pytest's settings are in {where}; add `-p no:locust` to its addopts"
    tools = tomllib.loads((tmp_path / "pyproject.toml").read_text())["tool"]
    assert "aftershock" in tools
    assert tools.get("pytest", {}) == (tomllib.loads(text)["tool"]["pytest"] if "toml" in name else {})


@pytest.mark.parametrize("line", ["reports", "reports/", "/reports/*"])
def test_reports_that_are_ignored_already(tmp_path: Path, line: str) -> None:
    (tmp_path / ".gitignore").write_text(f"{line}\n")
    start(tmp_path, Choices())
    assert (tmp_path / ".gitignore").read_text() == f"{line}\n"


@pytest.mark.parametrize(
    ("choices", "text"),
    [
        (Choices(namespace="My Shop"), ""),
        (Choices(workload="a\nb"), ""),
        (Choices(), "[tool"),
    ],
)
def test_bad_input_is_refused_before_anything_is_written(tmp_path: Path, choices: Choices, text: str) -> None:
    if text:
        (tmp_path / "pyproject.toml").write_text(text)
    with pytest.raises(ConfigError):
        start(tmp_path, choices)
    assert files(tmp_path) == ({"pyproject.toml"} if text else set())


@pytest.mark.parametrize("name", ["features", "features/recovery", "features/steps"])
@pytest.mark.parametrize("dry_run", [False, True])
def test_a_file_in_place_of_a_folder_is_refused_before_anything_is_written(
    tmp_path: Path, name: str, *, dry_run: bool
) -> None:
    (tmp_path / name).parent.mkdir(exist_ok=True)
    (tmp_path / name).touch()
    with pytest.raises(ConfigError, match=f"{name} is no folder"):
        start(tmp_path, Choices(), dry_run=dry_run)
    assert files(tmp_path) == {name}


def test_a_link_to_nothing_is_no_folder_either(tmp_path: Path) -> None:
    (tmp_path / "features").symlink_to("elsewhere")
    with pytest.raises(ConfigError, match="features is no folder"):
        start(tmp_path, Choices())
    assert files(tmp_path) == set()


def test_a_file_that_is_no_text_is_refused_before_anything_is_written(tmp_path: Path) -> None:
    (tmp_path / "pyproject.toml").write_bytes(b"\xff")
    with pytest.raises(ConfigError, match="no text in UTF-8"):
        start(tmp_path, Choices())
    assert files(tmp_path) == {"pyproject.toml"}


def test_the_command(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    dry = CliRunner().invoke(cli.main, ["init", "--dry-run"])
    assert dry.output.splitlines()[-1] == "dry run: nothing was written"
    assert files(tmp_path) == set()
    done = CliRunner().invoke(cli.main, ["init", "--namespace", "shop"])
    assert done.output.splitlines()[0] == "written   pyproject.toml"
    assert "next: kubectl label namespace shop aftershock.dev/allow=true" in done.output
    assert files(tmp_path) == ALL
