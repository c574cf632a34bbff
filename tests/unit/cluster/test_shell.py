"""Running tools: what they say is kept, and why they failed is told."""

from __future__ import annotations

import os
import subprocess
import threading
from pathlib import Path

import pytest

from aftershock.clock import wait_until
from aftershock.cluster.shell import TAIL_LINES, Shell
from aftershock.errors import CommandError, EnvironmentUnusableError
from tests.unit.cluster.conftest import Commands


@pytest.fixture
def shell(tmp_path: Path) -> Shell:
    return Shell(log=tmp_path / "log", env={"COLOUR": "blue"})


def test_standard_output_alone_is_returned(commands: Commands, shell: Shell) -> None:
    commands.add("tool", 'echo "out $COLOUR"; echo err >&2')
    assert shell.run("tool", "one", Path("two")) == "out blue\n"
    assert commands.calls == ["tool one two"]


def test_all_of_it_is_in_the_log(commands: Commands, shell: Shell) -> None:
    commands.add("tool", "echo out; echo err >&2; exit 3")
    assert not shell.succeeds("tool", "x")
    assert shell.log.read_text() == "$ tool x\nout\nerr\n[exit 3]\n"


def test_a_failure_carries_the_last_lines(commands: Commands, shell: Shell) -> None:
    lines = "\\n".join(f"line {number}" for number in range(40))
    commands.add("tool", f"printf '{lines}\\n\\n'; exit 7")
    with pytest.raises(CommandError, match="`tool a b c …` failed") as caught:
        shell.run("tool", "a", "b", "c", "d")
    error = caught.value
    assert isinstance(error, EnvironmentUnusableError)
    assert (error.code, error.command) == (7, ("tool", "a", "b", "c", "d"))
    assert error.tail == tuple(f"line {number}" for number in range(40 - TAIL_LINES, 40))
    assert str(shell.log) in error.hint


def test_a_hint_of_the_callers(commands: Commands, shell: Shell) -> None:
    commands.add("tool", "exit 1")
    with pytest.raises(CommandError) as caught:
        shell.run("tool", hint="be root")
    assert caught.value.hint == "be root"


def test_a_tool_that_is_not_there(commands: Commands, shell: Shell) -> None:
    with pytest.raises(CommandError, match="cannot run absent") as caught:
        shell.run("absent")
    assert caught.value.code == 127


def test_nothing_waits_for_a_person(commands: Commands, shell: Shell) -> None:
    commands.add("ask", "cat")
    assert shell.run("ask") == ""


def test_what_runs_can_be_stopped(commands: Commands, shell: Shell, tmp_path: Path) -> None:
    ready = tmp_path / "fifo"
    commands.add("forever", f"touch {ready}; exec cat {tmp_path / 'never'}")
    os.mkfifo(tmp_path / "never")
    errors: list[CommandError] = []

    def run() -> None:
        try:
            shell.run("forever")
        except CommandError as error:
            errors.append(error)

    thread = threading.Thread(target=run)
    thread.start()
    while not ready.exists():
        thread.join(0.01)
    shell.stop()
    thread.join(10)
    assert not thread.is_alive()
    assert errors[0].code < 0
    assert not shell.running


@pytest.mark.parametrize("shielded", [True, False])
def test_an_interruption_of_a_shielded_command_waits_for_what_it_began(
    commands: Commands, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, *, shielded: bool
) -> None:
    """The command ends at once when asked; its child has begun something and takes its time."""
    begun, may_end, done = (tmp_path / name for name in ("begun", "may-end", "done"))
    os.mkfifo(may_end)
    commands.add("tool", f"(trap '' TERM; touch {begun}; cat {may_end}; touch {done}) & wait")

    def interrupt(process: subprocess.Popen[bytes]) -> tuple[bytes, bytes]:
        wait_until(begun.exists, within_s=10, what="the child")
        threading.Timer(0.3, lambda: may_end.write_text("go")).start()
        raise KeyboardInterrupt

    monkeypatch.setattr(subprocess.Popen, "communicate", interrupt)
    with pytest.raises(KeyboardInterrupt):
        Shell(log=tmp_path / "log", shielded=shielded).run("tool")
    assert done.exists() is shielded
    wait_until(done.exists, within_s=10, what="the child to end")


def test_a_shielded_command_is_out_of_the_terminals_reach(commands: Commands, tmp_path: Path) -> None:
    commands.add("tool", "cut -d' ' -f5 /proc/$$/stat")
    (commands.folder / "cut").symlink_to("/usr/bin/cut")
    group = int(Shell(log=tmp_path / "log", shielded=True).run("tool"))
    assert group != os.getpgrp()
    assert int(Shell(log=tmp_path / "log").run("tool")) == os.getpgrp()
