"""The rank test against counting every case, and against figures of SciPy 1.17."""

from __future__ import annotations

import math
import random
from itertools import combinations

import pytest

from aftershock.history.rank_test import fewest_before, holm, larger, shift

NEVER = math.inf


def counted(before: list[float], recent: list[float]) -> float:
    """The definition: of all ways to pick the recent ones, those in which they win as often or oftener."""
    pooled = before + recent

    def wins(late: tuple[int, ...]) -> float:
        early = set(range(len(pooled))) - set(late)
        return sum((pooled[a] > pooled[b]) + (pooled[a] == pooled[b]) / 2 for a in late for b in early)

    seen = wins(tuple(range(len(before), len(pooled))))
    ways = [wins(chosen) for chosen in combinations(range(len(pooled)), len(recent))]
    return sum(won >= seen for won in ways) / len(ways)


def test_it_is_what_counting_gives_with_ties_and_with_what_never_came() -> None:
    chance = random.Random(1)
    for _ in range(150):
        pick = [1.0, 2.0, 2.5, 3.0, NEVER]
        before = [chance.choice(pick) for _ in range(chance.randint(1, 6))]
        recent = [chance.choice(pick) for _ in range(chance.randint(1, 5))]
        assert larger(before, recent) == pytest.approx(counted(before, recent), abs=1e-12)


@pytest.mark.parametrize(
    ("before", "recent", "expected"),
    [
        # By mannwhitneyu of scipy.stats, exact, the alternative that recent is greater
        (
            [4.1, 4.4, 3.9, 4.0, 4.6, 4.2, 4.3, 3.8, 4.5, 4.7],
            [4.55, 4.8, 4.9, 4.35, 5.1],
            0.009657009657009656,
        ),
        # With ties: by permutation_test over the sum of ranks, all permutations
        ([1, 2, 2, 3, 3, 3, 4], [3, 4, 4, 5], 0.03939393939393939),
    ],
)
def test_it_is_what_scipy_gives(before: list[float], recent: list[float], expected: float) -> None:
    assert larger(before, recent) == pytest.approx(expected, rel=1e-12)


def test_the_ends() -> None:
    assert larger([1.0] * 10, [2.0] * 5) == 1 / math.comb(15, 5)
    assert larger([2.0] * 10, [1.0] * 5) == 1.0
    assert larger([3.0] * 10, [3.0] * 5) == 1.0
    assert larger([], [1.0]) == larger([1.0], []) == 1.0


def test_many_figures_are_counted_exactly() -> None:
    chance = random.Random(2)
    before, recent = [chance.random() for _ in range(40)], [chance.random() + 0.08 for _ in range(30)]
    # The normal approximation of the same test, with its correction for continuity.
    wins = sum(late > early for late in recent for early in before)
    deviation = math.sqrt(40 * 30 * 71 / 12)
    about = math.erfc((wins - 0.5 - 600) / deviation / math.sqrt(2)) / 2
    assert larger(before, recent) == pytest.approx(about, rel=0.1)


def test_the_shift_is_the_median_difference_and_never_differs_from_itself_by_nothing() -> None:
    assert shift([1.0, 2.0, 3.0], [11.0, 12.0, 13.0]) == 10.0
    assert shift([NEVER, NEVER], [NEVER]) == 0.0
    assert shift([1.0, 2.0], [NEVER, NEVER]) == NEVER
    assert shift([1.0, 2.0], [2.0, 3.0]) == 1.0


def test_holm_multiplies_the_smallest_by_all_and_never_falls() -> None:
    assert holm([0.01, 0.04, 0.03]) == pytest.approx([0.03, 0.06, 0.06])
    assert holm([0.5, 0.6]) == [1.0, 1.0]
    assert holm([]) == []


@pytest.mark.parametrize(("tests", "before"), [(0, 5), (1, 5), (20, 10), (150, 15)])
def test_how_many_runs_it_takes_to_be_significant_at_all(tests: int, before: int) -> None:
    needed = fewest_before(recent=5, alpha=0.01, tests=tests)
    assert math.comb(needed + 5, 5) * 0.01 >= max(tests, 1) > math.comb(needed + 4, 5) * 0.01
    assert abs(needed - before) <= 1
