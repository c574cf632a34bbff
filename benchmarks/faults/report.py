"""The tables of the bench, and its readings as a file."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from statistics import median

from rich.console import Console
from rich.table import Table

from benchmarks.faults.cases import CASES
from benchmarks.faults.draining import ALL_AT_ONCE, OURS, PEER, Drain
from benchmarks.faults.landing import Landing

__all__ = ["OBJECTIVE", "Results", "keep", "ratio", "show"]

OBJECTIVE = 0.6
"""A drain may take at most this share of the peer's time, by the medians."""

_WIDTH = 150


@dataclass(frozen=True, kw_only=True)
class Results:
    """What was measured; `failed` are cases that did not land, with the reason."""

    landings: list[Landing] = field(default_factory=list)
    drains: list[Drain] = field(default_factory=list)
    failed: dict[str, str] = field(default_factory=dict)


def keep(results: Results, path: Path) -> None:
    """Write every reading, one JSON object a line."""
    found = [*map(asdict, results.landings), *map(asdict, results.drains)]
    lines = [json.dumps(reading) + "\n" for reading in found]
    path.write_text("".join(lines), encoding="utf-8")


def show(results: Results, console: Console) -> None:
    """Print what came of it. Times are seconds."""
    console.width = max(console.width, _WIDTH)  # a pipe has no width to keep to
    if results.landings:
        console.print(_landings(results.landings))
    if results.drains:
        console.print(_drains(results.drains))
        share = ratio(results.drains)
        told = "not measured" if share is None else f"{share:.2f}"
        console.print(f"ratio of the medians, all at once: {told} (objective: at most {OBJECTIVE:g})")
    for case, reason in results.failed.items():
        console.print(f"no figure for {case}: {reason}", style="red", markup=False)


def ratio(drains: Sequence[Drain]) -> float | None:
    """Return our median over the peer's, of drains that nothing held back; None without both."""
    ours, peers = (_took(drains, by, ALL_AT_ONCE) for by in (OURS, PEER))
    return median(ours) / median(peers) if ours and peers else None


def _landings(landings: Sequence[Landing]) -> Table:
    titles = ("n", "median", "min", "max", "before the act", "act", "proof", "what the proof waits for")
    table = Table("fault", *titles, title="from the call to the proof that it landed, s")
    for case in CASES:
        own = [landing for landing in landings if landing.fault == case.title]
        if own:
            parts = ([x.before_s for x in own], [x.act_s for x in own], [x.proof_s for x in own])
            whole = _cells([x.landed_s for x in own])
            table.add_row(case.title, *whole, *(f"{median(part):.2f}" for part in parts), case.proof)
    return table


def _drains(drains: Sequence[Drain]) -> Table:
    table = Table(
        "may leave at once", "drained by", "n", "median", "min", "max", "failed", title="node drain, s"
    )
    for may_leave in dict.fromkeys(drain.may_leave for drain in drains):
        for by in (OURS, PEER):
            failed = [x.failed for x in drains if (x.by, x.may_leave) == (by, may_leave) and x.failed]
            table.add_row(str(may_leave), by, *_cells(_took(drains, by, may_leave)), "; ".join(failed))
    return table


def _took(drains: Sequence[Drain], by: str, may_leave: int | str) -> list[float]:
    return [x.took_s for x in drains if (x.by, x.may_leave) == (by, may_leave) and not x.failed]


def _cells(seconds: Sequence[float]) -> tuple[str, ...]:
    if not seconds:
        return ("0", "-", "-", "-")
    return (str(len(seconds)), *(f"{x:.2f}" for x in (median(seconds), min(seconds), max(seconds))))
