"""What a run's time was spent on: what configuration made unavoidable, beside what it took."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path

import pytest

from aftershock.clock import format_duration, from_rfc3339
from aftershock.collect.meaning import Meaning
from aftershock.collect.session import FeatureSession
from aftershock.collect.turns import FOLDER, SCENARIO
from aftershock.forecast.kept import read_expectations
from aftershock.gameday.unavoidable import Part, unavoidable
from aftershock.report.record import Recorded, read_run
from aftershock.timeline import Event

__all__ = ["UNAVOIDABLE", "write_spent"]

UNAVOIDABLE = "unavoidable.txt"
_ENDS_WITHIN_S = 2.0


def write_spent(features: FeatureSession, items: Sequence[pytest.Item]) -> list[str]:
    """Write the parts of each scenario that came to its end to a file of the run; return its last line.

    Empty where no scenario had a forecast: nothing was to be waited for.
    """
    folder = features.run.folder
    recorded = {path.name: record for path, record in read_run(folder).scenarios()}
    lines: list[str] = []
    total = took = 0.0
    for item in items:
        record = recorded.get(item.stash[FOLDER].name)
        if record is None or record.outcome == "interrupted":
            continue
        parts = list(_parts(item.stash[FOLDER], features.meanings(item.stash[SCENARIO])))
        if not parts:
            continue
        own, spent = sum(part.seconds for part in parts), (record.ended - record.began).total_seconds()
        # Of a range its middle is counted: what went quicker than that gives nothing to the others.
        total, took = total + min(own, spent), took + spent
        lines += [
            f"{item.stash[FOLDER].name}: {own:.1f} s of {spent:.1f} s",
            *(f"  {part}" for part in parts),
        ]
    if not total:
        return []
    last = (
        f"configuration made {format_duration(round(total))} unavoidable; "
        f"these scenarios took {format_duration(round(took))} in all ({UNAVOIDABLE})"
    )
    (folder / UNAVOIDABLE).write_text("\n".join([*lines, last, ""]), encoding="utf-8")
    return [last]


def _parts(folder: Path, meanings: Sequence[Meaning]) -> Iterator[Part]:
    events = list(Recorded.events(folder))
    forecast = next((event for event in events if event.kind == "forecast"), None)
    if forecast is None:
        return iter(())
    lasting = [_lasts(event) for event in events if event.kind == "planned" and "blast_radius" in event.data]
    return unavoidable(meanings, read_expectations(forecast.data), lasting, cut=_is_cut(events))


def _is_cut(events: Sequence[Event]) -> bool:
    """Whether a load was ended before its time: nobody waited for it."""
    asked = {
        event.subject: float(event.data["duration_s"]) for event in events if event.kind == "load-started"
    }
    ended = [event for event in events if event.kind == "load-ended"]
    return any(event.data["duration_s"] < asked.get(event.subject, 0.0) - _ENDS_WITHIN_S for event in ended)


def _lasts(planned: Event) -> float:
    until = planned.data.get("lasts_until")
    return (from_rfc3339(until) - planned.at).total_seconds() if until else 0.0
