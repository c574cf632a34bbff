"""Being asked to end: Ctrl-C, a CI job that is cancelled, a stop condition.

The first asks the scenario that runs to end: KeyboardInterrupt in the main thread, after which
pytest's own end of the session takes the fault back and writes the reports. Whatever is asked while
a fault is taken back changes nothing about that; it is told what goes on, and the run ends after it.
"""

from __future__ import annotations

import os
import signal
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import FrameType

__all__ = ["SIGNALS", "Interrupts"]

SIGNALS = (signal.SIGTERM, signal.SIGINT)


class Interrupts:
    """What the process does when it is asked to end.

    `say` writes a line to the person at the terminal; it is called in a signal handler. `doing` says
    what goes on, in words that follow "now: ". `reason` is why the run ends, "" for a person's Ctrl-C.
    """

    def __init__(self, *, say: Callable[[str], None], doing: Callable[[], str]) -> None:
        self._say = say
        self._doing = doing
        self.asked = False
        self.reason = ""
        self._undoing = False

    @contextmanager
    def listening(self) -> Iterator[None]:
        """Hear the signals for as long as this lasts; a background job of a shell is deaf to SIGINT else."""
        before = {number: signal.signal(number, self._hear) for number in SIGNALS}
        try:
            yield
        finally:
            for number, handler in before.items():
                signal.signal(number, handler)

    @contextmanager
    def undoing(self) -> Iterator[None]:
        """Let nothing interrupt what is done now; `asked` says afterwards whether somebody tried."""
        outer, self._undoing = self._undoing, True
        try:
            yield
        finally:
            self._undoing = outer

    def stop(self, reason: str) -> None:
        """End the run as Ctrl-C does, for that reason; from any thread."""
        self.reason = self.reason or reason
        os.kill(os.getpid(), signal.SIGINT)

    def _hear(self, number: int, frame: FrameType | None) -> None:  # noqa: ARG002 - a handler gets both
        first, self.asked = not self.asked, True
        if first and not self._undoing:
            raise KeyboardInterrupt(self.reason)
        who = self.reason or f"{signal.Signals(number).name} heard"
        self._say(
            f"{who}: the run ends after the undo, which goes on; now: {self._doing()}\n"
            "    the reports are written after it. kill -9 ends it at once: then the cluster's reaper "
            "or `aftershock recover` has to undo"
        )
