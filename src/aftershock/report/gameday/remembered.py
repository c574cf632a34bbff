"""Earlier runs from the history: each figure as it stood when a run had ended, whatever came after it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path

from aftershock.history.facts import KINDS
from aftershock.history.store import History
from aftershock.history.trend import Trend, trends_of
from aftershock.report.gameday.earlier import Before, Compared
from aftershock.report.record import RunRecord, ScenarioRecord

__all__ = ["Remembered"]

_FINDINGS = {"regression": "regression", "none": "no regression", "unknown": "unknown"}


class Remembered:
    """What the history in `file` says of the scenarios of `run`, by the runs until then."""

    def __init__(self, file: Path, run: RunRecord) -> None:
        """Read the history.

        Raises:
            HistoryError: it cannot be read.

        """
        self._run = run
        self._trends: list[Trend] = []
        if not file.is_file():
            return
        with History(file) as store:
            series = store.series()
        # All figures of that time are judged together, as `aftershock history` judges them.
        until = [
            replace(one, points=[point for point in one.points if point.began <= run.began])
            for one in series
            if (one.profile, one.cluster) == (run.profile, run.cluster)
        ]
        self._trends = trends_of([one for one in until if one.points])

    def compared(self, scenario: ScenarioRecord) -> Sequence[Compared]:
        """Return the figures of `scenario` that runs before this one have, too."""
        key = scenario.file, scenario.template, dict(scenario.example)
        return list(self._of(key))

    def _of(self, key: tuple[object, ...]) -> Iterator[Compared]:
        for trend in self._trends:
            series = trend.series
            before = [point for point in series.points if point.run != self._run.id]
            if (series.file, series.template, dict(series.example)) != key or not before:
                continue
            now = next((point.value for point in series.points if point.run == self._run.id), None)
            yield Compared(
                figure=f"{KINDS[series.kind]} {series.subject}",
                unit=series.unit,
                now=now,
                before=tuple(Before(run=one.run, began=one.began, value=one.value) for one in before),
                said=_said(trend),
                worse=trend.finding == "regression",
            )


def _said(trend: Trend) -> str:
    chance = "" if trend.chance is None else f" (chance {100 * trend.chance:.2g} %)"
    return f"{_FINDINGS[trend.finding]}: {trend.because}{chance}"
