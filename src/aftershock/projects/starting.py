"""`aftershock init`: the lines by which a folder becomes a project of scenarios.

Nothing that is there is changed: a file is written where there is none, and to pyproject.toml and
.gitignore lines are added at the end where what they say is not there yet.
"""

from __future__ import annotations

import json
import os
import re
import tomllib
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from aftershock.errors import ConfigError
from aftershock.projects.editor import STUBS, as_stubs
from aftershock.projects.vocabulary import vocabulary

__all__ = ["Choices", "Written", "start"]

EXAMPLE = Path("features", "recovery", "one_pod_is_lost.feature")
KIND = "kind"
_NAME = re.compile(r"[a-z0-9]([-a-z0-9.]*[a-z0-9])?")

# Where pytest reads its settings from in place of pyproject.toml.
_PYTEST_FILES = ("pytest.ini", ".pytest.ini", "pytest.toml", ".pytest.toml")
_PYTEST_SECTIONS = {"tox.ini": "[pytest]", "setup.cfg": "[tool:pytest]"}

_PYTEST = """\
[tool.pytest.ini_options]
addopts = ["-p", "no:locust"]  # Locust brings a plugin of its own: an option -H, and fixtures
"""
_FEATURE = """\
@recovery
Feature: A pod that is lost comes back

  Scenario: One {workload} pod is deleted
    Given every workload of {namespace} is steady
    When 1 {workload} pod is deleted
    Then {workload} recovers within 30 seconds
    And no other alert fires
"""
_IGNORED = "/reports/"


@dataclass(frozen=True, kw_only=True)
class Choices:
    """What the lines say: the cluster ("kind" or a context), and what the example breaks."""

    cluster: str = KIND
    namespace: str = "default"
    workload: str = "web"


@dataclass(frozen=True, kw_only=True)
class Written:
    """What became of one file: written, added to, or left as it is; `said` is what there is to know."""

    path: Path
    act: Literal["written", "added to", "is there"]
    said: str = ""

    def __str__(self) -> str:
        return f"{self.act:<9} {self.path.as_posix()}" + (f": {self.said}" if self.said else "")


def start(folder: Path, choices: Choices, *, dry_run: bool = False) -> list[Written]:
    """Make `folder` a project; with `dry_run` only say what would be done.

    Raises:
        ConfigError: a name is none, pyproject.toml cannot be read, or a file is where a folder has to be;
            nothing was written.

    """
    for what, name in (("namespace", choices.namespace), ("workload", choices.workload)):
        if not _NAME.fullmatch(name):
            raise ConfigError(
                f"{name!r} names no {what}",
                expected="lower-case letters, digits and hyphens, as Kubernetes has",
            )
    feature = _FEATURE.format(namespace=choices.namespace, workload=choices.workload)
    plans = [
        _settings(folder, choices),
        _ignored(folder),
        _new(folder, EXAMPLE, lambda: feature),
        # Last: it lists the steps of the project that the others make.
        _new(folder, STUBS, lambda: as_stubs(vocabulary(folder))),
    ]
    if not dry_run:
        for _, act in plans:
            act()
    return [written for written, _ in plans]


_Plan = tuple[Written, Callable[[], object]]


def _new(folder: Path, name: Path, text: Callable[[], str]) -> _Plan:
    path = folder / name
    if path.exists():
        return Written(path=name, act="is there", said="left as it is"), lambda: None
    _check_room(folder, name)

    def write() -> None:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text(), encoding="utf-8")

    return Written(path=name, act="written"), write


def _check_room(folder: Path, name: Path) -> None:
    """Refuse a file, or a broken link, in place of one of the folders that the file `name` goes into."""
    for inner in reversed(name.parents):
        path = folder / inner
        if os.path.lexists(path) and not path.is_dir():
            raise ConfigError(
                f"{path} is no folder",
                expected=f"a folder, or nothing, for {name.as_posix()}",
                hint="move it, then call again",
            )


def _settings(folder: Path, choices: Choices) -> _Plan:
    name = Path("pyproject.toml")
    path = folder / name
    before = _text(path)
    try:
        tools = tomllib.loads(before).get("tool", {})
    except tomllib.TOMLDecodeError as error:
        raise ConfigError(f"{path} is no TOML", found=str(error), hint="mend it, then call again") from error
    sections, there = [], []
    if found := _pytest_settings(folder, tools):
        has = "no:locust" in _text(folder / found)
        do = "are there" if has else f"are in {found}; add `-p no:locust` to its addopts"
        there.append(f"pytest's settings {do}")
    else:
        sections.append(_PYTEST)
    if "aftershock" in tools:
        there.append("[tool.aftershock] is there")
    else:
        sections.append(_aftershock(choices))
    return _added(path, name, before, "\n".join(sections), said="; ".join(there))


def _pytest_settings(folder: Path, tools: dict[str, object]) -> str:
    """Return which file has pytest's settings; "" where there is none."""
    if "pytest" in tools:
        return "pyproject.toml"
    files = [name for name in _PYTEST_FILES if (folder / name).exists()]
    for name, section in _PYTEST_SECTIONS.items():
        if (folder / name).exists() and section in _text(folder / name):
            files.append(name)
    return next(iter(files), "")


def _text(path: Path) -> str:
    """Return what a file says; "" where there is none.

    Raises:
        ConfigError: it is no text.

    """
    try:
        return path.read_text(encoding="utf-8") if path.exists() else ""
    except UnicodeDecodeError as error:
        raise ConfigError(f"{path} is no text in UTF-8", found=str(error)) from error


def _aftershock(choices: Choices) -> str:
    context = "kind-aftershock" if choices.cluster == KIND else choices.cluster
    comment = "  # or a context of your kubeconfig" if choices.cluster == KIND else ""
    return "\n".join(
        [
            "[tool.aftershock]",
            f"cluster = {json.dumps(choices.cluster)}{comment}",
            f"allowed_contexts = [{json.dumps(context)}]  # nothing else is ever touched",
            "",
        ]
    )


def _ignored(folder: Path) -> _Plan:
    name = Path(".gitignore")
    path = folder / name
    before = _text(path)
    has = {line.strip().strip("/").removesuffix("/*") for line in before.splitlines()}
    return _added(path, name, before, "" if "reports" in has else f"{_IGNORED}\n")


def _added(path: Path, name: Path, before: str, text: str, *, said: str = "") -> _Plan:
    """Plan to put `text` behind what a file holds."""
    if not text:
        return Written(path=name, act="is there", said=said or "left as it is"), lambda: None
    between = "".join(_between(before, text))

    def write() -> None:
        path.write_text(before + between + text, encoding="utf-8")

    return Written(path=name, act="added to" if before else "written", said=said), write


def _between(before: str, text: str) -> Iterator[str]:
    """Yield what separates new lines from those that are there: a section gets an empty line."""
    if before and not before.endswith("\n"):
        yield "\n"
    if before and text.startswith("["):
        yield "\n"
