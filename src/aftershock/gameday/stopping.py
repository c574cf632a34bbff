"""When a run is to end before its last scenario: an SLO burns, Prometheus is lost, time is over."""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from typing import Protocol

from aftershock.clock import Clock, SystemClock, format_duration, parse_duration
from aftershock.errors import AftershockError
from aftershock.gameday.file import Stop

__all__ = ["LOOK_EVERY_S", "Answers", "StopWatch", "Watcher"]

LOOK_EVERY_S = 5.0


class Answers(Protocol):
    """What is asked of Prometheus."""

    def ready(self) -> bool:
        """Say whether it is ready."""
        ...

    def query(self, expr: str) -> Sequence[object]:
        """Return what `expr` has now.

        Raises:
            AftershockError: it cannot be asked.

        """
        ...


class StopWatch:
    """Looks at the stop conditions of a run that begins now."""

    def __init__(self, stop: Stop, prometheus: Answers, *, clock: Clock | None = None) -> None:
        self._stop = stop
        self._prometheus = prometheus
        self._clock = clock or SystemClock()
        self._began = self._clock.monotonic()
        self._since: dict[str, float] = {}

    @property
    def needed(self) -> bool:
        """Whether there is a condition that time can bring about."""
        return bool(self._stop.slo_burning or self._stop.prometheus_lost or self._stop.max_duration)

    def look(self) -> str:
        """Return why the run is to end; "" while it may go on.

        What Prometheus does not tell is no burning SLO: then it is lost, or answers at the next look.
        """
        longest, lost, burning = self._stop.max_duration, self._stop.prometheus_lost, self._stop.slo_burning
        took = self._clock.monotonic() - self._began
        if longest and took >= parse_duration(longest):
            return f"max_duration: the run has taken {format_duration(round(took))}"
        if lost and self._held("lost", not self._ready()) >= parse_duration(lost):
            return f"prometheus_lost: it has not been ready for {lost}"
        if burning and self._held("burning", self._burns(burning.query)) >= parse_duration(burning.lasts):
            return f"slo_burning: {burning.alert or burning.expr} has held for {burning.lasts}"
        return ""

    def _held(self, what: str, now: bool) -> float:
        """Return for how many seconds `what` has been seen at every look; -1 where it is not so now."""
        if not now:
            self._since.pop(what, None)
            return -1.0
        at = self._clock.monotonic()
        return at - self._since.setdefault(what, at)

    def _ready(self) -> bool:
        try:
            return self._prometheus.ready()
        except AftershockError:
            return False  # whatever keeps it from answering: that is what "lost" means

    def _burns(self, query: str) -> bool:
        try:
            return bool(self._prometheus.query(query))
        except AftershockError:
            return False  # unknown: the break in the evidence begins the time anew


class Watcher:
    """A thread that looks, and says once why the run is to end."""

    def __init__(self, watch: StopWatch, *, stop: Callable[[str], None]) -> None:
        self._watch = watch
        self._stop = stop
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._look, name="stop conditions", daemon=True)

    def start(self) -> None:
        """Begin to look."""
        self._thread.start()

    def end(self) -> None:
        """Look no more."""
        self._ended.set()
        self._thread.join()

    def _look(self) -> None:
        while not self._ended.wait(LOOK_EVERY_S):
            try:
                why = self._watch.look()
            except Exception as error:  # noqa: BLE001 - whatever it is: unwatched, the run must not go on
                why = f"the stop conditions can no longer be watched: {error!r}"
            if why:
                self._stop(why)
                return
