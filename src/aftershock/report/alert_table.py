"""The table of alerts, as text: of a scenario, attached to its report, and of a run."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path

from aftershock.clock import format_duration
from aftershock.judge.alert_table import AlertRow, alert_rows
from aftershock.timeline import Event
from aftershock.verdict import Verdict

__all__ = ["KEPT", "as_table", "write_alerts", "write_run_alerts"]

KEPT = "alerts.txt"

_HEAD = ("alert", "", "fired after", "forecast", "told after", "over after", "firings")


def as_table(rows: Iterable[AlertRow]) -> list[str]:
    """Return a line for each row below a headline, in columns; times count as AlertRow has them."""
    cells = [_HEAD, *map(_cells, rows)]
    widths = [max(len(row[column]) for row in cells) for column in range(len(_HEAD))]
    return ["  ".join(map(str.ljust, row, widths)).rstrip() for row in cells]


def write_alerts(path: Path, events: Iterable[Event], verdicts: Sequence[Verdict]) -> None:
    """Write down what fired in a scenario; nothing where nothing did."""
    rows = alert_rows(events, verdicts)
    if rows:
        path.write_text("\n".join([*as_table(rows), ""]), encoding="utf-8")


def write_run_alerts(run: Path) -> str:
    """Write down what fired in the scenarios of the run in the folder `run`; return it, "" for nothing."""
    paths = sorted(run.glob(f"*/{KEPT}"))
    tables = [f"{path.parent.name}\n{path.read_text(encoding='utf-8')}" for path in paths]
    text = "\n".join(tables)
    if text:
        (run / KEPT).write_text(text, encoding="utf-8")
    return text


def _cells(row: AlertRow) -> tuple[str, ...]:
    told = ", ".join(f"{name} {_shown(after)}" for name, after in sorted(row.told.items()))
    return (
        row.alert,
        "expected" if row.expected else "not expected",
        "before all" if row.fired_s is None else _shown(row.fired_s),
        str(row.forecast) if row.forecast else "none",
        told or "nobody",
        "still firing" if row.ended_s is None else _shown(row.ended_s),
        str(row.firings),
    )


def _shown(seconds: float) -> str:
    return format_duration(round(seconds, 1))
