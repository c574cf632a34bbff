"""The forecast beside what happened: from the cadence that was recorded before the fault."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from aftershock.clock import format_duration
from aftershock.forecast.beat import Bounds
from aftershock.forecast.kept import kept_alerts
from aftershock.timeline import Event

__all__ = ["forecast_lines", "foreseen"]


def forecast_lines(
    events: Sequence[Event], *, alert: str, start: datetime, observed_s: float | None = None
) -> list[str]:
    """Return what was forecast of the firing of `alert`, counted from `start`, as an evidence line.

    None where the record has no forecast of it from before `start`. It is no part of the
    verdict: a forecast that was wrong is told as such.
    """
    bounds = foreseen(events, alert=alert, start=start)
    if bounds is None:
        return []
    line = f"forecast: {bounds} after the injection"
    if observed_s is not None:
        line += f"; observed {format_duration(round(observed_s, 1))}"
        late = bounds.latest_s is not None and observed_s > bounds.latest_s
        line += ", outside of it" if late or observed_s < bounds.earliest_s else ""
    return [line]


def foreseen(events: Sequence[Event], *, alert: str, start: datetime) -> Bounds | None:
    """Return what was forecast of the firing of `alert`, counted from `start`; None where nothing was."""
    made = [event for event in events if event.kind == "forecast" and event.source == "harness"]
    before = [event for event in made if event.at <= start]
    kept = kept_alerts(before[-1].data).get(alert) if before else None
    firing = kept.fires_after(start) if kept else None
    return firing.since(start) if firing else None
