"""What earlier runs have to say of a scenario's figures: what a history offers, and how it is shown.

The history is somebody else's; here is only what the report asks of it.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from statistics import median
from typing import Protocol

from aftershock.report.record import ScenarioRecord

__all__ = ["Before", "Compared", "EarlierRuns", "NoEarlierRuns", "sparkline"]

_WIDTH, _HEIGHT = 96, 20


@dataclass(frozen=True, kw_only=True)
class Before:
    """A figure as an earlier run had it; `value` is None where that run could not tell."""

    run: str
    began: datetime
    value: float | None
    status: str = ""


@dataclass(frozen=True, kw_only=True)
class Compared:
    """A figure now and before, oldest first. `said` is what the history's test makes of it.

    `worse` is true only where that test calls the change a regression.
    """

    figure: str
    unit: str
    now: float | None
    before: tuple[Before, ...]
    said: str = ""
    worse: bool = False

    @property
    def values(self) -> list[float]:
        """Return what is known of before."""
        return [one.value for one in self.before if one.value is not None]

    @property
    def usual(self) -> float | None:
        """Return the median of before."""
        return median(self.values) if self.values else None


class EarlierRuns(Protocol):
    """What a history answers."""

    def compared(self, scenario: ScenarioRecord, *, before: datetime) -> Sequence[Compared]:
        """Return the figures of `scenario` with those of runs that began earlier than `before`."""
        ...


class NoEarlierRuns:
    """A history with nothing in it."""

    def compared(self, scenario: ScenarioRecord, *, before: datetime) -> Sequence[Compared]:  # noqa: ARG002
        """Return nothing."""
        return ()


def sparkline(compared: Compared) -> str:
    """Return a small SVG of the figures before and, as a dot, of now; "" for fewer than two."""
    values = [*compared.values, *([] if compared.now is None else [compared.now])]
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
    dot = "f-bad" if compared.worse else "f-line"
    shown = f"from {low:.4g} to {high:.4g} {compared.unit}, now {values[-1]:.4g}".replace("&", "")
    return (
        f'<svg class="as-plot spark" role="img" aria-label="{len(values)} values {shown}" '
        f'viewBox="0 0 {_WIDTH} {_HEIGHT}" width="{_WIDTH}" height="{_HEIGHT}">'
        f'<path class="curve s-muted" d="{path}"/>'
        f'<circle class="{dot}" cx="{x:.1f}" cy="{y:.1f}" r="3"/></svg>'
    )
