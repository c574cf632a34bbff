"""One thread that reads all watches whose events are left to gather.

At the same instants, one watch after the other: the machine wakes up once for all of them, and only
the first of them finds the processor's caches emptied by others.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from concurrent.futures import Future

from aftershock.clock import Clock

__all__ = ["PAUSE_S", "Gathering"]

PAUSE_S = 1.0
"""For how long events are left to gather. It enters their resolution."""

Look = Callable[[], bool]
"""Reads what has gathered; False when it is to be called no more."""


class Gathering:
    """Calls every `look` that it has been given at the whole multiples of `PAUSE_S`."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._lock = threading.Lock()
        self._looks: list[tuple[Look, Future[None]]] = []

    def until_over(self, look: Look) -> None:
        """Have `look` called again and again by the thread of all; return when it is to be called no more.

        Whatever it raises is raised here.
        """
        over: Future[None] = Future()
        with self._lock:
            self._looks.append((look, over))
            if len(self._looks) == 1:
                threading.Thread(target=self._run, name="gathering", daemon=True).start()
        over.result()

    def _run(self) -> None:
        while True:
            self._clock.sleep(PAUSE_S - self._clock.monotonic() % PAUSE_S)
            for look, over in self._looks.copy():
                try:
                    if look():
                        continue
                except BaseException as error:  # noqa: BLE001 - for the thread that waits for it
                    over.set_exception(error)
                else:
                    over.set_result(None)
            with self._lock:
                self._looks = [(look, over) for look, over in self._looks if not over.done()]
                if not self._looks:
                    return
