"""How a load goes up and down: pure functions of time, in users or in requests per second.

A shape is a row of straight pieces, each with the part of the whole time at which it begins
and ends, and its level there: 1 is the highest number of users, or the highest rate.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence

__all__ = ["SHAPES", "Piece", "due_times", "level", "mean_level", "users_at"]

Piece = tuple[float, float, float, float]
"""(begins at, ends at, level there, level here), the first two as parts of the whole time."""

STEPS = 5
SOAK_RAMP = 0.1

SHAPES: dict[str, tuple[Piece, ...]] = {
    # All of it, from the start.
    "constant": ((0.0, 1.0, 1.0, 1.0),),
    # Evenly more, all of it only at the end.
    "ramp": ((0.0, 1.0, 0.0, 1.0),),
    # A short ramp up and down around a long plateau.
    "soak": (
        (0.0, SOAK_RAMP, 0.0, 1.0),
        (SOAK_RAMP, 1 - SOAK_RAMP, 1.0, 1.0),
        (1 - SOAK_RAMP, 1.0, 1.0, 0.0),
    ),
    # A tenth, and all of it in the middle fifth.
    "spike": ((0.0, 0.4, 0.1, 0.1), (0.4, 0.6, 1.0, 1.0), (0.6, 1.0, 0.1, 0.1)),
    # Five equal steps up.
    "step": tuple((n / STEPS, (n + 1) / STEPS, (n + 1) / STEPS, (n + 1) / STEPS) for n in range(STEPS)),
}


def level(pieces: Sequence[Piece], part: float) -> float:
    """Return the level at `part` of the whole time, from 0 to below 1."""
    begin, end, low, high = next(piece for piece in pieces if part < piece[1])
    return low + (high - low) * (part - begin) / (end - begin)


def mean_level(pieces: Sequence[Piece]) -> float:
    """Return the mean over the whole time: how much is asked, of what the top for all of it would be."""
    return sum((end - begin) * (low + high) / 2 for begin, end, low, high in pieces)


def users_at(at_s: float, pieces: Sequence[Piece], *, users: int, total_s: float) -> int | None:
    """Return how many users there are after `at_s` seconds, one at least; None when it is over."""
    return max(1, round(users * level(pieces, at_s / total_s))) if at_s < total_s else None


def due_times(
    pieces: Sequence[Piece], *, rate: float, total_s: float, first: int = 0, every: int = 1
) -> Iterator[float]:
    """Yield when requests are due, in seconds from the start: each where the rate has summed up to one more.

    `first` and `every` deal them out among several: of three, the second takes 1 and every 3rd after it.
    """
    number, before = first, 0.0
    for begin, end, low, high in pieces:
        length = (end - begin) * total_s
        slope = (high - low) * rate / length
        total = before + length * (low + high) / 2 * rate
        while number < total - 1e-9:  # what is due at the very end is due in the next piece, or never
            yield begin * total_s + _reached(number - before, low * rate, slope)
            number += every
        before = total


def _reached(count: float, rate: float, slope: float) -> float:
    """Return after how many seconds `count` have come, at a rate that begins so and changes by `slope`."""
    if count <= 0:
        return 0.0
    root = math.sqrt(max(0.0, rate * rate + 2 * slope * count))
    return 2 * count / (rate + root)  # the stable form of (root - rate) / slope
