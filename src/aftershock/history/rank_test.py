"""Whether recent figures are larger than earlier ones by more than chance explains.

The one-sided Mann-Whitney U test, exact, conditional on the ties that were found: the share of all ways to
pick the recent ones out of all figures whose ranks sum to at least as much. It asks nothing of the figures'
distribution, and takes "never" as a figure above all others. H. B. Mann and D. R. Whitney, Annals of
Mathematical Statistics 18 (1947) 50-60; Holm's correction: Scandinavian Journal of Statistics 6 (1979) 65-70.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from itertools import groupby
from statistics import median_low

__all__ = ["fewest_before", "holm", "larger", "shift"]


def larger(before: Sequence[float], recent: Sequence[float]) -> float:
    """Return the probability of ranks of `recent` this high or higher, if all came from one distribution.

    `math.inf` is a figure like any other. Without any figure on either side it is 1.
    """
    ranks = _doubled_ranks([*before, *recent])
    observed = sum(ranks[len(before) :])
    ways = math.comb(len(ranks), len(recent))
    return _ways_to_reach(observed, sorted(ranks), len(recent)) / ways


def shift(before: Sequence[float], recent: Sequence[float]) -> float:
    """Return by how much `recent` is larger: the median of all differences (Hodges and Lehmann, 1963).

    Of an even number of differences the lower of the middle two; "never" differs from itself by nothing.
    """
    return median_low(0.0 if late == early else late - early for late in recent for early in before)


def holm(chances: Sequence[float]) -> list[float]:
    """Return probabilities adjusted for their number: those at most alpha err together with at most alpha."""
    order = sorted(range(len(chances)), key=chances.__getitem__)
    adjusted = [0.0] * len(chances)
    largest = 0.0
    for place, index in enumerate(order):
        largest = max(largest, min(1.0, (len(chances) - place) * chances[index]))
        adjusted[index] = largest
    return adjusted


def fewest_before(*, recent: int, alpha: float, tests: int) -> int:
    """Return how many earlier figures it takes that `recent` ones above all of them can be significant."""
    before = 1
    while math.comb(before + recent, recent) * alpha < max(tests, 1):
        before += 1
    return before


def _doubled_ranks(figures: Sequence[float]) -> list[int]:
    """Return twice the rank of each; equal ones share the mean of their ranks."""
    ranks = [0] * len(figures)
    taken = 0
    in_order = sorted(range(len(figures)), key=figures.__getitem__)
    for _, equal in groupby(in_order, key=figures.__getitem__):
        places = list(equal)
        for place in places:
            ranks[place] = 2 * taken + len(places) + 1
        taken += len(places)
    return ranks


def _ways_to_reach(least: int, ranks: Sequence[int], size: int) -> int:
    """Return in how many ways `size` of `ranks` sum to `least` or more.

    counts[j] has, for each sum, the number of ways to reach it with j of the ranks so far: one number whose
    digits, to the base 2**width, are those counts. No count, and no sum of them, fills a digit.
    """
    width = math.comb(len(ranks), min(size, len(ranks) // 2)).bit_length() + 1
    counts = [1] + [0] * size
    for rank in ranks:
        for picked in range(size, 0, -1):
            counts[picked] += counts[picked - 1] << (rank * width)
    reached = counts[size] >> (least * width)
    return reached % ((1 << width) - 1)  # the sum of its digits, which is less than that
