"""When each packet is due: later by the delay and a random part of the jitter, in order within a flow."""

from __future__ import annotations

import heapq
import random

__all__ = ["Delays"]

# Flows to remember. Beyond it those whose packets are all gone are forgotten.
FLOWS = 4096


class Delays:
    """Packets that wait. Times are monotonic seconds; a delay is `delay_s` plus or minus up to `jitter_s`.

    Within a flow none overtakes another: a network delays, it hardly ever reorders, and TCP would
    take it for loss.
    """

    def __init__(self, *, delay_s: float, jitter_s: float = 0.0, seed: int | None = None) -> None:
        self.delay_s = delay_s
        self.jitter_s = jitter_s
        self._random = random.Random(seed)  # noqa: S311 - jitter, not a secret
        self._waiting: list[tuple[float, int]] = []
        self._last: dict[bytes, float] = {}

    def add(self, packet: int, flow: bytes, now: float) -> None:
        """Let the packet of that number wait."""
        due = now + max(0.0, self.delay_s + self._random.uniform(-self.jitter_s, self.jitter_s))
        if self.jitter_s:
            due = max(due, self._last.get(flow, 0.0))
            self._last[flow] = due
            if len(self._last) > FLOWS:
                self._last = {key: value for key, value in self._last.items() if value > now}
        heapq.heappush(self._waiting, (due, packet))

    def due(self, now: float) -> list[int]:
        """Take out and return what is due, earliest first."""
        packets = []
        while self._waiting and self._waiting[0][0] <= now:
            packets.append(heapq.heappop(self._waiting)[1])
        return packets

    def next_in(self, now: float) -> float | None:
        """Return in how many seconds the next is due; None if nothing waits."""
        return max(0.0, self._waiting[0][0] - now) if self._waiting else None
