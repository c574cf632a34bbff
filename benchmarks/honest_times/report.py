"""The tables of the bench, and its readings as a file."""

from __future__ import annotations

import json
import math
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from statistics import median

from rich.console import Console
from rich.table import Table

from benchmarks.honest_times.errors import Reading, errors_of, percentile
from benchmarks.honest_times.measuring import CLIENT, KUBERNETES
from benchmarks.honest_times.trials import KINDS

__all__ = ["Results", "keep", "show"]

OBJECTIVES_S = {CLIENT: 0.1, KUBERNETES: 0.25}

_WIDTH = 140
_TITLES = ("outages", "median", "p95", "max", "missed", "unknown", "invented", "beyond ±")


@dataclass(frozen=True, kw_only=True)
class Results:
    """Readings of every method; lags in seconds by what they are between; how busy the cores were."""

    readings: list[Reading] = field(default_factory=list)
    lags: dict[str, list[float]] = field(default_factory=dict)
    busy: dict[str, float] = field(default_factory=dict)


def keep(results: Results, path: Path) -> None:
    """Write every reading, one JSON object a line."""
    lines = [json.dumps(asdict(reading)) + "\n" for reading in results.readings]
    path.write_text("".join(lines), encoding="utf-8")


def show(results: Results, console: Console) -> None:
    """Print what came of it. Times are milliseconds."""
    console.width = max(console.width, _WIDTH)  # a pipe has no width to keep to
    for table in (_summary(results), _by_length(results), _lags(results)):
        console.print(table)
    for what, share in results.busy.items():
        console.print(f"cores busy during {what}: {share:.0%}")
    unseen = sum(1 for r in results.readings if r.method == KUBERNETES and r.true_s is None)
    console.print(f"outages that the readiness probe itself did not notice: {unseen}")


def _summary(results: Results) -> Table:
    table = Table(
        "cores", "method", *_TITLES, "p95 may be", title="error of a measured duration, |measured - true|, ms"
    )
    for condition in _names(r.condition for r in results.readings):
        for method in _names(r.method for r in results.readings):
            own = [r for r in results.readings if (r.condition, r.method) == (condition, method)]
            limit = OBJECTIVES_S.get(method)
            table.add_row(condition, method, *_cells(own), _ms(limit) if limit else "")
    return table


def _by_length(results: Results) -> Table:
    table = Table("cores", "method", "length", *_TITLES, title="the same by length, ms")
    for condition in _names(r.condition for r in results.readings):
        for method in _names(r.method for r in results.readings):
            table.add_section()
            for kind in KINDS:
                key = (condition, method, kind)
                own = [r for r in results.readings if (r.condition, r.method, r.kind) == key]
                if own:
                    table.add_row(*key, *_cells(own))
    return table


def _lags(results: Results) -> Table:
    table = Table("from … to …", "n", "median", "p95", "max", title="lags, ms")
    for between, seconds in results.lags.items():
        figures = (median(seconds), percentile(seconds, 95), max(seconds)) if seconds else (math.nan,) * 3
        table.add_row(between, str(len(seconds)), *map(_ms, figures))
    return table


def _cells(readings: Sequence[Reading]) -> tuple[str, ...]:
    errors = errors_of(readings)
    return (
        str(errors.count),
        *map(_ms, (errors.median_s, errors.p95_s, errors.worst_s)),
        str(errors.missed),
        str(errors.refused),
        str(errors.invented),
        "" if errors.beyond is None else str(errors.beyond),
    )


def _names(names: Iterable[str]) -> list[str]:
    return list(dict.fromkeys(names))


def _ms(seconds: float) -> str:
    return "-" if math.isnan(seconds) else f"{seconds * 1000:.0f}"
