"""A look that is repeated in a thread of its own, over the project's one polling loop."""

from __future__ import annotations

import math
import threading
from collections.abc import Callable

from aftershock.clock import Clock, SystemClock, wait_until
from aftershock.errors import AftershockError

__all__ = ["Poller"]

_JOIN_S = 30.0  # longer than the time-out of any one look


class Poller:
    """Calls `look` every `every_s` seconds until stopped. What `look` raises ends it."""

    def __init__(self, look: Callable[[], None], *, every_s: float, what: str, clock: Clock) -> None:
        self._look = look
        self._every_s = every_s
        self._what = what
        self._stopping = threading.Event()
        # Whoever stops it need not wait for its next look. Another clock's pauses take no time.
        self._clock = _Woken(self._stopping) if isinstance(clock, SystemClock) else clock
        self._error: BaseException | None = None
        self._thread = threading.Thread(target=self._run, name=what, daemon=True)

    def start(self) -> None:
        """Begin, with the first look at once."""
        self._thread.start()

    def check(self) -> None:
        """Raise what ended it.

        Raises:
            AftershockError: a look failed for good.

        """
        if self._error is not None:
            raise AftershockError(f"{self._what} gave up", found=f"{self._error!r}") from self._error

    def stop(self) -> None:
        """End it, wait for the look that is under way, and raise what `check` raises."""
        self._stopping.set()
        if self._thread.is_alive():
            self._thread.join(_JOIN_S)
        self.check()

    def _run(self) -> None:
        try:
            wait_until(
                self._once, within_s=math.inf, every_s=self._every_s, what=self._what, clock=self._clock
            )
        except BaseException as error:  # noqa: BLE001 - kept for `check`; a thread has no caller
            self._error = error

    def _once(self) -> bool:
        if self._stopping.is_set():
            return True
        self._look()
        return False


class _Woken(SystemClock):
    """The machine's clocks, with pauses that end at once when `woken` is set."""

    def __init__(self, woken: threading.Event) -> None:
        self._woken = woken

    def sleep(self, seconds: float) -> None:
        """Block this thread until then, or until it is woken."""
        self._woken.wait(seconds)
