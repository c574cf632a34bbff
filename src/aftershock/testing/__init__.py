"""Fakes for the tests of those who build on Aftershock, and for our own."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

__all__ = ["FakeClock"]


class FakeClock:
    """A clock that moves only when told to, or when someone sleeps on it."""

    def __init__(self, start: datetime = datetime(2026, 1, 1, tzinfo=UTC)) -> None:
        self.start = start
        self.elapsed = 0.0

    def now(self) -> datetime:
        """Return the start plus what has elapsed."""
        return self.start + timedelta(seconds=self.elapsed)

    def monotonic(self) -> float:
        """Return the seconds elapsed."""
        return self.elapsed

    def sleep(self, seconds: float) -> None:
        """Move on by `seconds` at once."""
        self.elapsed += seconds
