"""What earlier runs have to say of a scenario's figures: what the report asks for, and how it is shown."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from statistics import median
from typing import Protocol

from aftershock.clock import format_duration
from aftershock.report.record import ScenarioRecord

__all__ = ["Before", "Compared", "EarlierRuns", "NoEarlierRuns", "figure", "sparkline"]

_WIDTH, _HEIGHT = 96, 20


@dataclass(frozen=True, kw_only=True)
class Before:
    """A figure as an earlier run had it; math.inf is one that never came."""

    run: str
    began: datetime
    value: float


@dataclass(frozen=True, kw_only=True)
class Compared:
    """A figure now and before, oldest first. `said` is what the history's test makes of it.

    `now` is None where this run has none. `worse` is true only where that test calls the change a
    regression.
    """

    figure: str
    unit: str
    now: float | None
    before: tuple[Before, ...]
    said: str = ""
    worse: bool = False

    @property
    def usual(self) -> float:
        """Return the median of before."""
        return median(one.value for one in self.before)


class EarlierRuns(Protocol):
    """What a history answers."""

    def compared(self, scenario: ScenarioRecord) -> Sequence[Compared]:
        """Return the figures of `scenario` that earlier runs have, too."""
        ...


class NoEarlierRuns:
    """A history with nothing in it."""

    def compared(self, scenario: ScenarioRecord) -> Sequence[Compared]:  # noqa: ARG002 - nothing is known
        """Return nothing."""
        return ()


def figure(value: float | None, unit: str) -> str:
    """Return a figure for a reader: "4.2 s", "never", "not known"."""
    if value is None:
        return "not known"
    if value == math.inf:
        return "never"
    return format_duration(round(value, 2)) if unit == "s" else f"{value:.3g} {unit}"


def sparkline(compared: Compared) -> str:
    """Return a small SVG of the figures before and, as a dot, of now; "" where there is no line to draw."""
    values = [one.value for one in compared.before if one.value < math.inf]
    drawn = compared.now is not None and compared.now < math.inf
    values += [compared.now] if compared.now is not None and drawn else []
    if len(values) < 2:  # noqa: PLR2004 - one is no line
        return ""
    low, high = min(values), max(values)
    span = (high - low) or 1.0
    wide, tall = _WIDTH - 8, _HEIGHT - 8
    points = [
        (4 + wide * number / (len(values) - 1), 4 + tall * (1 - (value - low) / span))
        for number, value in enumerate(values)
    ]
    path = "M" + "L".join(f"{x:.1f} {y:.1f}" for x, y in points)
    x, y = points[-1]
    dot = f'<circle class="f-{"bad" if compared.worse else "line"}" cx="{x:.1f}" cy="{y:.1f}" r="3"/>'
    label = f"{len(values)} values, {low:.4g} to {high:.4g}, the last {values[-1]:.4g}"
    return (
        f'<svg class="as-plot spark" role="img" aria-label="{label}" viewBox="0 0 {_WIDTH} {_HEIGHT}" '
        f'width="{_WIDTH}" height="{_HEIGHT}"><path class="curve s-muted" d="{path}"/>'
        f"{dot if drawn else ''}</svg>"
    )
