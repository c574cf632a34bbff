"""From a run's folder to the history: what it came to is gathered, and entered as a whole."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from aftershock.errors import AftershockError, UsageError
from aftershock.history.facts import RunFacts, ScenarioFacts, title_of
from aftershock.history.measures import measures_of
from aftershock.history.store import History
from aftershock.judge.alert_table import alarms_of
from aftershock.judge.reliability import Figures, figures_of
from aftershock.report.record import Recorded, ScenarioRecord, read_run
from aftershock.report.secrets import redact
from aftershock.timeline import Event
from aftershock.verdict import Verdict

__all__ = ["Hear", "Imported", "facts_of", "import_runs"]

Hear = Callable[[Path, ScenarioRecord, Sequence[Event], Sequence[Verdict]], None]
"""What else is made of a scenario's record while it is at hand: its folder, events and verdicts."""


@dataclass(frozen=True, kw_only=True)
class Imported:
    """How it went with one folder: `entered`, or older than all that are kept, or there is a `problem`."""

    folder: Path
    entered: bool
    problem: str = ""

    def __str__(self) -> str:
        how = "entered" if self.entered else self.problem or "not entered: older than all runs that are kept"
        return f"{self.folder.name}: {how}"


def facts_of(recorded: Recorded, *, hear: Hear | None = None) -> RunFacts:
    """Return what the history keeps of a run. Each timeline is read once; `hear` is given it before.

    Raises:
        UsageError: a file of the run is none of ours.

    """
    run = recorded.run
    scenarios: list[ScenarioFacts] = []
    total = Figures()
    for folder, scenario in recorded.scenarios():
        try:
            events, verdicts = tuple(recorded.events(folder)), recorded.verdicts(folder)
            if hear:
                hear(folder, scenario, events, verdicts)
            facts, figures = _scenario(folder, scenario, events, verdicts)
        except (KeyError, TypeError, ValueError) as error:  # what a judge meets in a record of another time
            raise UsageError(
                f"the record in {folder} is not one that this version judges",
                found=repr(error),
                hint="`aftershock judge` of the version that recorded it still does",
            ) from error
        scenarios.append(facts)
        total += figures
    return RunFacts(
        id=run.id,
        began=run.began,
        ended=run.ended,
        state=run.state,
        why=redact(run.why),
        profile=run.profile,
        cluster=run.cluster,
        gameday=run.gameday,
        environment={name: redact(value) for name, value in run.environment.items()},
        planned=len(run.planned),
        scenarios=tuple(scenarios),
        figures=total,
    )


def import_runs(folders: Sequence[Path], history: Path, *, keep: int) -> list[Imported]:
    """Enter the runs in `folders`, oldest first; what is wrong with one keeps no other from it.

    Raises:
        HistoryError: the history itself cannot be used.

    """
    found: list[Imported] = []
    readable: list[Recorded] = []
    for folder in folders:
        try:
            readable.append(read_run(folder))
        except AftershockError as error:
            found.append(Imported(folder=folder, entered=False, problem=str(error)))
    with History(history) as store:
        for recorded in sorted(readable, key=lambda recorded: recorded.run.began):
            try:
                facts = facts_of(recorded)
            except AftershockError as error:
                found.append(Imported(folder=recorded.folder, entered=False, problem=str(error)))
            else:
                store.add(facts, keep=keep)
                found.append(Imported(folder=recorded.folder, entered=store.has(facts.id)))
    return found


def _scenario(
    folder: Path, scenario: ScenarioRecord, events: Sequence[Event], verdicts: Sequence[Verdict]
) -> tuple[ScenarioFacts, Figures]:
    alarms = alarms_of(events, verdicts)
    facts = ScenarioFacts(
        folder=folder.name,
        file=scenario.file,
        template=scenario.template,
        example={name: redact(value) for name, value in scenario.example},
        name=redact(title_of(scenario.name, scenario.example)),
        feature=scenario.feature,
        outcome=scenario.outcome,
        message=redact(scenario.message),
        began=scenario.began,
        ended=scenario.ended,
        verdicts=tuple(map(_redacted, verdicts)),
        measures=tuple(measures_of(events, verdicts)),
        alarms=alarms.all if alarms else None,
        false_alarms=alarms.false if alarms else None,
    )
    return facts, figures_of(events, verdicts)


def _redacted(verdict: Verdict) -> Verdict:
    observed = verdict.observed
    return replace(
        verdict,
        name=redact(verdict.name),
        expected=redact(verdict.expected),
        observed=redact(observed) if isinstance(observed, str) else observed,
        reason=redact(verdict.reason),
    )
