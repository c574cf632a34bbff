"""The regression test of the history against known truth: how often chance is called a regression, and how
often a shift of a stated size is found. Seeded; bounds are those of the binomial distribution.

docs/history.md states these figures.
"""

from __future__ import annotations

import math
import random
from collections.abc import Callable, Sequence

import pytest

from aftershock.history.trend import ALPHA, trends_of
from tests.unit.history.made import series

Draw = Callable[[random.Random], float]
STEADY: dict[str, Draw] = {
    "normal": lambda chance: chance.gauss(10, 1),
    "skewed, as times are": lambda chance: chance.lognormvariate(2, 0.5),
    # Alerts fire at evaluations: most figures are equal to others.
    "in steps": lambda chance: float(round(chance.gauss(10, 1))),
    "at times it never came": lambda chance: math.inf if chance.random() < 0.1 else chance.gauss(10, 1),
}


def found(values: Sequence[Sequence[float]]) -> list[bool]:
    """For each figure, whether it is called a regression when all are judged together."""
    trends = trends_of([series(one, subject=str(place)) for place, one in enumerate(values)])
    return [trend.finding == "regression" for trend in trends]


def at_most(hits: int, trials: int, share: float) -> bool:
    """Whether so many hits are not too many for that share: the exact tail, at one in a thousand."""
    tail = sum(
        math.exp(
            math.lgamma(trials + 1) - math.lgamma(k + 1) - math.lgamma(trials - k + 1)
            + k * math.log(share) + (trials - k) * math.log1p(-share)
        )
        for k in range(hits, trials + 1)
    )  # fmt: skip
    return tail > 0.001


@pytest.mark.parametrize("kind", STEADY)
@pytest.mark.parametrize(("figures", "looks"), [(1, 2000), (20, 200)])
def test_without_a_change_a_look_finds_one_at_most_as_often_as_it_says(
    kind: str, figures: int, looks: int
) -> None:
    chance, draw = random.Random(f"{kind} {figures}"), STEADY[kind]
    hits = sum(any(found([[draw(chance) for _ in range(35)] for _ in range(figures)])) for _ in range(looks))
    assert at_most(hits, looks, ALPHA), f"{hits} of {looks}"


def share_found(*, before: int, deviations: float, figures: int, looks: int) -> float:
    chance = random.Random(f"{before} {deviations} {figures}")
    hits = 0
    for _ in range(looks):
        moved = [chance.gauss(10, 1) for _ in range(before)]
        moved += [chance.gauss(10 + deviations, 1) for _ in range(5)]
        steady = [[chance.gauss(10, 1) for _ in range(before + 5)] for _ in range(figures - 1)]
        hits += found([moved, *steady])[0]
    return hits / looks


@pytest.mark.parametrize(
    ("before", "deviations", "figures", "least"),
    [
        # Figures alone, five runs against ten and against thirty.
        (10, 2.0, 1, 0.70),
        (10, 3.0, 1, 0.95),
        (30, 2.0, 1, 0.84),
        (30, 2.5, 1, 0.95),
        # One of twenty figures has moved.
        (10, 3.0, 20, 0.50),
        (15, 3.0, 20, 0.80),
        (30, 2.5, 20, 0.80),
        (30, 3.0, 20, 0.93),
    ],
)
def test_a_shift_of_so_many_standard_deviations_is_found_as_often_as_stated(
    before: int, deviations: float, figures: int, least: float
) -> None:
    assert share_found(before=before, deviations=deviations, figures=figures, looks=200) >= least


def test_a_shift_within_the_figures_own_error_is_never_found() -> None:
    chance = random.Random(1)
    for _ in range(100):
        values = [chance.gauss(10, 0.1) for _ in range(30)] + [chance.gauss(11, 0.1) for _ in range(5)]
        [trend] = trends_of([series(values, resolution=1.5)])
        assert trend.finding == "none"


def test_one_that_stopped_recovering_is_found_among_many() -> None:
    chance = random.Random(2)
    for _ in range(20):
        gone = [chance.gauss(10, 1) for _ in range(30)] + [math.inf] * 5
        steady = [[chance.gauss(10, 1) for _ in range(35)] for _ in range(39)]
        first, *others = found([gone, *steady])
        assert first
        assert sum(others) <= 1
