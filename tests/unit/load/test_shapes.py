"""Shapes: users at a time, and when requests are due."""

from __future__ import annotations

from itertools import pairwise

import pytest

from aftershock.load.spec import SHAPES as KNOWN_SHAPES
from loadtests.shapes import SHAPES, due_times, level, mean_level, users_at


def due(shape: str, *, rate: float, total_s: float, **share: int) -> list[float]:
    return list(due_times(SHAPES[shape], rate=rate, total_s=total_s, **share))


def test_the_harness_knows_those_that_there_are_and_how_much_they_ask_for() -> None:
    assert {name: pytest.approx(mean_level(pieces)) for name, pieces in SHAPES.items()} == dict(KNOWN_SHAPES)


class TestUsers:
    @pytest.mark.parametrize("name", sorted(SHAPES))
    def test_never_too_many_never_none_before_the_end(self, name: str) -> None:
        users = [users_at(second, SHAPES[name], users=50, total_s=100) for second in range(101)]
        assert users[-1] is None
        assert all(1 <= (number or 0) <= 50 for number in users[:-1])
        assert max(number or 0 for number in users) >= 49

    @pytest.mark.parametrize(
        ("shape", "times", "users"),
        [
            ("ramp", (1, 5, 9), (10, 50, 90)),
            ("step", (0, 2, 4, 6, 8), (20, 40, 60, 80, 100)),
            ("spike", (3.9, 4, 5.9, 6), (10, 100, 100, 10)),
            ("soak", (0.5, 1, 9, 9.5), (50, 100, 100, 50)),
        ],
    )
    def test_each_goes_as_it_is_called(
        self, shape: str, times: tuple[float, ...], users: tuple[int, ...]
    ) -> None:
        found = [users_at(second, SHAPES[shape], users=100, total_s=10) for second in times]
        assert tuple(found) == users


class TestDue:
    def test_a_constant_rate_is_evenly_spaced(self) -> None:
        assert due("constant", rate=4, total_s=2) == [0, 0.25, 0.5, 0.75, 1, 1.25, 1.5, 1.75]

    def test_a_ramp_comes_thicker_and_thicker(self) -> None:
        times = due("ramp", rate=100, total_s=10)
        assert len(times) == 500
        assert times[125] == pytest.approx(5.0), "a quarter of them in the first half"
        gaps = [b - a for a, b in pairwise(times)]
        assert all(later <= earlier for earlier, later in pairwise(gaps))
        assert gaps[-1] == pytest.approx(0.01, rel=0.01)

    @pytest.mark.parametrize("shape", sorted(SHAPES))
    @pytest.mark.parametrize("rate", [0.7, 7.0, 333.3])
    def test_as_many_as_the_shape_asks_for_in_order_and_within_its_time(
        self, shape: str, rate: float
    ) -> None:
        times = due(shape, rate=rate, total_s=60)
        asked = rate * 60 * KNOWN_SHAPES[shape]
        assert asked - 1e-6 <= len(times) < asked + 1
        assert times == sorted(times)
        assert times[0] >= 0
        assert times[-1] < 60

    @pytest.mark.parametrize("shape", sorted(SHAPES))
    def test_the_rate_at_each_time_is_the_shape_s(self, shape: str) -> None:
        times = due(shape, rate=1000, total_s=20)
        for second in range(20):
            here = sum(second <= at < second + 1 for at in times)
            edges = [level(SHAPES[shape], (second + part) / 20) for part in (0, 0.5, 0.999)]
            assert here == pytest.approx(1000 * sum(edges) / 3, rel=0.05, abs=20)

    def test_several_share_them_out_and_leave_none(self) -> None:
        whole = due("soak", rate=50, total_s=10)
        parts = [due("soak", rate=50, total_s=10, first=n, every=3) for n in range(3)]
        assert sorted(at for part in parts for at in part) == pytest.approx(whole)
