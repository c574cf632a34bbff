"""How sure "k of n" is: the exact interval of Clopper and Pearson (Biometrika 26 (1934) 404-413).

It holds the true share in at least the stated part of all cases, for every share and every n. Wilson's is
narrower and holds it in that part on the average only: for 5 repetitions of what works 9 times of 10 it would
claim 95 % and hold 92 %. A claim here never says more than is known.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

from aftershock.errors import UsageError

__all__ = ["Share", "share_of"]

_STEPS = 60  # of halving: to 2**-60, below a float's own error


@dataclass(frozen=True, kw_only=True)
class Share:
    """`k` of `n`, and between which shares the true one lies with that confidence."""

    k: int
    n: int
    low: float
    high: float
    confidence: float

    def __str__(self) -> str:
        if not self.n:
            return "0 of 0 (unknown)"
        low, high = math.floor(100 * self.low), math.ceil(100 * self.high)  # outwards
        return f"{self.k} of {self.n} ({100 * self.confidence:g} % confidence: {low} % to {high} %)"


def share_of(k: int, n: int, *, confidence: float = 0.95) -> Share:
    """Return how sure it is that `k` of `n` independent repetitions speak for the share of all.

    Raises:
        UsageError: there are no such numbers.

    """
    if not (0 <= k <= n and 0 < confidence < 1):
        raise UsageError(
            f"{k} of {n} at a confidence of {confidence:g} is no share",
            expected="0 or more, at most all of them; a confidence between 0 and 1",
        )
    tail = (1 - confidence) / 2
    low = 0.0 if k == 0 else _where(lambda share: _at_least(k, n, share) < tail)
    high = 1.0 if k == n else _where(lambda share: _at_least(k + 1, n, share) < 1 - tail)
    return Share(k=k, n=n, low=low, high=high, confidence=confidence)


def _at_least(k: int, n: int, share: float) -> float:
    """Return the probability of `k` or more of `n`."""
    chance, against = math.log(share), math.log1p(-share)
    return math.fsum(math.exp(_log_ways(i, n) + i * chance + (n - i) * against) for i in range(k, n + 1))


def _log_ways(k: int, n: int) -> float:
    return math.lgamma(n + 1) - math.lgamma(k + 1) - math.lgamma(n - k + 1)


def _where(below: Callable[[float], bool]) -> float:
    """Return where `below`, true for small shares, becomes false."""
    low, high = 0.0, 1.0
    for _ in range(_STEPS):
        middle = (low + high) / 2
        low, high = (middle, high) if below(middle) else (low, middle)
    return low
