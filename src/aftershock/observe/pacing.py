"""How often a watch is read: at each event, until there are so many that this costs too much.

Waking up for one event costs several times what is then done with it: what it needs has left the
processor's caches meanwhile. A run that watches a few workloads never comes near the limit; one
that watches thousands of pods does, and would take from the cluster what it is there to measure.
"""

from __future__ import annotations

__all__ = ["EVENTS_PER_S", "EVENTS_SPARED", "PAUSE_S", "Pacing"]

EVENTS_PER_S = 2.0
"""So many events a second of one watch are always taken one by one."""

EVENTS_SPARED = 200.0
"""So many more are, after a time of rest: a burst is what an outage looks like."""

PAUSE_S = 1.0
"""Above that, for how long events are left to gather. It enters their resolution."""


class Pacing:
    """An allowance that the events of one watch use up and time gives back."""

    def __init__(self) -> None:
        self._left = EVENTS_SPARED
        self._at = 0.0

    def count(self, now: float) -> None:
        """Note that an event was read at `now` (monotonic seconds)."""
        self._left = max(-EVENTS_SPARED, self._earned(now) - 1)
        self._at = max(self._at, now)

    def pause_s(self, now: float) -> float:
        """Return for how long to let events gather before the next look.

        All watches look at the same instants, so that the machine wakes up once for all of them.
        """
        return 0.0 if self._earned(now) >= 0 else PAUSE_S - now % PAUSE_S

    def _earned(self, now: float) -> float:
        return min(EVENTS_SPARED, self._left + max(0.0, now - self._at) * EVENTS_PER_S)
