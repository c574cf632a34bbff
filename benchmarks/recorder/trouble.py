"""What goes wrong between a recorder and its API server, one after the other."""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import dataclass

from aftershock.clock import pause
from benchmarks.recorder.control_plane import ControlPlane
from benchmarks.recorder.wire import Wire

__all__ = ["Trouble"]


@dataclass(frozen=True, kw_only=True)
class Trouble:
    """Cuts, silences, restarts and compactions, with `calm_s` seconds of calm before each and at the end."""

    plane: ControlPlane
    wire: Wire
    calm_s: float = 15.0
    compact_every_s: float = 1.0
    say: Callable[[str], None] = lambda _: None

    def all(self) -> None:
        """Have everything go wrong once."""
        self.cut(5.0)
        self.silence(10.0)
        self.restart()
        self.compact(60.0)
        pause(self.calm_s)

    def cut(self, seconds: float) -> None:
        """End the connections, compact, and let no new ones through for `seconds`."""
        self._next(f"the connections are cut for {seconds:g} s, and history is compacted meanwhile")
        self.wire.cut()
        pause(seconds)
        self.plane.compact()
        self.wire.mend()

    def silence(self, seconds: float) -> None:
        """Pass nothing on for `seconds`, then end the connections."""
        self._next(f"the connections are silent for {seconds:g} s, then end")
        self.wire.silence()
        pause(seconds)
        self.wire.mend()

    def restart(self) -> None:
        """End the API server and start it anew."""
        self._next("the API server is restarted")
        self.plane.restart_api_server()

    def compact(self, seconds: float) -> None:
        """Restart it without the watch cache, and compact again and again for `seconds`.

        A watch that ends and goes on from a version that has been compacted meanwhile is refused
        with 410.
        """
        self._next("the API server is restarted without its watch cache")
        self.plane.restart_api_server(watch_cache=False)
        self._next(f"history is compacted every {self.compact_every_s:g} s for {seconds:g} s")
        done = threading.Event()
        compacting = threading.Thread(
            target=self.plane.compact_always, args=(done, self.compact_every_s), daemon=True
        )
        compacting.start()
        pause(seconds)
        done.set()
        compacting.join()

    def _next(self, what: str) -> None:
        pause(self.calm_s)
        self.say(what)
