"""How often a watch is read: at each event, until there are so many that this costs too much.

Waking up for one event costs several times what is then done with it: what it needs has left the
processor's caches meanwhile. A run that watches a few workloads never comes near the limit; one
that watches thousands of pods does, and would take from the cluster what it is there to measure.
"""

from __future__ import annotations

__all__ = ["EVENTS_PER_S", "EVENTS_SPARED", "Pacing"]

EVENTS_PER_S = 2.0
"""So many events a second of one watch are always taken one by one."""

EVENTS_SPARED = 200.0
"""So many more are, after a time of rest: a burst is what an outage looks like."""


class Pacing:
    """An allowance that the events of one watch use up and time gives back."""

    def __init__(self) -> None:
        self._left = EVENTS_SPARED
        self._at = 0.0

    def count(self, now: float) -> None:
        """Note that an event was read at `now` (monotonic seconds)."""
        self._left = max(-EVENTS_SPARED, self._earned(now) - 1)
        self._at = max(self._at, now)

    def gathers(self, now: float) -> bool:
        """Say whether it is used up, so that events are to be left to gather."""
        return self._earned(now) < 0

    def _earned(self, now: float) -> float:
        return min(EVENTS_SPARED, self._left + max(0.0, now - self._at) * EVENTS_PER_S)
