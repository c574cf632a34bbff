from __future__ import annotations

import math
from typing import Any

import pytest

from benchmarks.honest_times.errors import Reading, errors_of, percentile


def reading(true_s: float | None, measured_s: float | None, **other: Any) -> Reading:
    return Reading(
        condition="idle",
        method="ours",
        kind="1 s",
        pod="driven-0",
        true_s=true_s,
        measured_s=measured_s,
        **other,
    )


def test_errors_have_no_sign() -> None:
    errors = errors_of([reading(1.0, 1.1), reading(1.0, 0.7), reading(1.0, 1.0)])

    assert (errors.count, errors.missed) == (3, 0)
    assert errors.median_s == pytest.approx(0.1)
    assert errors.worst_s == pytest.approx(0.3)


def test_what_was_missed_counts_and_has_no_error() -> None:
    errors = errors_of([reading(1.0, None), reading(1.0, None, refused="a gap"), reading(1.0, 1.2)])

    assert (errors.count, errors.missed, errors.refused) == (3, 1, 1)
    assert errors.worst_s == pytest.approx(0.2)


def test_what_was_not_there_is_no_outage_and_to_measure_it_is_to_invent() -> None:
    errors = errors_of([reading(None, None), reading(None, 1.0), reading(1.0, 1.0)])

    assert (errors.count, errors.invented) == (1, 1)


def test_an_error_beyond_what_was_admitted_is_told() -> None:
    bars = [reading(1.0, 1.3, resolution_s=0.2), reading(1.0, 1.1, resolution_s=0.2)]

    assert errors_of(bars).beyond == 1
    assert errors_of([reading(1.0, 1.3)]).beyond is None


def test_without_outages_there_is_no_figure() -> None:
    errors = errors_of([])

    assert errors.count == 0
    assert all(math.isnan(value) for value in (errors.median_s, errors.p95_s, errors.worst_s))


@pytest.mark.parametrize(("percent", "value"), [(95, 19.0), (100, 20.0), (1, 1.0), (50, 10.0)])
def test_a_percentile_is_a_value_that_was_seen(percent: float, value: float) -> None:
    assert percentile([float(n) for n in range(20, 0, -1)], percent) == value
