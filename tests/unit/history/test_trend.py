"""What is called a regression, what is not, and what is not known.

How often chance alone is called one is in the conformance tests.
"""

from __future__ import annotations

import math

import pytest

from aftershock.history.trend import percentile, trends_of
from tests.unit.history.made import series

STEADY = [10.0, 10.4, 9.8, 10.1, 9.9, 10.2, 10.3, 9.7, 10.0, 10.1]
SLOWER = [14.0, 14.5, 13.8, 14.2, 15.0]


def test_a_clear_change_is_a_regression() -> None:
    [trend] = trends_of([series(STEADY + SLOWER)])
    assert trend.finding == "regression"
    assert trend.chance == 1 / math.comb(15, 5)
    assert trend.shift == pytest.approx(4.2, abs=0.3)


def test_what_became_better_is_none() -> None:
    [trend] = trends_of([series(SLOWER + SLOWER + STEADY[:5])])
    assert (trend.finding, trend.because) == ("none", "chance may explain it")


def test_a_change_within_the_figures_error_is_none_however_sure() -> None:
    [trend] = trends_of([series(STEADY + SLOWER, resolution=5.0)])
    assert (trend.finding, trend.because) == ("none", "it is within the figures' own error")


@pytest.mark.parametrize("runs", [0, 1, 5, 14])
def test_few_runs_are_unknown_and_say_how_many_it_takes(runs: int) -> None:
    [trend] = trends_of([series((STEADY + SLOWER)[-runs:] if runs else [])])
    assert (trend.finding, trend.because) == ("unknown", f"{runs} of 15 runs")
    assert trend.chance is None


def test_among_many_figures_it_takes_more_runs_and_more_certainty() -> None:
    quiet = [series(STEADY + STEADY[:5], subject=str(place)) for place in range(40)]
    # 1 of 3003 times 41 is more than 1 %: fifteen runs could not be significant, so nothing is said of them.
    first, *others = trends_of([series(STEADY + SLOWER), *quiet])
    assert (first.finding, first.because) == ("unknown", "15 of 16 runs")
    assert {other.finding for other in others} == {"unknown"}
    [longer, *_] = trends_of([series([*STEADY, 10.0, *SLOWER]), *quiet])
    assert longer.finding == "regression"
    assert longer.chance == pytest.approx(41 / math.comb(16, 5))


def test_profiles_are_not_compared_and_do_not_count_for_one_another() -> None:
    nightly = [series(STEADY + STEADY[:5], subject=str(n), profile="nightly") for n in range(40)]
    first, *_ = trends_of([series(STEADY + SLOWER), *nightly])
    assert first.finding == "regression"


def test_what_never_came_is_worse_than_any_figure() -> None:
    [trend] = trends_of([series([*STEADY, *[math.inf] * 5])])
    assert (trend.finding, trend.shift) == ("regression", math.inf)
    [always] = trends_of([series([math.inf] * 15)])
    assert always.finding == "none"


def test_only_the_latest_runs_before_count() -> None:
    [trend] = trends_of([series([*[100.0] * 50, *STEADY * 3, *SLOWER])])
    assert trend.finding == "regression"


def test_too_few_last_runs_among_many_figures_say_so() -> None:
    many = [series(STEADY * 4, subject=str(place)) for place in range(6)]
    assert {trend.because for trend in trends_of(many, last=2)} == {
        "2 runs cannot be significant among 6 figures; take more of them"
    }


@pytest.mark.parametrize(
    ("share", "expected"), [(0.0, 1.0), (0.5, 2.0), (0.75, 3.0), (0.95, 4.0), (1.0, 4.0)]
)
def test_a_percentile_is_a_value_that_there_was(share: float, expected: float) -> None:
    assert percentile([4.0, 1.0, 3.0, 2.0], share) == expected
