"""A probe at work: one look, or one after the other from a thread of its own."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Literal

from aftershock.clock import Clock
from aftershock.errors import AftershockError
from aftershock.litmus.probe import HttpProbe
from aftershock.observe.client_probe import Answer, ask
from aftershock.observe.observer import Observer
from aftershock.timeline import Event, Timeline

__all__ = ["Checker", "Phase"]

Phase = Literal["before", "during", "after"]


class Checker(Observer):
    """Looks as `probe` says, at `url`, and records every look under the name of the experiment.

    In a thread it goes on after a failure: the first one decides, but how many there were is
    evidence. `phase` says which part of the experiment it is now.
    """

    def __init__(
        self,
        probe: HttpProbe,
        url: str,
        timeline: Timeline,
        *,
        engine: str,
        experiment: str,
        phase: Callable[[], Phase],
        clock: Clock | None = None,
    ) -> None:
        self.probe = probe
        self.url = url
        self.failed = False
        self._timeline = timeline
        self._clock = clock or timeline.clock
        self._engine = engine
        self._experiment = experiment
        self._phase = phase
        self._stopping = threading.Event()
        self._error: Exception | None = None
        self._last: float | None = None
        self._thread = threading.Thread(target=self._run, name=f"probe {probe.name}", daemon=True)

    def look(self) -> bool:
        """Look once, with as many attempts as the probe has; record it, and say whether it was good."""
        at, mono, phase = self._clock.now(), self._clock.monotonic(), self._phase()
        said, good, tried = "", False, 0
        while not good and tried < self.probe.attempts and not (tried and self._stopping.is_set()):
            if tried:
                self._stopping.wait(self.probe.interval_s)
            answer = ask(self.url, timeout_s=self.probe.timeout_s, clock=self._clock)
            said, good = _said(answer), self._is_good(answer)
            tried += 1
        self.failed = self.failed or not good
        self._timeline.append(
            Event(
                at=at,
                mono=mono,
                source="client",
                kind="check",
                subject=self.probe.name,
                data={
                    "engine": self._engine,
                    "experiment": self._experiment,
                    "phase": phase,
                    "ok": good,
                    "said": said,
                    "attempts": tried,
                    "took_s": round(self._clock.monotonic() - mono, 3),
                },
                # What it says became so at some time since the look before.
                resolution_s=0.0 if self._last is None else round(mono - self._last, 3),
            )
        )
        self._last = mono
        return good

    def first_look(self) -> bool:
        """Look once, after the probe's delay."""
        self._stopping.wait(self.probe.delay_s)
        return self.look()

    def start(self) -> None:
        """Begin to look again and again."""
        self._thread.start()

    def check(self) -> None:
        """Raise what ended the looking.

        Raises:
            AftershockError: it gave up.

        """
        if self._error is not None:
            raise AftershockError(
                f"the probe {self.probe.name!r} gave up", found=repr(self._error)
            ) from self._error

    def stop(self) -> None:
        """Look no more, and raise what `check` raises."""
        self._stopping.set()
        if self._thread.ident is not None:
            self._thread.join()
        self.check()

    def _run(self) -> None:
        try:
            self._stopping.wait(self.probe.delay_s)
            while not self._stopping.is_set():
                self.look()
                self._stopping.wait(self.probe.every_s)
        except Exception as error:  # noqa: BLE001 - kept for `check`; a thread has no caller
            self._error = error

    def _is_good(self, answer: Answer) -> bool:
        return answer.status is not None and self.probe.tolerates(answer.status)


def _said(answer: Answer) -> str:
    return answer.error if answer.status is None else str(answer.status)
