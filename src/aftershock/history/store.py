"""The history of runs, in one file of SQLite: what `facts` says of each, for as many runs as are kept."""

from __future__ import annotations

import json
import math
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from itertools import groupby
from pathlib import Path
from statistics import median_high
from typing import Any, Self

from aftershock.clock import from_rfc3339, rfc3339
from aftershock.errors import HistoryError
from aftershock.history.facts import Measure, RunFacts, ScenarioFacts
from aftershock.history.opening import open_history, told, transaction
from aftershock.history.trend import Point, Series
from aftershock.judge.reliability import Figures
from aftershock.verdict import Verdict

__all__ = ["History", "Kept", "Turn"]


@dataclass(frozen=True, kw_only=True)
class Turn:
    """How a scenario went in one run."""

    run: str
    began: datetime
    outcome: str
    alarms: int | None
    false_alarms: int | None


@dataclass(frozen=True, kw_only=True)
class Kept:
    """A scenario in the runs of one profile on one cluster, and all its turns there, oldest first."""

    profile: str
    cluster: str
    file: str
    template: str
    example: Mapping[str, str]
    name: str
    feature: str
    turns: tuple[Turn, ...]


class History:
    """An open history. Every method raises HistoryError where the file cannot be read or written."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._connection = open_history(path)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._connection.close()

    def add(self, run: RunFacts, *, keep: int) -> None:
        """Enter `run`, in place of what was entered of it before; all of it or nothing.

        Of runs of its profile, cluster and game day all but the latest `keep` are removed.
        """
        with told(self.path), transaction(self._connection):
            self._connection.execute("DELETE FROM runs WHERE id = ?", (run.id,))
            self._insert(
                "runs",
                id=run.id,
                began=rfc3339(run.began),
                ended=rfc3339(run.ended) if run.ended else None,
                state=run.state,
                why=run.why,
                profile=run.profile,
                cluster=run.cluster,
                gameday=run.gameday,
                environment=_json(run.environment),
                planned=run.planned,
                figures=json.dumps(run.figures.to_dict()),
            )
            for scenario in run.scenarios:
                self._add_turn(run.id, scenario)
            self._prune(run, keep)

    def has(self, run: str) -> bool:
        """Say whether there is a run of that id."""
        with told(self.path):
            return bool(self._connection.execute("SELECT 1 FROM runs WHERE id = ?", (run,)).fetchone())

    def runs(self) -> list[str]:
        """Return the ids of all runs, oldest first."""
        with told(self.path):
            return [run for (run,) in self._connection.execute("SELECT id FROM runs ORDER BY began, id")]

    def figures(self) -> tuple[Figures, int]:
        """Return the sums over all runs that have any, and how many these are."""
        with told(self.path):
            rows = self._connection.execute("SELECT figures FROM runs WHERE figures IS NOT NULL").fetchall()
        try:
            return sum((Figures.from_dict(json.loads(text)) for (text,) in rows), Figures()), len(rows)
        except (ValueError, KeyError, TypeError) as error:
            raise HistoryError(
                f"{self.path} has sums of a run that are none of ours",
                found=repr(error),
                hint="`aftershock history --import reports/*` enters the runs again",
            ) from error

    def scenarios(self) -> list[Kept]:
        """Return every scenario with its turns, by profile, cluster and where it is written."""
        query = """
            SELECT profile, cluster, file, template, example, name, feature,
                   runs.id, runs.began, outcome, alarms, false_alarms
            FROM turns JOIN runs ON runs.id = turns.run JOIN scenarios ON scenarios.id = turns.scenario
            ORDER BY profile, cluster, file, template, example, runs.began, turns.id
        """
        return [
            Kept(
                profile=profile,
                cluster=cluster,
                file=file,
                template=template,
                example=json.loads(example),
                name=name,
                feature=feature,
                turns=tuple(
                    Turn(run=run, began=from_rfc3339(began), outcome=how, alarms=alarms, false_alarms=false)
                    for *_, run, began, how, alarms, false in rows
                ),
            )
            for (profile, cluster, file, template, example, name, feature), rows in self._grouped(query, 7)
        ]

    def series(self) -> list[Series]:
        """Return every figure of every scenario through its runs; of a run's repetitions the median."""
        with told(self.path), transaction(self._connection, "DEFERRED"):  # both look at the same runs
            return self._series()

    def _series(self) -> list[Series]:
        turned: dict[tuple[object, ...], int] = {
            (kept.profile, kept.cluster, kept.file, kept.template, _json(kept.example)): len(
                {turn.run for turn in kept.turns}
            )
            for kept in self.scenarios()
        }
        query = """
            SELECT profile, cluster, file, template, example, name, kind, subject, unit,
                   runs.id, runs.began, value, resolution
            FROM measures JOIN turns ON turns.id = measures.turn JOIN runs ON runs.id = turns.run
                 JOIN scenarios ON scenarios.id = turns.scenario
            ORDER BY profile, cluster, file, template, example, kind, subject, unit, runs.began, runs.id
        """
        return [
            Series(
                profile=profile,
                cluster=cluster,
                file=file,
                template=template,
                example=json.loads(example),
                scenario=name,
                kind=kind,
                subject=subject,
                unit=unit,
                runs=turned[profile, cluster, file, template, example],
                points=tuple(_points(row[9:] for row in rows)),
            )
            for (profile, cluster, file, template, example, name, kind, subject, unit), rows in (
                self._grouped(query, 9)
            )
        ]

    def _grouped(self, query: str, width: int) -> Iterator[tuple[tuple[Any, ...], list[tuple[Any, ...]]]]:
        """Yield the rows of `query` by their first `width` columns."""
        with told(self.path):
            found = self._connection.execute(query).fetchall()
        for key, rows in groupby(found, key=lambda row: row[:width]):
            yield key, list(rows)

    def _add_turn(self, run: str, scenario: ScenarioFacts) -> None:
        (number,) = self._connection.execute(
            """
            INSERT INTO scenarios (file, template, example, name, feature) VALUES (?, ?, ?, ?, ?)
            ON CONFLICT DO UPDATE SET name = excluded.name, feature = excluded.feature
            RETURNING id
            """,
            (scenario.file, scenario.template, _json(scenario.example), scenario.name, scenario.feature),
        ).fetchone()
        turn = self._insert(
            "turns",
            run=run,
            scenario=number,
            folder=scenario.folder,
            outcome=scenario.outcome,
            message=scenario.message,
            began=rfc3339(scenario.began),
            ended=rfc3339(scenario.ended),
            alarms=scenario.alarms,
            false_alarms=scenario.false_alarms,
        )
        for place, verdict in enumerate(scenario.verdicts):
            self._add_verdict(turn, place, verdict)
        for measure in scenario.measures:
            self._add_measure(turn, measure)

    def _add_verdict(self, turn: int, place: int, verdict: Verdict) -> None:
        number = isinstance(verdict.observed, int | float)
        self._insert(
            "verdicts",
            turn=turn,
            place=place,
            name=verdict.name,
            judge=(verdict.question or {}).get("judge", ""),
            status=verdict.status,
            expected=verdict.expected,
            figure=verdict.observed if number else None,
            said=None if number else verdict.observed,
            unit=verdict.unit,
            resolution_s=verdict.resolution_s,
            reason=verdict.reason,
            profile=verdict.profile,
        )

    def _add_measure(self, turn: int, measure: Measure) -> None:
        self._insert("measures", turn=turn, **vars(measure))

    def _insert(self, table: str, **values: object) -> int:
        """Insert a row; the names are this module's own, never a user's."""
        names, marks = ", ".join(values), ", ".join("?" * len(values))
        done = self._connection.execute(
            f"INSERT INTO {table} ({names}) VALUES ({marks})",  # noqa: S608 - as above
            tuple(values.values()),
        )
        return done.lastrowid or 0

    def _prune(self, run: RunFacts, keep: int) -> None:
        self._connection.execute(
            """
            DELETE FROM runs WHERE id IN (
                SELECT id FROM runs WHERE profile = ? AND cluster = ? AND gameday = ?
                ORDER BY began DESC, id DESC LIMIT -1 OFFSET ?
            )
            """,
            (run.profile, run.cluster, run.gameday, keep),
        )
        self._connection.execute("DELETE FROM scenarios WHERE id NOT IN (SELECT scenario FROM turns)")


def _points(rows: Iterable[tuple[Any, ...]]) -> Iterator[Point]:
    for (run, began), group in groupby(rows, key=lambda row: row[:2]):
        found = [(math.inf if value is None else value, error) for _, _, value, error in group]
        yield Point(
            run=run,
            began=from_rfc3339(began),
            value=median_high(value for value, _ in found),
            resolution=max(error for _, error in found),
        )


def _json(mapping: Mapping[str, str]) -> str:
    return json.dumps(dict(sorted(mapping.items())), ensure_ascii=False)
