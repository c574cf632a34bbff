"""How far a scenario came: its steps with status and duration, and the text of a failure."""

from __future__ import annotations

import traceback
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Literal

import pytest
from _pytest._code.code import ReprFileLocation, TerminalRepr
from _pytest._io import TerminalWriter

from aftershock.clock import Clock, SystemClock, format_duration
from aftershock.collect.gherkin import Scenario
from aftershock.errors import AftershockError, InconclusiveError
from aftershock.report.secrets import redact
from aftershock.verdict import Verdict

__all__ = ["Failure", "Outcome", "Progress", "StepRun", "classify", "explain"]

Outcome = Literal["passed", "violated", "inconclusive", "broken", "interrupted"]
_FOREIGN = ("_pytest", "pluggy", "pytest_bdd", "allure_commons", "allure_pytest")


def classify(error: BaseException) -> Outcome:
    """Return what `error`, raised by a step, says about the scenario."""
    if isinstance(error, (AssertionError, pytest.fail.Exception)):
        return "violated"
    if isinstance(error, (InconclusiveError, pytest.skip.Exception)):
        return "inconclusive"  # a scenario that skips itself has proven nothing, and says so
    if isinstance(error, (KeyboardInterrupt, pytest.exit.Exception)):
        return "interrupted"
    return "broken"


@dataclass(frozen=True, slots=True, kw_only=True)
class StepRun:
    """A step that was begun, and when. `seconds` is how long it took."""

    text: str
    outcome: Outcome
    began: datetime
    seconds: float


class Progress:
    """The steps of a scenario that is running."""

    def __init__(self, scenario: Scenario, *, clock: Clock | None = None) -> None:
        self.scenario = scenario
        self.done: list[StepRun] = []
        self._clock = clock or SystemClock()
        self._open: tuple[str, datetime, float] | None = None

    @property
    def is_open(self) -> bool:
        """Say whether a step is running."""
        return self._open is not None

    @property
    def not_run(self) -> Sequence[str]:
        """Return the steps that were never begun."""
        begun = len(self.done) + self.is_open
        return [str(step) for step in self.scenario.steps[begun:]]

    def begin(self, text: str) -> None:
        """Note that a step begins."""
        self._open = (text, self._clock.now(), self._clock.monotonic())

    def end(self, outcome: Outcome) -> None:
        """Note how the running step ended."""
        if self._open:
            text, began, since = self._open
            self._open = None
            took = self._clock.monotonic() - since
            self.done.append(StepRun(text=text, outcome=outcome, began=began, seconds=took))

    def lines(self) -> Iterator[str]:
        """Yield the scenario with its steps, as a reader of the terminal gets it."""
        yield f"{self.scenario.name}  ({self.scenario.file}:{self.scenario.line})"
        for step in self.done:
            word = step.outcome if step.outcome == "passed" else step.outcome.upper()
            yield f"    {word:<13}{format_duration(step.seconds):>10}  {step.text}"
        for text in self.not_run:
            yield f"    {'not run':<13}{'':>10}  {text}"


@dataclass(eq=False)
class Failure(TerminalRepr):
    """The text of a failure in place of pytest's traceback.

    `reprcrash` holds its message alone: JUnit's attribute and pytest's short summary take it.
    """

    text: str
    reprcrash: ReprFileLocation

    def toterminal(self, tw: TerminalWriter) -> None:
        """Write the text as it is."""
        tw.line(self.text)


def explain(progress: Progress, verdicts: Sequence[Verdict], error: BaseException, *, root: Path) -> Failure:
    """Return what is said of a failure: the scenario, what was met, and what was not."""
    shown = [*progress.lines(), ""]
    shown += [f"  met: {v.name}: {v.observed} {v.unit}".rstrip() for v in verdicts if v.status == "met"]
    message = _interruption(error) if classify(error) == "interrupted" else str(error) or type(error).__name__
    scenario = progress.scenario
    crash = ReprFileLocation(path=scenario.file, lineno=scenario.line, message=redact(message))
    return Failure(text=redact("\n".join([*shown, *_problem(error, root)])), reprcrash=crash)


def _interruption(error: BaseException) -> str:
    return f"interrupted: {error}" if str(error) else "interrupted"


def _problem(error: BaseException, root: Path) -> Iterator[str]:
    """Yield a verdict as it is; an error of ours with its place; any other with its traceback."""
    frames = traceback.extract_tb(error.__traceback__)
    if isinstance(error, (KeyboardInterrupt, pytest.exit.Exception)):
        yield f"  {_interruption(error)}"
    elif isinstance(error, (AftershockError, AssertionError, pytest.fail.Exception, pytest.skip.Exception)):
        yield from _indented(str(error) or type(error).__name__)
        if frames and Path(frames[-1].filename).parts[-2:] != ("aftershock", "verdict.py"):
            yield f"  at {_shown(frames[-1].filename, root)}:{frames[-1].lineno}"
    else:
        yield from _indented("".join(_traceback(error).format()).rstrip())


def _indented(text: str) -> Iterator[str]:
    return (f"  {line}" for line in text.splitlines())


def _shown(filename: str, root: Path) -> str:
    path = Path(filename)
    return path.relative_to(root).as_posix() if path.is_relative_to(root) else "/".join(path.parts[-3:])


def _traceback(error: BaseException) -> traceback.TracebackException:
    """Return the traceback without the frames of the test machinery, and without any local value."""
    shown = traceback.TracebackException.from_exception(error, capture_locals=False)
    part: traceback.TracebackException | None = shown
    while part is not None:
        part.stack[:] = [f for f in part.stack if not set(_FOREIGN) & set(Path(f.filename).parts)]
        part = part.__cause__ or part.__context__
    return shown
