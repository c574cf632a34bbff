"""Running tools: one way to start a command, keep its output and tell why it failed."""

from __future__ import annotations

import os
import subprocess
from collections import deque
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO

from aftershock.clock import wait_until
from aftershock.errors import CommandError
from aftershock.redaction import redact

__all__ = ["Shell"]

TAIL_LINES = 15
CHILDREN_END_WITHIN_S = 20.0


@dataclass(frozen=True, kw_only=True)
class Shell:
    """Runs commands with `env` added to the environment; all they say goes to `log` as well.

    With `shielded` a Ctrl-C in the terminal does not reach what a command has started: it is
    asked to end, and its children may finish. A container engine that is cut short forgets
    networks that it had begun to lay.
    """

    log: Path
    env: Mapping[str, str] = field(default_factory=dict)
    shielded: bool = False
    running: set[subprocess.Popen[bytes]] = field(default_factory=set, compare=False, repr=False)

    def run(
        self,
        *command: str | Path,
        cwd: Path | None = None,
        stdin: IO[bytes] | None = None,
        hint: str = "",
    ) -> str:
        """Run `command` to its end and return its standard output.

        Raises:
            CommandError: it cannot be started, or exits with something other than 0; with
                the last lines that it wrote and where the whole of it is.

        """
        words = [str(word) for word in command]
        try:
            process = subprocess.Popen(
                words,
                cwd=cwd,
                env=self.environment(),
                stdin=stdin or subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=subprocess.PIPE,
                start_new_session=self.shielded,
            )
        except OSError as error:
            raise CommandError(
                f"cannot run {words[0]}", command=words, code=127, tail=[str(error)], hint=hint
            ) from error
        with process:
            self.running.add(process)
            try:
                stdout, stderr = process.communicate()
            except BaseException:
                process.terminate()
                if self.shielded:
                    process.wait(CHILDREN_END_WITHIN_S)
                    _await_group(process.pid)
                raise
            finally:
                self.running.discard(process)
        self.note(words, stdout, stderr, process.returncode)
        if process.returncode != 0:
            raise self.failure(words, process.returncode, (stdout + stderr).decode(errors="replace"), hint)
        return stdout.decode(errors="replace")

    def stop(self) -> None:
        """End every command that runs in another thread; those threads get a CommandError."""
        for process in tuple(self.running):
            process.terminate()

    def succeeds(self, *command: str | Path) -> bool:
        """Say whether `command` exits with 0; it is a question, so a no is no error."""
        try:
            self.run(*command)
        except CommandError:
            return False
        return True

    def environment(self) -> dict[str, str]:
        """Return what the commands see as their environment."""
        return {**os.environ, **self.env}

    def note(self, words: Sequence[str], stdout: bytes, stderr: bytes, code: int) -> None:
        """Append a command and what it said to the log."""
        said = (stdout[-200_000:] + stderr[-200_000:]).decode(errors="replace")
        with self.log.open("ab") as log:
            log.write(redact(f"$ {' '.join(words)}\n{said}").encode())
            log.write(f"[exit {code}]\n".encode())

    def failure(self, words: Sequence[str], code: int, said: str, hint: str) -> CommandError:
        """Make the error of a command that failed."""
        tail = deque((line for line in said.splitlines() if line.strip()), maxlen=TAIL_LINES)
        headline = " ".join(words[:4]) + (" …" if len(words) > 4 else "")  # noqa: PLR2004 - a headline's length
        return CommandError(
            f"`{headline}` failed",
            command=words,
            code=code,
            tail=tuple(tail),
            hint=hint or f"the whole log: {self.log}",
        )


def _await_group(leader: int) -> None:
    """Wait until what `leader` had started has ended; it itself has.

    Raises:
        DeadlineError: something goes on.

    """

    def ended() -> bool:
        try:
            os.killpg(leader, 0)
        except ProcessLookupError:
            return True
        return False

    what = f"the processes that {leader} had started to end"
    wait_until(ended, within_s=CHILDREN_END_WITHIN_S, every_s=0.1, what=what)
