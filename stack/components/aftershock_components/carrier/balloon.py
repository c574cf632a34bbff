"""A balloon: memory that one process takes and gives back, as it is told, again and again."""

from __future__ import annotations

import mmap
import select
from collections.abc import Callable

from aftershock_components.carrier import pieces

__all__ = ["CHUNK", "Balloon", "fill"]

CHUNK = 1 << 20
# So much at a time, before looking again: the figure looked at is a little behind.
STEP = 32
PAUSE_MS = 20


class Balloon:
    """Memory in chunks."""

    def __init__(self, take: Callable[[int], mmap.mmap] = pieces.take_memory) -> None:
        self.chunks: list[mmap.mmap] = []
        self._take = take

    def follow(self, missing: int) -> int:
        """Take the bytes that are `missing`, or give back those that are too many; return the change.

        What is less than a chunk is left as it is.
        """
        count = abs(missing) // CHUNK
        if missing > 0:
            taken = min(count, STEP)
            self.chunks += [self._take(CHUNK) for _ in range(taken)]
            return taken * CHUNK
        # Whoever needs it gets it at once: one chunk more than asked for, all in one step.
        given = min(count + 1, len(self.chunks)) if count else 0
        for _ in range(given):
            self.chunks.pop().close()
        return -given * CHUNK


def fill(missing: Callable[[], int]) -> None:
    """Follow what is `missing` until the process is ended."""
    balloon, poll = Balloon(), select.poll()
    while True:
        changed = balloon.follow(missing())
        poll.poll(PAUSE_MS if changed <= 0 else 1)
