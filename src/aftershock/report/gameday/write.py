"""Puts the report where people look: beside the run's evidence, and into a CI step's summary."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from pathlib import Path

from aftershock.errors import HistoryError
from aftershock.report.gameday.build import Observed, build_day
from aftershock.report.gameday.earlier import EarlierRuns, NoEarlierRuns
from aftershock.report.gameday.model import Day
from aftershock.report.gameday.remembered import Remembered
from aftershock.report.gameday.render import MOST_BYTES, as_html, as_markdown
from aftershock.report.record import read_run

__all__ = ["HTML", "MARKDOWN", "add_to_summary", "earlier_runs", "write_gameday"]

HTML, MARKDOWN = "gameday.html", "gameday.md"
_SUMMARY = "GITHUB_STEP_SUMMARY"


def write_gameday(
    run: Path, *, earlier: EarlierRuns | None = None, observed: Mapping[str, Observed] | None = None
) -> Day:
    """Write gameday.html and gameday.md into the folder of the run, and return what is told in them.

    `observed` is what is known of its scenarios already, by their folders' names.

    Raises:
        UsageError: there is no recorded run, or a file of it cannot be read.

    """
    day = build_day(run, earlier=earlier, observed=observed)
    for name, text in ((HTML, as_html(day)), (MARKDOWN, as_markdown(day))):
        fresh = run / f"{name}.new"
        fresh.write_text(text, encoding="utf-8")
        fresh.replace(run / name)
    return day


def earlier_runs(run: Path, history: Path, *, say: Callable[[str], object]) -> EarlierRuns:
    """Return what the file `history` says of the run; a history that cannot be read is told, and left out.

    Raises:
        UsageError: there is no recorded run.

    """
    record = read_run(run).run
    try:
        return Remembered(history, record)
    except HistoryError as error:
        say(str(error))
        return NoEarlierRuns()


def add_to_summary(day: Day, *, environment: Mapping[str, str] | None = None) -> Path | None:
    """Append the Markdown to the file that GITHUB_STEP_SUMMARY names, as far as it has room.

    Return the file, or None where the variable is not set.
    """
    named = (os.environ if environment is None else environment).get(_SUMMARY, "")
    if not named:
        return None
    path = Path(named)
    used = path.stat().st_size if path.is_file() else 0
    # A line is begun for what stands there without an end; it counts too.
    text = as_markdown(day, most=max(MOST_BYTES - used - 1, 0))
    if text:
        with path.open("a", encoding="utf-8") as summary:
            summary.write(f"\n{text}" if used else text)
    return path
