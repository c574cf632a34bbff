"""What a person sees while something long runs: stages, elapsed time, what is happening now.

On a terminal one live line; elsewhere plain lines, a new one for each stage and each change.
"""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager

from rich.console import Console
from rich.markup import escape

from aftershock.clock import Clock, SystemClock, format_duration

__all__ = ["Progress"]


class Progress:
    """Stages of one command. Safe to tell things from several threads."""

    def __init__(self, console: Console | None = None, *, clock: Clock | None = None) -> None:
        self.console = console or Console(stderr=True, highlight=False, soft_wrap=True)
        self.clock = clock or SystemClock()
        self.started = self.clock.monotonic()
        self.durations: dict[str, float] = {}
        self._lock = threading.Lock()
        self._stage = ""
        self._running: dict[str, float] = {}

    @contextmanager
    def stage(self, title: str) -> Iterator[None]:
        """Show `title` while the block runs, then how long it took."""
        begun = self.clock.monotonic()
        self._stage = title
        live = self.console.status(title) if self.console.is_terminal else None
        self._live = live
        if live:
            live.start()
        else:
            self._line(f"→ {title}")
        try:
            yield
        except BaseException:
            self._line(f"✗ {title} ({format_duration(self.clock.monotonic() - begun)})", style="red")
            raise
        else:
            self.durations[title] = self.clock.monotonic() - begun
            self._line(f"✓ {title} ({format_duration(self.durations[title])})", style="green")
        finally:
            if live:
                live.stop()
            self._live = None

    @contextmanager
    def task(self, what: str) -> Iterator[None]:
        """Show `what` as happening now, beside the stage; several may at once."""
        begun = self.clock.monotonic()
        with self._lock:
            self._running[what] = begun
            self._refresh()
        try:
            yield
        finally:
            with self._lock:
                del self._running[what]
                self._refresh()
            self._line(f"  · {what} ({format_duration(self.clock.monotonic() - begun)})")

    def say(self, text: str) -> None:
        """Print a line of information."""
        self._line(f"  {text}")

    @property
    def elapsed_s(self) -> float:
        """Seconds since the command began."""
        return self.clock.monotonic() - self.started

    _live: object = None

    def _refresh(self) -> None:
        if self._live is not None and self.console.is_terminal:
            now = ", ".join(self._running) or "…"
            self._live.update(f"{self._stage}: {now}")  # type: ignore[attr-defined]  # a rich Status

    def _line(self, text: str, *, style: str | None = None) -> None:
        stamp = format_duration(round(self.elapsed_s))
        # What tools say may hold brackets: it is text, not markup.
        self.console.print(f"[dim]{stamp:>9}[/dim] {escape(text)}", style=style)
