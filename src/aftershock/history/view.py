"""The history for a person, as lines, and for a program, as JSON."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from typing import Any

from aftershock.clock import format_duration, rfc3339
from aftershock.counting import counted
from aftershock.errors import UsageError
from aftershock.history.facts import KINDS
from aftershock.history.store import Kept
from aftershock.history.trend import ALPHA, Point, Series, Trend, most_before, percentile

__all__ = ["as_json", "as_lines", "bars", "chosen"]

_BARS = "▁▂▃▄▅▆▇█"
_NEVER = "×"  # noqa: RUF001 - a mark among the bars, not a letter


def chosen(scenarios: Sequence[Kept], words: str) -> list[Kept]:
    """Return the scenarios whose name or file contains `words`, in whatever case.

    Raises:
        UsageError: there is none.

    """
    found = [one for one in scenarios if words.lower() in f"{one.name}\n{one.template}\n{one.file}".lower()]
    if not found:
        raise UsageError(
            f"the history has no scenario with {words!r} in its name or file" if words else "it has no run",
            expected="; ".join(sorted({one.name for one in scenarios})) or "a run that was entered",
            hint="" if scenarios else "`aftershock history --import reports/*` enters runs",
        )
    return found


def as_lines(scenarios: Sequence[Kept], trends: Sequence[Trend], *, last: int) -> Iterator[str]:
    """Yield the scenarios by profile and cluster, each with its outcomes and a line for each figure."""
    group: tuple[str, str] | None = None
    for scenario in scenarios:
        if group != (scenario.profile, scenario.cluster):
            group = (scenario.profile, scenario.cluster)
            yield f"profile {scenario.profile}, cluster {scenario.cluster}"
        yield ""
        yield f"{scenario.name}  ({scenario.file})"
        yield f"  {_outcomes(scenario)}"
        rows = [_row(trend) for trend in _of(scenario, trends)]
        widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
        for row in rows:
            yield "  " + "  ".join(map(str.ljust, row, widths)).rstrip()
    yield ""
    yield (
        f"median (p95) of the last {last} runs with the figure against at most {most_before(last)} before. "
        f"A regression is one that chance explains in at most {100 * ALPHA:g} % of all looks, and that is "
        "larger than the figures' error"
    )


def as_json(scenarios: Sequence[Kept], trends: Sequence[Trend], *, last: int) -> dict[str, Any]:
    """Return all of it; a figure that never came has the value null."""
    test = {"last": last, "before_at_most": most_before(last), "alpha": ALPHA}
    return {"test": test, "scenarios": [_scenario(one, _of(one, trends)) for one in scenarios]}


def bars(values: Iterable[float]) -> str:
    """Return a bar for each value, from nothing to the largest of them; a cross for one that never came."""
    shown = list(values)
    largest = max((value for value in shown if value < math.inf), default=0.0) or 1.0
    top = len(_BARS) - 1
    return "".join(_NEVER if value == math.inf else _BARS[round(top * value / largest)] for value in shown)


def _of(scenario: Kept, trends: Iterable[Trend]) -> list[Trend]:
    return [trend for trend in trends if _key(trend.series) == _key(scenario)]


def _key(one: Series | Kept) -> tuple[object, ...]:
    return one.profile, one.cluster, one.file, one.template, dict(one.example)


def _outcomes(scenario: Kept) -> str:
    counts = Counter(turn.outcome for turn in scenario.turns)
    said = ", ".join(f"{count} {outcome}" for outcome, count in counts.most_common())
    alarms = sum(turn.alarms or 0 for turn in scenario.turns)
    false = sum(turn.false_alarms or 0 for turn in scenario.turns)
    runs = len({turn.run for turn in scenario.turns})
    often = "" if runs == len(scenario.turns) else f"{len(scenario.turns)} times in "
    return f"{often}{counted(runs, 'run')} until {scenario.turns[-1].run}: {said}" + (
        f"; {false} of {alarms} alarms false" if alarms else ""
    )


def _row(trend: Trend) -> tuple[str, ...]:
    series = trend.series
    before, recent = series.parts(trend.last)
    finding = trend.finding if trend.finding != "none" else "no regression"
    chance = "" if trend.chance is None else f" (chance {100 * trend.chance:.2g} %)"
    because = "" if trend.finding == "regression" else f": {trend.because}"
    missing = series.runs - len(series.points)
    without = f"; {counted(missing, 'run')} without the figure" if missing else ""
    return (
        f"{KINDS[series.kind]} {series.subject}",
        bars(point.value for point in (*before, *recent)),
        f"{_summary(before, series.unit)} → {_summary(recent, series.unit)}" if before else
        _summary(recent, series.unit),
        f"{finding}{because}{chance}{without}",
    )  # fmt: skip


def _summary(points: Sequence[Point], unit: str) -> str:
    values = [point.value for point in points]
    return f"{_shown(percentile(values, 0.5), unit)} ({_shown(percentile(values, 0.95), unit)})"


def _shown(value: float, unit: str) -> str:
    if value == math.inf:
        return "never"
    return format_duration(round(value, 2)) if unit == "s" else f"{value:.3g} {unit}"


def _scenario(one: Kept, trends: Sequence[Trend]) -> dict[str, Any]:
    return {
        "profile": one.profile,
        "cluster": one.cluster,
        "file": one.file,
        "template": one.template,
        "example": dict(one.example),
        "name": one.name,
        "feature": one.feature,
        "turns": [{**vars(turn), "began": rfc3339(turn.began)} for turn in one.turns],
        "figures": [_figure(trend) for trend in trends],
    }


def _figure(trend: Trend) -> dict[str, Any]:
    series = trend.series
    before, recent = series.parts(trend.last)
    return {
        "kind": series.kind,
        "subject": series.subject,
        "unit": series.unit,
        "finding": trend.finding,
        "because": trend.because,
        "chance": trend.chance,
        "shift": _number(trend.shift),
        "before": _numbers(before),
        "last": _numbers(recent),
        "points": [
            {
                "run": point.run,
                "began": rfc3339(point.began),
                "value": _number(point.value),
                "resolution": point.resolution,
            }
            for point in series.points
        ],
    }


def _numbers(points: Sequence[Point]) -> dict[str, Any]:
    values = [point.value for point in points]
    if not values:
        return {"runs": 0, "median": None, "p95": None}
    median, p95 = percentile(values, 0.5), percentile(values, 0.95)
    return {"runs": len(values), "median": _number(median), "p95": _number(p95)}


def _number(value: float | None) -> float | None:
    """Return the number as JSON can have it: infinity is none."""
    return value if value is not None and math.isfinite(value) else None
