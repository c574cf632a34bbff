"""The plugin that keeps a record of a run and of each of its scenarios while they run."""

from __future__ import annotations

from collections.abc import Generator
from datetime import datetime
from pathlib import Path

import msgspec
import pytest

from aftershock.clock import Clock, SystemClock
from aftershock.collect.session import FEATURES, find_error
from aftershock.collect.turns import FOLDER, SCENARIO, TURN, Turn
from aftershock.errors import ResidueError
from aftershock.report import record
from aftershock.report.environment import seeds_of
from aftershock.report.outcomes import PROGRESS
from aftershock.report.progress import Outcome
from aftershock.report.record import RunRecord, ScenarioRecord, StepRecord, write_record
from aftershock.report.secrets import redact

__all__ = ["Keeper"]


class Keeper:
    """Writes run.json when the run begins and when it ends, and scenario.json after each scenario.

    Where scenarios run side by side, run.json is for the run's own process alone: `lead`.
    """

    def __init__(
        self, folder: Path, run: RunRecord, *, lead: bool = True, clock: Clock | None = None
    ) -> None:
        self.run = run
        self._lead = lead
        self._path = folder / record.RUN
        self._clock = clock or SystemClock()
        self._outcomes: dict[str, tuple[Outcome, str]] = {}
        if lead:
            write_record(self._path, run)

    @pytest.hookimpl(wrapper=True, tryfirst=True)
    def pytest_runtest_protocol(self, item: pytest.Item) -> Generator[None, object, object]:
        """Keep how a scenario went, however it ended."""
        began = self._clock.now()
        try:
            return (yield)
        finally:
            if SCENARIO in item.stash:
                how = self._outcomes.pop(item.nodeid, ("passed", ""))
                kept = _kept(item, how, began=began, ended=self._clock.now())
                write_record(item.stash[FOLDER] / record.SCENARIO, kept)

    @pytest.hookimpl(tryfirst=True)
    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        """Note the first thing that went wrong; what an undo raises afterwards does not replace it."""
        outcome: Outcome | None = getattr(report, "aftershock_outcome", None)
        if outcome and report.nodeid not in self._outcomes:
            crash = getattr(report.longrepr, "reprcrash", None)
            self._outcomes[report.nodeid] = outcome, redact(crash.message) if crash else ""

    @pytest.hookimpl(wrapper=True, trylast=True)
    def pytest_sessionfinish(
        self, session: pytest.Session, exitstatus: int
    ) -> Generator[None, object, object]:
        """Keep how the run ended, once what it did is undone: after Ctrl-C that is done in here.

        Innermost of all wrappers: the terminal's makes the reports, which tell how it ended.
        """
        left: ResidueError | None = None
        try:
            return (yield)
        except BaseException as error:
            left = find_error(error, ResidueError)
            raise
        finally:
            if self._lead:
                self._keep_end(session, exitstatus, left)

    def _keep_end(self, session: pytest.Session, exitstatus: int, left: ResidueError | None) -> None:
        features = session.config.stash[FEATURES]
        why = str(
            features.residue or left or features.stopped or session.shouldstop or session.shouldfail or ""
        )
        state: record.State = "stopped" if why else "finished"
        if exitstatus == pytest.ExitCode.INTERRUPTED and not why:
            state = "interrupted"
        known = {**self.run.environment, "seeds": seeds_of(self._path.parent)}
        self.run = msgspec.structs.replace(
            self.run,
            state=state,
            why=redact(why),
            ended=self._clock.now(),
            environment={name: value for name, value in known.items() if value},
        )
        write_record(self._path, self.run)


def _kept(item: pytest.Item, how: tuple[Outcome, str], *, began: datetime, ended: datetime) -> ScenarioRecord:
    scenario, progress, turn = item.stash[SCENARIO], item.stash[PROGRESS], item.stash.get(TURN, Turn())
    done = [
        StepRecord(text=redact(step.text), outcome=step.outcome, began=step.began, seconds=step.seconds)
        for step in progress.done
    ]
    missing = [StepRecord(text=redact(text), outcome="not run") for text in progress.not_run]
    return ScenarioRecord(
        name=scenario.name,
        template=scenario.template,
        feature=scenario.feature,
        file=scenario.file,
        line=scenario.line,
        rule=scenario.rule,
        description=scenario.description,
        tags=tuple(sorted(scenario.tags)),
        example=scenario.example,
        outcome=how[0],
        message=how[1],
        began=began,
        ended=ended,
        steps=(*done, *missing),
        hypothesis=turn.hypothesis,
        repetition=turn.number,
        repetitions=turn.of,
    )
