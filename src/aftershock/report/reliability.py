"""A run's figures, kept beside its evidence, and those of all runs that are kept."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

from aftershock.errors import UsageError
from aftershock.judge.reliability import Figures, figures_of
from aftershock.report.verdicts import read_verdicts
from aftershock.timeline import read_timeline

__all__ = ["KEPT", "history", "write_figures"]

KEPT = "reliability.json"
TIMELINE = "timeline.jsonl"
VERDICTS = "verdicts.json"


def write_figures(run: Path) -> list[str]:
    """Write the figures of the run in the folder `run`; return them and the history's for a reader.

    Raises:
        UsageError: a record of the run cannot be read.

    """
    total = Figures()
    for timeline in sorted(run.glob(f"*/{TIMELINE}")):
        verdicts = timeline.with_name(VERDICTS)
        given = read_verdicts(verdicts) if verdicts.is_file() else []
        total += figures_of(read_timeline(timeline), given)
    (run / KEPT).write_text(json.dumps(total.to_dict()) + "\n", encoding="utf-8")
    lines = [f"  {line}" for line in total.lines()]
    before = list(history(run.parent))
    over_all = sum((figures for _, figures in before), Figures())
    return ["this run", *lines, f"all {len(before)} runs kept", *(f"  {line}" for line in over_all.lines())]


def history(reports: Path) -> Iterator[tuple[str, Figures]]:
    """Yield the figures of every run below `reports`, by its name, in its order.

    Raises:
        UsageError: a file is none of ours.

    """
    for path in sorted(reports.glob(f"*/{KEPT}")):
        try:
            yield path.parent.name, Figures.from_dict(json.loads(path.read_text(encoding="utf-8")))
        except (ValueError, KeyError, TypeError, AttributeError) as error:
            raise UsageError(
                f"{path} holds no figures of a run", found=repr(error), hint="delete it, or the run"
            ) from error
