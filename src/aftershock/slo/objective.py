"""What a service promises, whichever format said so."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field

__all__ = ["WINDOW", "Objective"]

WINDOW = "{{.window}}"
"""Where a query takes its window, as Sloth writes it."""

_TEMPLATE = re.compile(r"\{\{\s*\.window\s*\}\}")


@dataclass(frozen=True, kw_only=True)
class Objective:
    """A share of events that has to be good over a rolling window of `window_s` seconds.

    `bad` and `total` are PromQL for events per second, with `WINDOW` in place of a window.
    """

    name: str
    service: str
    target: float
    bad: str
    total: str
    window_s: float = 30 * 86400.0
    description: str = ""
    labels: Mapping[str, str] = field(default_factory=dict)
    source: str = ""

    @property
    def budget(self) -> float:
        """The share of events that may be bad."""
        return round(1.0 - self.target, 12)

    @property
    def downtime_s(self) -> float:
        """How long the service may be down altogether within the window, in seconds."""
        return self.budget * self.window_s

    def bad_over(self, window: str) -> str:
        """Return the query for bad events per second, averaged over `window` ("5m")."""
        return _TEMPLATE.sub(window, self.bad)

    def total_over(self, window: str) -> str:
        """Return the query for all events per second, averaged over `window`."""
        return _TEMPLATE.sub(window, self.total)
