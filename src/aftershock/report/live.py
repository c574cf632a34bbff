"""What goes on, for the person at the terminal: scenario, step, what is waited for and until when.

On a terminal it is one line that is written over and over; elsewhere a line for each step, and one
more where a step waits for long.
"""

from __future__ import annotations

from collections.abc import Generator
from contextlib import AbstractContextManager, nullcontext
from datetime import datetime, timedelta
from typing import Any

import pytest
from pytest_bdd.parser import Step

from aftershock.clock import Clock, SystemClock, format_duration, observed_waits
from aftershock.collect.session import FEATURES
from aftershock.collect.turns import SCENARIO, TURN, Turn

__all__ = ["Live"]

# A line that says for what is written where a wait has taken so long, and may take so long still.
LONG_S = 3.0
MAY_LAST_S = 5.0
REDRAWN_S = 0.5
BEGINS, UNDO = "begins", "undo"
_CLEAR = "\r\x1b[2K"
_END_OF_LINE_BEFORE = "\x1b[A\x1b[999C"
_OPEN_LINE = -2  # pytest's own mark for a line that has no end yet


class Live:
    """The plugin that tells. `clock` is the one of the scenarios."""

    def __init__(self, config: pytest.Config, *, clock: Clock | None = None) -> None:
        self._features = config.stash[FEATURES]
        self._quiet = config.option.verbose < 0
        self._terminal: Any = config.pluginmanager.get_plugin("terminalreporter")
        self._capture = config.pluginmanager.get_plugin("capturemanager")
        self._clock = clock or SystemClock()
        self._scenario = self._phase = ""
        self._waits: tuple[str, datetime] | None = None
        self._wait_began = 0.0
        self._told_wait = self._drawn = False
        self._drawn_at = 0.0

    @pytest.hookimpl(wrapper=True)
    def pytest_runtest_protocol(self, item: pytest.Item) -> Generator[None, object, object]:
        """Tell of one scenario, as long as it runs."""
        if SCENARIO not in item.stash:
            return (yield)
        running, turn = self._features.running, item.stash.get(TURN, Turn())
        self._scenario = f"[{running.index(item) + 1}/{len(running)}] {item.stash[SCENARIO].name}"
        self._scenario += f", {turn.number} of {turn.of}" if turn.of > 1 else ""
        with observed_waits(self):
            try:
                return (yield)
            except BaseException:
                self._clear()
                raise  # what was done is undone at the end of the session
            finally:
                self._end()

    @pytest.hookimpl(trylast=True)
    def pytest_runtest_logstart(self) -> None:
        """Tell that the scenario begins, below the name of its file."""
        if self._scenario:
            self._enter(BEGINS)

    @pytest.hookimpl(tryfirst=True)
    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        """Leave the scenario's name on the terminal, where pytest puts its letter."""
        if self._drawn and (report.when == "call" or not report.passed):
            self._clear()
            self._leave(self._scenario)

    @pytest.hookimpl(wrapper=True)
    def pytest_runtest_teardown(self) -> Generator[None, None, None]:
        """Tell that what was done is undone now."""
        if self._scenario:
            self._enter(UNDO)
        return (yield)

    @pytest.hookimpl(wrapper=True, tryfirst=True)
    def pytest_sessionfinish(self) -> Generator[None, object, object]:
        """Tell of the undo of a scenario that was interrupted."""
        if not self._features.interrupts.asked:
            return (yield)
        with observed_waits(self):
            self._scenario = "the end of the run"
            self._enter(UNDO)
            try:
                return (yield)
            finally:
                self._end()

    def pytest_bdd_before_step(self, step: Step) -> None:
        """Tell of a step."""
        self._enter(f"{step.keyword.strip()} {step.name}")

    def waits(self, what: str, left_s: float) -> None:
        """Tell what is waited for."""
        now = self._clock.monotonic()
        if self._waits is None:
            self._wait_began = now
        self._waits = (what, self._clock.now() + timedelta(seconds=left_s))
        self._note()
        if self._on_terminal:
            if now - self._drawn_at >= REDRAWN_S:
                self._draw()
        elif not self._told_wait and now - self._wait_began >= LONG_S and left_s >= MAY_LAST_S:
            self._told_wait = True
            self.line(f"    {self._waiting()}")

    def waited(self) -> None:
        """Forget what was waited for."""
        self._waits = None
        self._note()

    def say(self, text: str) -> None:
        """Write a line that stays."""
        self._clear()
        if self._terminal:
            self._leave(text)

    @property
    def _on_terminal(self) -> bool:
        return bool(self._terminal and self._terminal.isatty and not self._quiet)

    def _enter(self, phase: str) -> None:
        self._phase, self._waits, self._told_wait = phase, None, False
        self._note()
        if self._on_terminal:
            self._draw()
        elif phase == BEGINS:
            self.line(self._scenario)
        elif phase != UNDO:
            self.line(f"  {phase}")

    def _end(self) -> None:
        if self._drawn:
            self._write(_CLEAR + _END_OF_LINE_BEFORE)
        self._drawn, self._scenario, self._features.doing = False, "", ""

    def _note(self) -> None:
        """Keep what goes on for whoever asks: somebody who presses Ctrl-C twice."""
        self._features.doing = ", ".join(text for text in (self._phase, self._waiting()) if text)

    def _waiting(self) -> str:
        if self._waits is None:
            return ""
        what, until = self._waits
        left = format_duration(max(0, round((until - self._clock.now()).total_seconds())))
        return f"waiting for {what} until {until.astimezone():%H:%M:%S} at the latest ({left})"

    def _draw(self) -> None:
        """Write the line anew, cut to the terminal's width."""
        if not self._drawn:
            self._write("\n" if self._terminal.currentfspath else "")
        self._drawn, self._drawn_at = True, self._clock.monotonic()
        text = " · ".join(part for part in (self._scenario, self._phase, self._waiting()) if part)
        width = max(20, self._terminal.config.get_terminal_writer().fullwidth - 1)
        self._write(_CLEAR + (text if len(text) <= width else text[: width - 1] + "…"))

    def _clear(self) -> None:
        if self._drawn:
            self._write(_CLEAR)
            self._drawn, self._terminal.currentfspath = False, None

    def _leave(self, text: str) -> None:
        """Write a line without its end: a letter of pytest may follow."""
        with self._uncaptured():
            self._terminal.ensure_newline()
            self._terminal.write(f"{text} ", flush=True)
        self._terminal.currentfspath = _OPEN_LINE

    def _write(self, text: str) -> None:
        """Write what is no line: past pytest, which counts how far it has come in its own."""
        with self._uncaptured():
            file = self._terminal.config.get_terminal_writer()._file  # noqa: SLF001 - there is no other way
            file.write(text)
            file.flush()

    def _uncaptured(self) -> AbstractContextManager[None]:
        """Return what lets through what is written: the output of a scenario is kept otherwise."""
        if self._capture is None:
            return nullcontext()
        uncaptured: AbstractContextManager[None] = self._capture.global_and_fixture_disabled()
        return uncaptured

    def line(self, text: str) -> None:
        """Write a line that stays, with the time, unless somebody wants it quiet."""
        if not self._quiet:
            self.say(f"{self._clock.now().astimezone():%H:%M:%S} {text}")
