"""What the trials came to: recovery times, the share that recovered, false actions."""

from __future__ import annotations

import json
import math
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from statistics import median

from rich.console import Console
from rich.table import Table

from benchmarks.autorecovery.schedule import Trial

__all__ = ["OBJECTIVE_S", "RATE", "Sum", "keep", "kept", "show", "summed"]

OBJECTIVE_S = 30.0
RATE = 0.9


@dataclass(frozen=True, kw_only=True)
class Sum:
    """The trials of one kind, with or without auto-recovery. Seconds; NaN where nothing recovered.

    `acted` is the share in which it acted, `rate` that recovered, `in_time` that did within OBJECTIVE_S.
    """

    kind: str
    with_it: bool
    count: int
    median_s: float
    p95_s: float
    worst_s: float
    rate: float
    in_time: float
    acted: float
    false_actions: int


def summed(trials: Sequence[Trial]) -> list[Sum]:
    """Sum up by kind, without before with."""
    found = []
    for kind in dict.fromkeys(trial.kind for trial in trials):
        for with_it in (False, True):
            some = [trial for trial in trials if (trial.kind, trial.with_it) == (kind, with_it)]
            if some:
                found.append(_sum(kind, with_it, some))
    return found


def _sum(kind: str, with_it: bool, trials: Sequence[Trial]) -> Sum:
    times = sorted(trial.recovered_s for trial in trials if trial.recovered_s is not None)
    # The smallest below which 95 % lie; of few trials that is the worst.
    p95 = times[math.ceil(0.95 * len(times)) - 1] if times else math.nan
    return Sum(
        kind=kind,
        with_it=with_it,
        count=len(trials),
        median_s=median(times) if times else math.nan,
        p95_s=p95,
        worst_s=times[-1] if times else math.nan,
        rate=len(times) / len(trials),
        in_time=sum(time <= OBJECTIVE_S for time in times) / len(trials),
        acted=sum(bool(trial.actions) for trial in trials) / len(trials),
        false_actions=sum(len(trial.false_actions) for trial in trials),
    )


def kept(path: Path) -> list[Trial]:
    """Return the trials that were written there before, none where there is no such file."""
    if not path.is_file():
        return []
    lines = map(json.loads, path.read_text(encoding="utf-8").splitlines())
    words = ("actions", "false_actions")
    return [Trial(**{**line, **{word: tuple(line[word]) for word in words}}) for line in lines]


def keep(trials: Sequence[Trial], path: Path) -> None:
    """Write every trial, one JSON object a line."""
    path.write_text("".join(json.dumps(asdict(trial)) + "\n" for trial in trials), encoding="utf-8")


def show(trials: Sequence[Trial], console: Console) -> None:
    """Print the table, and the trials that did not end well."""
    title = "recovery with auto-recovery and without it (as a dry run), s"
    table = Table(
        "fault", "auto-recovery", "n", "median", "p95", "worst", "recovered", "within 30 s", "it acted",
        "false actions", title=title,
    )  # fmt: skip
    table.add_row("objective", "with", "", "", f"{OBJECTIVE_S:g}", "", f"{RATE:.0%}", "", "", "0")
    for one in summed(trials):
        table.add_row(
            one.kind, "with" if one.with_it else "without", str(one.count), f"{one.median_s:.1f}",
            f"{one.p95_s:.1f}", f"{one.worst_s:.1f}", f"{one.rate:.0%}", f"{one.in_time:.0%}",
            f"{one.acted:.0%}", str(one.false_actions),
        )  # fmt: skip
    console.print(table)
    for trial in trials:
        if trial.recovered_s is None or trial.false_actions:
            console.print(f"{trial.kind} of {trial.workload}: {trial.why or ', '.join(trial.false_actions)}")
