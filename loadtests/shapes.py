"""How many users there are at a time: pure functions, seconds in, users out.

`total_s` is the whole load, `users` its highest number. None means that it is over.
"""

from __future__ import annotations

from collections.abc import Callable

SPIKE_FROM, SPIKE_TO, SPIKE_BASE = 0.4, 0.6, 0.1
STEPS = 5
SOAK_RAMP = 0.1


def constant(at_s: float, *, users: int, total_s: float) -> int | None:
    """Return all users, from the start."""
    return users if at_s < total_s else None


def ramp(at_s: float, *, users: int, total_s: float) -> int | None:
    """Return evenly more, all of them only at the end."""
    return max(1, round(users * at_s / total_s)) if at_s < total_s else None


def step(at_s: float, *, users: int, total_s: float) -> int | None:
    """Return five equal steps up."""
    return max(1, users * (int(STEPS * at_s / total_s) + 1) // STEPS) if at_s < total_s else None


def spike(at_s: float, *, users: int, total_s: float) -> int | None:
    """Return a tenth of them, and all in the middle fifth."""
    if at_s >= total_s:
        return None
    return users if SPIKE_FROM <= at_s / total_s < SPIKE_TO else max(1, round(users * SPIKE_BASE))


def soak(at_s: float, *, users: int, total_s: float) -> int | None:
    """Return a short ramp up and down around a long plateau."""
    if at_s >= total_s:
        return None
    part = min(at_s, total_s - at_s) / (total_s * SOAK_RAMP)
    return max(1, round(users * min(1.0, part)))


SHAPES: dict[str, Callable[..., int | None]] = {
    "constant": constant,
    "ramp": ramp,
    "soak": soak,
    "spike": spike,
    "step": step,
}
