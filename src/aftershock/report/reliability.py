"""A run's figures, kept beside its evidence, and those of all runs that the history keeps."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

from aftershock.counting import counted
from aftershock.history.facts import RunFacts
from aftershock.history.store import History
from aftershock.judge.reliability import Figures
from aftershock.report.record import read_run
from aftershock.report.remembering import Hear, facts_of

__all__ = ["KEPT", "figure_lines", "remember", "write_figures"]

KEPT = "reliability.json"


def write_figures(run: Path, *, hear: Hear | None = None) -> RunFacts:
    """Write the figures of the run in the folder `run`; return all that the history keeps of it.

    `hear` is given what each scenario is judged by.

    Raises:
        UsageError: a record of the run cannot be read.

    """
    facts = facts_of(read_run(run), hear=hear)
    (run / KEPT).write_text(json.dumps(facts.figures.to_dict()) + "\n", encoding="utf-8")
    return facts


def remember(facts: RunFacts, history: Path, *, keep: int) -> list[str]:
    """Enter the run into the history; return the figures of all runs in it, for a reader.

    Raises:
        HistoryError: the history cannot be used. The run can be entered later, from its folder.

    """
    with History(history) as store:
        store.add(facts, keep=keep)
        total, runs = store.figures()
    return list(figure_lines(f"{'all ' * (runs > 1)}{counted(runs, 'run')} in the history", total))


def figure_lines(head: str, figures: Figures) -> Iterator[str]:
    """Yield figures for a reader, below a headline."""
    yield head
    yield from (f"  {line}" for line in figures.lines())
