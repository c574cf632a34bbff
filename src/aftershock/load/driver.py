"""What drives one load: what a process on this machine and workers in the cluster have in common."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable
from pathlib import Path
from typing import Any, ClassVar

from aftershock.clock import Clock, SystemClock, format_duration, wait_until
from aftershock.errors import AftershockError, DeadlineError, UsageError
from aftershock.load.results import LoadResult
from aftershock.load.spec import LoadSpec
from aftershock.timeline import Timeline

__all__ = ["PROGRESS_EVERY_S", "TAIL_LINES", "Driver"]

PROGRESS_EVERY_S = 5.0
TAIL_LINES = 15
"""Of what is said last by one that broke off."""


class Driver(ABC):
    """One load: start it, then wait for it, or stop it. Results go to `folder`.

    `progress` is called every few seconds with what the load does at the moment, in one line.
    """

    look_every_s: ClassVar[float]
    """How often it is looked at while somebody waits."""
    ends_within_s: ClassVar[float]
    """How long after its time it may take to end."""

    def __init__(
        self,
        spec: LoadSpec,
        *,
        folder: Path,
        timeline: Timeline,
        progress: Callable[[str], None] | None = None,
        clock: Clock | None = None,
    ) -> None:
        self.spec = spec
        self.folder = folder
        self.timeline = timeline
        self.progress = progress
        self.clock = clock or SystemClock()
        self._ends_at = 0.0  # set once it has started
        self._result: LoadResult | None = None
        self._broken = False  # and that was told, or needs not be

    @abstractmethod
    def start(self) -> None:
        """Check everything that can be checked, start, and return once requests flow."""

    @abstractmethod
    def look(self) -> None:
        """Note at once if it broke off. From any thread, as often as one likes."""

    @abstractmethod
    def stop(self) -> LoadResult | None:
        """End the load now, in order, and return what it achieved, None if nothing. Idempotent."""

    @property
    def left_s(self) -> float:
        """Seconds until the load ends by itself; 0 after that."""
        return max(0.0, self._ends_at - self.clock.monotonic())

    def go_on(self, seconds: float) -> None:
        """Return after `seconds` of load.

        Raises:
            EnvironmentUnusableError: it broke off before.

        """
        end = self.clock.monotonic() + seconds

        def over() -> bool:
            self._check()
            return self.clock.monotonic() >= end

        self._await(over, within_s=seconds + self.ends_within_s, what="the load")

    def wait(self) -> LoadResult:
        """Wait for the load to end by itself and return what it achieved. Idempotent.

        Raises:
            EnvironmentUnusableError: it broke off, or does not end.
            UsageError: it was not started.

        """
        if not self._ends_at:
            raise UsageError("the load was not started", hint="call start() first")
        if self._result is None:
            left = self.left_s + self.ends_within_s
            try:
                self._await(self._ended, within_s=left, what="the load to end")
            except DeadlineError as error:
                raise self._overdue(f"did not end within {format_duration(left)}", error) from error
        return self._finish()

    @abstractmethod
    def _check(self) -> None:
        """Raise if it broke off."""

    @abstractmethod
    def _ended(self) -> bool:
        """Look, and say whether all is over; raise if it broke off."""

    @abstractmethod
    def _overdue(self, what: str, error: DeadlineError) -> AftershockError:
        """Return what to raise where it does not end."""

    @abstractmethod
    def _sum_up(self) -> LoadResult:
        """Read the results and write them into the timeline."""

    def _finish(self) -> LoadResult:
        if self._result is None:
            self._result = self._sum_up()
            self._say(str(self._result))
        return self._result

    def _await(self, probe: Callable[[], bool], *, within_s: float, what: str) -> None:
        wait_until(probe, within_s=within_s, every_s=self.look_every_s, what=what, clock=self.clock)

    def _tell(self, kind: str, text: str, **facts: Any) -> None:
        """Record what goes on, and say it."""
        self.timeline.record("load", kind, self.spec.subject, **facts)
        self._say(text)

    def _say(self, text: str) -> None:
        if self.progress:
            self.progress(text)
