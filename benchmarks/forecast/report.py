"""The tables of the bench, and its readings as a file."""

from __future__ import annotations

import json
import math
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from statistics import median

from rich.console import Console
from rich.table import Table

from benchmarks.forecast.readings import Reading, accuracy_of
from benchmarks.forecast.rules import FILLING

__all__ = ["P95_S", "SHARE", "Results", "keep", "show"]

P95_S = 0.5
"""What the 95th percentile of the error of the point may be."""
SHARE = 0.95
"""The least share of alerts that fire inside of the range."""

_WIDTH = 140
_TITLES = ("n", "no point", "median", "p95", "max", "inside", "width of range")


@dataclass(kw_only=True)
class Results:
    """Readings of the exporter's alerts and of the real fault's, and what else bears on them."""

    alerts: list[Reading] = field(default_factory=list)
    kills: list[Reading] = field(default_factory=list)
    shown_s: list[float] = field(default_factory=list)
    missed_evaluations: float = 0.0


def keep(results: Results, path: Path) -> None:
    """Write every reading, one JSON object a line."""
    lines = [json.dumps(asdict(reading)) + "\n" for reading in (*results.alerts, *results.kills)]
    path.write_text("".join(lines), encoding="utf-8")


def show(results: Results, console: Console) -> None:
    """Print what came of it. Times are seconds."""
    console.width = max(console.width, _WIDTH)  # a pipe has no width to keep to
    if results.alerts:
        console.print(_summary(results.alerts))
        console.print(_by_kind(results.alerts))
        console.print(f"evaluations that Prometheus left out: {results.missed_evaluations:g}")
        console.print(_astray([r for r in results.alerts if r.kind != FILLING]))
    if results.kills:
        console.print(_kills(results))


def _summary(readings: Sequence[Reading]) -> Table:
    table = Table("phases were read", *_TITLES, title="forecast of alerts: |point - true|, and the range, s")
    table.add_row("objective", "", "", "", f"{P95_S:g}", "", f"{SHARE:.0%}", "")
    table.add_section()
    for known in dict.fromkeys(reading.known for reading in readings):
        own = [reading for reading in readings if reading.known == known]
        table.add_row(known, *_cells([reading for reading in own if reading.kind != FILLING]))
    return table


def _by_kind(readings: Sequence[Reading]) -> Table:
    table = Table("phases were read", "condition", *_TITLES, title="the same by condition, s")
    for known in dict.fromkeys(reading.known for reading in readings):
        table.add_section()
        for kind in sorted({r.kind for r in readings}, key=lambda kind: (kind == FILLING, kind)):
            own = [r for r in readings if (r.known, r.kind) == (known, kind)]
            # Its point is the earliest that it could be, and no claim: only its range is judged.
            cells = _cells(own)
            table.add_row(known, f"({kind}: the range only)" if kind == FILLING else kind, *cells)
    return table


def _astray(readings: Sequence[Reading]) -> Table:
    """Show which were off by more than the objective, or outside of the range."""
    table = Table("alert", "phases were read", "earliest", "point", "latest", "true", "path", title="astray")
    for reading in readings:
        error = reading.error_s
        if error is None or abs(error) > P95_S or not reading.inside:
            table.add_row(reading.alert, reading.known, *_instants(reading), reading.made_of)
    return table


def _kills(results: Results) -> Table:
    table = Table(
        "alert",
        "earliest",
        "point",
        "latest",
        "true",
        "error",
        "inside",
        title="out of memory, s after the act",
    )
    for reading in results.kills:
        inside = "yes" if reading.inside else "no"
        table.add_row(reading.alert, *_instants(reading), _s(reading.error_s), inside)
    table.add_section()
    accuracy = accuracy_of(results.kills)
    figures = f"|error| median {_s(accuracy.median_s)}, max {_s(accuracy.worst_s)}"
    table.add_row(f"{accuracy.count} in all", "", "", "", "", figures, f"{accuracy.held:.0%}")
    if results.shown_s:
        known = (
            f"{min(results.shown_s):.2f} to {max(results.shown_s):.2f}, median {median(results.shown_s):.2f}"
        )
        table.caption = f"the API knew of the kill {known} s after the act"
    return table


def _instants(reading: Reading) -> tuple[str, ...]:
    return tuple(_s(at) for at in (reading.earliest_s, reading.point_s, reading.latest_s, reading.true_s))


def _cells(readings: Sequence[Reading]) -> tuple[str, ...]:
    a = accuracy_of(readings)
    figures = [_s(seconds) for seconds in (a.median_s, a.p95_s, a.worst_s)]
    return str(a.count), str(a.silent), *figures, f"{a.held:.0%}", _s(a.width_s)


def _s(seconds: float | None) -> str:
    return "-" if seconds is None or not math.isfinite(seconds) else f"{seconds:.2f}"
