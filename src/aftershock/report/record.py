"""What is kept of a run for whoever reads it later: the history, the reports, a rebuilt report.

run.json says what the run was; it is there from the beginning, and written again at the end: one
that says "running" was killed, or runs. scenario.json, in each scenario's folder, says how that one
went. What was observed and judged stands beside it, in timeline.jsonl and verdicts.json.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from pathlib import Path
from typing import Literal, TypeVar

import msgspec

from aftershock.errors import UsageError
from aftershock.report.progress import Outcome
from aftershock.report.verdicts import read_verdicts
from aftershock.timeline import Event, read_timeline
from aftershock.verdict import Verdict

__all__ = [
    "RUN",
    "SCENARIO",
    "TIMELINE",
    "VERDICTS",
    "Recorded",
    "RunRecord",
    "ScenarioRecord",
    "StepRecord",
    "read_run",
    "write_record",
]

RUN = "run.json"
SCENARIO = "scenario.json"
TIMELINE = "timeline.jsonl"
VERDICTS = "verdicts.json"
FORMAT = 1
"""Counted up when a reader of the format before would misread it."""

State = Literal["running", "finished", "interrupted", "stopped"]
"""finished      every scenario had its turn
interrupted   Ctrl-C, or a signal
stopped       by a stop condition, by what an undo left, by the environment: `why` says it
"""


class StepRecord(msgspec.Struct, frozen=True, kw_only=True):
    """A step; `began` and `seconds` are None for one that was not run."""

    text: str
    outcome: Outcome | Literal["not run"]
    began: datetime | None = None
    seconds: float | None = None


class ScenarioRecord(msgspec.Struct, frozen=True, kw_only=True):
    """One scenario as it went. `message` says why it did not pass; `file` is as called from the root.

    It was repetition number `repetition` of `repetitions`; `hypothesis` is what its game day expected.
    """

    name: str
    template: str
    feature: str
    file: str
    line: int
    outcome: Outcome
    began: datetime
    ended: datetime
    rule: str = ""
    description: str = ""
    tags: tuple[str, ...] = ()
    example: tuple[tuple[str, str], ...] = ()
    message: str = ""
    hypothesis: str = ""
    repetition: int = 1
    repetitions: int = 1
    steps: tuple[StepRecord, ...] = ()


class RunRecord(msgspec.Struct, frozen=True, kw_only=True):
    """One run. `planned` are the folders of its scenarios, in the order of the run.

    `gameday` is the name of the game day that it was made for, empty for a plain run; `environment`
    has what the figures were obtained on: versions, nodes, seeds.
    """

    id: str
    began: datetime
    state: State
    profile: str
    cluster: str
    planned: tuple[str, ...]
    ended: datetime | None = None
    why: str = ""
    gameday: str = ""
    environment: dict[str, str] = {}
    format: int = FORMAT


class Recorded:
    """A run that was recorded, read from its folder as it is asked for."""

    def __init__(self, folder: Path, run: RunRecord) -> None:
        self.folder = folder
        self.run = run

    def scenarios(self) -> Iterator[tuple[Path, ScenarioRecord]]:
        """Yield the scenarios that have ended, with their folders, in the run's order.

        Raises:
            UsageError: a file is none of ours.

        """
        for name in self.run.planned:
            path = self.folder / name / SCENARIO
            if path.is_file():
                yield path.parent, _read(path, ScenarioRecord)

    @staticmethod
    def verdicts(folder: Path) -> list[Verdict]:
        """Return the verdicts of the scenario in `folder`; none where it broke before its first."""
        return read_verdicts(folder / VERDICTS) if (folder / VERDICTS).is_file() else []

    @staticmethod
    def events(folder: Path) -> Iterator[Event]:
        """Yield what was observed of the scenario in `folder`."""
        if (folder / TIMELINE).is_file():
            yield from read_timeline(folder / TIMELINE)


_Record = TypeVar("_Record", RunRecord, ScenarioRecord)


def read_run(folder: Path) -> Recorded:
    """Return the run in `folder`.

    Raises:
        UsageError: there is none, or it is of a later version.

    """
    if not (folder / RUN).is_file():
        raise UsageError(
            f"there is no recorded run in {folder}",
            expected=f"a folder below reports/, with a {RUN}",
            hint="a run that ended before its first scenario leaves none",
        )
    run = _read(folder / RUN, RunRecord)
    if run.format > FORMAT:
        raise UsageError(
            f"{folder / RUN} was written by a later version",
            expected=f"format {FORMAT} or older",
            found=str(run.format),
        )
    return Recorded(folder, run)


def write_record(path: Path, record: RunRecord | ScenarioRecord) -> None:
    """Replace the file as a whole: a killed run leaves the record before, never half of one."""
    path.parent.mkdir(parents=True, exist_ok=True)
    fresh = path.with_suffix(".json.new")
    fresh.write_bytes(msgspec.json.format(msgspec.json.encode(record), indent=1) + b"\n")
    fresh.replace(path)


def _read(path: Path, kind: type[_Record]) -> _Record:
    try:
        return msgspec.json.decode(path.read_bytes(), type=kind)
    except (OSError, msgspec.DecodeError) as error:
        raise UsageError(f"cannot read {path}", found=str(error), expected="a record of a run") from error
