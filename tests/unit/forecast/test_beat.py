"""Beats, ranges, and waits in whole intervals."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from aftershock.forecast.beat import Beat, Bounds, rounds

NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)


def s(seconds: float) -> timedelta:
    return timedelta(seconds=seconds)


@pytest.mark.parametrize(
    ("asked", "expected"),
    [(0.0, 0.0), (0.001, 5.0), (4.999, 5.0), (5.0, 5.0), (-12.0, -10.0), (3601.0, 3605.0)],
)
def test_the_next_beat_is_at_or_after(asked: float, expected: float) -> None:
    beat = Beat(what="it", every_s=5.0, last=NOON)
    assert beat.next(NOON + s(asked)) == NOON + s(expected)


def test_an_interval_that_floats_do_not_hold_exactly() -> None:
    beat = Beat(what="it", every_s=0.1, last=NOON)
    assert beat.next(NOON + s(0.3)) == NOON + s(0.3)


def test_an_unknown_phase_gives_bounds_and_no_point() -> None:
    beat = Beat(what="it", every_s=5.0)
    assert beat.next(NOON, "earliest") == NOON
    assert beat.next(NOON, "point") is None
    assert beat.next(NOON, "latest") == NOON + s(5)


@pytest.mark.parametrize(
    ("wait", "every", "expected"), [(0, 5, 0), (5, 5, 5), (12, 5, 15), (300, 15, 300), (0.3, 0.1, 0.3)]
)
def test_waits_end_with_an_interval(wait: float, every: float, expected: float) -> None:
    assert rounds(wait, every) == pytest.approx(expected)


@pytest.mark.parametrize(
    ("bounds", "text"),
    [
        (Bounds(earliest_s=3.14, point_s=4.24, latest_s=11.0), "4.2 s (3.1 s to 11 s)"),
        (Bounds(earliest_s=3.0, latest_s=125.0), "3 s to 2 min 5 s"),
        (Bounds(earliest_s=0.5), "0.5 s or later"),
    ],
)
def test_ranges_are_said_for_people(bounds: Bounds, text: str) -> None:
    assert str(bounds) == text
