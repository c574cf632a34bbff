"""What is made of a run when it has ended: figures, the game-day report, Allure's page.

None of it may cost a run its result: what cannot be made is told, and the rest is made all the same.
"""

from __future__ import annotations

import traceback
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path

from aftershock.config import Settings
from aftershock.errors import AftershockError
from aftershock.report.alert_table import write_run_alerts
from aftershock.report.environment import write_environment
from aftershock.report.gameday.build import Observed, observe
from aftershock.report.gameday.write import HTML, add_to_summary, earlier_runs, write_gameday
from aftershock.report.html import write_report
from aftershock.report.of_run import attach_to_run
from aftershock.report.record import ScenarioRecord
from aftershock.report.reliability import figure_lines, remember, write_figures
from aftershock.report.secrets import redact
from aftershock.timeline import Event
from aftershock.verdict import Verdict

__all__ = ["RESULTS", "close_run"]

RESULTS = "allure-results"
Say = Callable[[str], None]


def close_run(run: Path, *, results: Path, root: Path, settings: Settings, say: Say) -> None:
    """Write everything about the run in the folder `run`, and enter it into the history.

    `results` are its Allure results.
    """
    figures: list[str] = []
    observed: dict[str, Observed] = {}

    def hear(
        folder: Path, record: ScenarioRecord, events: Sequence[Event], verdicts: Sequence[Verdict]
    ) -> None:
        # What is wrong with one is told by the report below, which reads that one again: it costs no figures.
        with suppress(Exception):
            observed[folder.name] = observe(folder, record, events, verdicts)

    with _told(say):
        facts = write_figures(run, hear=hear)
        figures += figure_lines("this run", facts.figures)
        figures += remember(facts, root / settings.history, keep=settings.history_runs)
    for line in figures:
        say(line)
    with _told(say):
        attach_to_run(results, {"figures": "\n".join(figures), "alerts": write_run_alerts(run)})
    with _told(say):
        earlier = earlier_runs(run, root / settings.history, say=say)
        day = write_gameday(run, earlier=earlier, observed=observed)
        say(f"game day: {run / HTML}")
        if summary := add_to_summary(day):
            say(f"summary:  {summary}")
        write_environment(results, run)
    with _told(say):
        page = write_report(results, run / "report.html", root=root, name=f"Aftershock {run.name}")
        say(f"report:   {page}")


@contextmanager
def _told(say: Say) -> Iterator[None]:
    try:
        yield
    except (AftershockError, OSError) as error:  # a full disk costs a page, never the run
        say(str(error))
    except Exception as error:  # noqa: BLE001 - the run is over and judged: its exit code says how it went
        say(redact("".join(traceback.format_exception(error))).rstrip())
