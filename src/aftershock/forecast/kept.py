"""The forecast as the timeline keeps it, and as a judge reads it again."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import msgspec

from aftershock.forecast.alerts import AlertPath, Firing, fires_after
from aftershock.forecast.beat import Delay
from aftershock.forecast.objectives import Expectation

__all__ = ["KeptAlert", "kept_alerts", "read_expectations", "to_data"]


@dataclass(frozen=True, kw_only=True)
class KeptAlert:
    """What was known of one alert before the fault: its rules' paths, and how soon the fault shows."""

    alert: str
    paths: tuple[AlertPath, ...]
    delays: Mapping[str, Delay]

    def fires_after(self, injected: datetime) -> Firing | None:
        """Return when the first of its rules fires, by our clock, if the harness begins to act at `injected`.

        None where no rule has that name.
        """
        found = [fires_after(path, injected, self.delays) for path in self.paths]
        if not found:
            return None
        points = [firing.point for firing in found if firing.point is not None]
        latest = [firing.latest for firing in found if firing.latest is not None]
        return Firing(
            earliest=min(firing.earliest for firing in found),
            point=min(points) if len(points) == len(found) else None,
            latest=max(latest) if len(latest) == len(found) else None,
        )


def to_data(alerts: Iterable[KeptAlert], expectations: Sequence[Expectation]) -> dict[str, Any]:
    """Return the data of a `forecast` event; times are RFC 3339."""
    # By way of JSON: what is in memory is what will be read from the file.
    text = msgspec.json.encode({"alerts": list(alerts), "expectations": list(expectations)})
    data: dict[str, Any] = msgspec.json.decode(text)
    return data


def kept_alerts(data: Mapping[str, Any]) -> dict[str, KeptAlert]:
    """Read the alerts of a `forecast` event's data, by name."""
    found = msgspec.convert(data["alerts"], list[KeptAlert])
    return {kept.alert: kept for kept in found}


def read_expectations(data: Mapping[str, Any]) -> list[Expectation]:
    """Read the expectations of a `forecast` event's data."""
    return msgspec.convert(data["expectations"], list[Expectation])
