"""The reports of a recorded run, made again from its folder alone. No cluster is asked for anything."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from aftershock.clock import Clock, SystemClock, format_duration
from aftershock.counting import counted
from aftershock.report.closing import RESULTS
from aftershock.report.gameday.write import HTML, MARKDOWN, add_to_summary, earlier_runs, write_gameday
from aftershock.report.html import write_report

__all__ = ["rebuild"]


def rebuild(
    run: Path,
    *,
    root: Path,
    say: Callable[[str], object],
    history: Path,
    clock: Clock | None = None,
) -> None:
    """Write gameday.html, gameday.md and, from its Allure results if it has some, report.html into `run`.

    Each path is said with the time that it took. The file `history` is read, if it is there, and Allure's own
    is; nothing is added to them.

    Raises:
        UsageError: there is no recorded run, or a file of it cannot be read.
        EnvironmentUnusableError: there is no Allure; by then the game-day report is written.

    """
    clock = clock or SystemClock()
    began = clock.monotonic()
    day = write_gameday(run, earlier=earlier_runs(run, history, say=say))
    took = format_duration(round(clock.monotonic() - began, 2))
    say(f"{run / HTML}\n{run / MARKDOWN}\n  {counted(len(day.pages), 'scenario')}, in {took}")
    if summary := add_to_summary(day):
        say(str(summary))
    if (run / RESULTS).is_dir():
        began = clock.monotonic()
        page = write_report(
            run / RESULTS, run / "report.html", root=root, name=f"Aftershock {run.name}", again=True
        )
        say(f"{page}\n  by Allure, in {format_duration(round(clock.monotonic() - began, 1))}")
