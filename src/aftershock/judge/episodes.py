"""From changes of health to episodes of degradation.

An episode runs from the first unhealthy instant to the first instant of a healthy streak
that lasts. Health that does not last belongs to the episode.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace

from aftershock.judge.record import Instant, clock_time, elapsed

__all__ = ["Change", "Episode", "find_episodes"]


@dataclass(frozen=True, kw_only=True)
class Change:
    """From here on the subject is healthy, or not. `note` says what was seen."""

    when: Instant
    healthy: bool
    note: str = ""


@dataclass(frozen=True, kw_only=True)
class Episode:
    """One degradation. `end` is None while none was seen; `confirmed` says whether it lasted."""

    begin: Change
    end: Change | None
    confirmed: bool

    @property
    def duration_s(self) -> float | None:
        """Seconds from begin to end."""
        return elapsed(self.begin.when, self.end.when) if self.end else None

    def counted_from(self, over: Instant) -> Episode:
        """Return the episode as it counts after a fault that was in effect until `over`.

        What began before counts from there; what had ended by then took no time.
        """
        if elapsed(self.begin.when, over) <= 0:
            return self
        note = f"{self.begin.note}, since {clock_time(self.begin.when.at)}; the fault ended"
        since = over
        if self.end is not None and elapsed(self.end.when, over) > 0:
            since, note = self.end.when, f"{note} later"
        return replace(self, begin=replace(self.begin, when=since, note=note))

    @property
    def resolution_s(self) -> float:
        """Largest error of the duration."""
        return self.begin.when.resolution_s + (self.end.when.resolution_s if self.end else 0.0)


def find_episodes(changes: Iterable[Change], *, until: Instant, confirm_s: float) -> list[Episode]:
    """Split `changes` (in order) into episodes; a healthy streak shorter than `confirm_s` ends none."""
    episodes: list[Episode] = []
    begin: Change | None = None
    end: Change | None = None
    for change in changes:
        if begin and end and elapsed(end.when, change.when) >= confirm_s:
            episodes.append(Episode(begin=begin, end=end, confirmed=True))
            begin = end = None
        if change.healthy:
            end = end or (change if begin else None)
        else:
            begin, end = begin or change, None
    if begin:
        lasted = end is not None and elapsed(end.when, until) >= confirm_s
        episodes.append(Episode(begin=begin, end=end, confirmed=lasted))
    return episodes
