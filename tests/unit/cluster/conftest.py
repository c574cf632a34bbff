"""Commands on the PATH that do what a test says, and nothing else on it but the shell's own tools."""

from __future__ import annotations

import io
from pathlib import Path

import pytest
from rich.console import Console

from aftershock.cluster.progress import Progress
from aftershock.testing import FakeClock


class Commands:
    """A folder of fake programs. `calls` are the command lines that were run, in their order."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.folder.mkdir()
        self._log = folder.parent / "calls"

    def add(self, name: str, script: str = "") -> None:
        """Put a program there that notes its call and then runs `script` (sh; "$*" are its words)."""
        path = self.folder / name
        path.write_text(f'#!/bin/sh\necho "{name} $*" >>{self._log}\n{script}\n', encoding="utf-8")
        path.chmod(0o755)

    @property
    def calls(self) -> list[str]:
        return self._log.read_text(encoding="utf-8").splitlines() if self._log.exists() else []

    def called(self, *words: str) -> list[str]:
        """Return the calls that begin with `words`."""
        return [call for call in self.calls if call.split()[: len(words)] == list(words)]


@pytest.fixture
def commands(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Commands:
    """Nothing is on the PATH but what a test adds, and what scripts are made of."""
    tools = tmp_path / "tools"
    tools.mkdir()
    for name in ("sh", "tar", "cat", "touch"):
        (tools / name).symlink_to(
            next(p for p in (Path("/bin") / name, Path("/usr/bin") / name) if p.exists())
        )
    made = Commands(tmp_path / "bin")
    monkeypatch.setenv("PATH", f"{made.folder}:{tools}")
    return made


@pytest.fixture
def clock() -> FakeClock:
    return FakeClock()


@pytest.fixture
def said() -> io.StringIO:
    """What the progress printed."""
    return io.StringIO()


@pytest.fixture
def progress(said: io.StringIO, clock: FakeClock) -> Progress:
    return Progress(Console(file=said, width=200, highlight=False), clock=clock)
