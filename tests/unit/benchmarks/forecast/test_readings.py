from __future__ import annotations

import math
from datetime import UTC, datetime, timedelta

import pytest

from aftershock.forecast.alerts import Firing
from benchmarks.forecast.readings import Reading, accuracy_of, read

START = datetime(2026, 11, 2, 10, tzinfo=UTC)


def after(seconds: float) -> datetime:
    return START + timedelta(seconds=seconds)


def reading(true_s: float | None, *, point_s: float | None = 5.0, latest_s: float | None = 6.0) -> Reading:
    return Reading(
        known="", kind="", alert="", true_s=true_s, earliest_s=4.0, point_s=point_s, latest_s=latest_s
    )


def test_it_is_counted_from_the_change() -> None:
    firing = Firing(earliest=after(4), point=after(5), latest=after(6))
    found = read(firing, start=START, fired=after(5.25), known="k", kind="kind", alert="A")
    assert (found.earliest_s, found.point_s, found.latest_s, found.true_s) == (4, 5, 6, 5.25)
    assert found.error_s == pytest.approx(-0.25)
    assert found.inside
    assert found.width_s == 2


@pytest.mark.parametrize(("true_s", "inside"), [(3.9, False), (4.0, True), (6.0, True), (6.1, False)])
def test_the_range_has_both_its_ends(true_s: float, inside: bool) -> None:
    assert reading(true_s).inside is inside


def test_a_range_without_end_and_an_alert_that_did_not_fire_do_not_hold() -> None:
    assert not reading(5.0, latest_s=None).inside
    assert not reading(None).inside
    assert reading(None).error_s is None
    assert reading(5.0, point_s=None).error_s is None


def test_accuracy_is_of_absolute_errors_and_says_how_many_have_none() -> None:
    found = accuracy_of([reading(5.0), reading(5.5), reading(2.0), reading(None)])
    assert (found.count, found.silent) == (4, 1)
    assert (found.median_s, found.p95_s, found.worst_s) == (0.5, 3.0, 3.0)
    assert found.held == 0.5
    assert found.width_s == 2.0


def test_nothing_is_no_success() -> None:
    found = accuracy_of([])
    assert math.isnan(found.held)
    assert math.isnan(found.p95_s)
