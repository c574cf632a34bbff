"""The interval of k of n: its coverage by exact sums, no sampling; and figures of SciPy 1.17."""

from __future__ import annotations

import math
from itertools import pairwise

import pytest

from aftershock.errors import UsageError
from aftershock.history.share import share_of


def chance(k: int, n: int, share: float) -> float:
    return math.comb(n, k) * share**k * (1 - share) ** (n - k)


@pytest.mark.parametrize("n", [1, 2, 3, 5, 10, 20, 40])
@pytest.mark.parametrize("confidence", [0.9, 0.95, 0.99])
def test_it_holds_the_true_share_at_least_as_often_as_it_says(n: int, confidence: float) -> None:
    found = [share_of(k, n, confidence=confidence) for k in range(n + 1)]
    for step in range(401):
        true = step / 400
        covered = sum(chance(one.k, n, true) for one in found if one.low <= true <= one.high)
        assert covered >= confidence - 1e-9


@pytest.mark.parametrize("n", [1, 4, 9, 30])
def test_more_successes_move_it_up_and_it_is_its_own_mirror(n: int) -> None:
    found = [share_of(k, n) for k in range(n + 1)]
    for less, more in pairwise(found):
        assert less.low <= more.low
        assert less.high <= more.high
    for one, mirrored in zip(found, reversed(found), strict=True):
        assert one.low <= one.k / n <= one.high
        assert one.low == pytest.approx(1 - mirrored.high, abs=1e-9)


def test_more_repetitions_make_it_narrower_and_more_confidence_wider() -> None:
    widths = [share_of(k, 2 * k) for k in (1, 5, 20, 100, 1000)]
    assert all(a.high - a.low > b.high - b.low for a, b in pairwise(widths))
    assert share_of(4, 5, confidence=0.99).low < share_of(4, 5).low


@pytest.mark.parametrize(
    ("k", "n", "low", "high"),
    [
        # By binomtest of scipy.stats, its exact interval at 95 %
        (0, 5, 0.0, 0.5218237501049814),
        (4, 5, 0.28358206388191054, 0.9949492366205319),
        (19, 20, 0.7512672372279723, 0.998734910502044),
        (50, 100, 0.39832112950330095, 0.6016788704966991),
        (7, 7, 0.5903836027749514, 1.0),
    ],
)
def test_it_is_what_scipy_gives(k: int, n: int, low: float, high: float) -> None:
    found = share_of(k, n)
    assert (found.low, found.high) == pytest.approx((low, high), abs=1e-9)


def test_all_or_none_of_n_has_a_closed_form() -> None:
    assert share_of(0, 12).high == pytest.approx(1 - 0.025 ** (1 / 12), abs=1e-12)
    assert share_of(12, 12).low == pytest.approx(0.025 ** (1 / 12), abs=1e-12)


def test_in_words_it_is_rounded_outwards() -> None:
    assert str(share_of(4, 5)) == "4 of 5 (95 % confidence: 28 % to 100 %)"
    assert str(share_of(0, 0)) == "0 of 0 (unknown)"
    assert (share_of(0, 0).low, share_of(0, 0).high) == (0.0, 1.0)


@pytest.mark.parametrize(("k", "n", "confidence"), [(3, 2, 0.95), (-1, 2, 0.95), (1, 2, 1.0), (1, 2, 0.0)])
def test_what_is_no_share_is_refused(k: int, n: int, confidence: float) -> None:
    with pytest.raises(UsageError, match="is no share"):
        share_of(k, n, confidence=confidence)
