"""A bound is refused where nothing could ever meet it, with the numbers."""

from __future__ import annotations

import pytest

from aftershock.forecast.beat import Bounds
from aftershock.forecast.objectives import Expectation


def expectation(earliest: float, *, limit: float | None = 30.0, latest: float | None = None) -> Expectation:
    return Expectation(
        what="PodNotReady fires",
        bounds=Bounds(earliest_s=earliest, latest_s=latest),
        limit_s=limit,
        resolution_s=0.5,
        because="the rule's `for` is 5 min",
        place="features/a.feature:9",
    )


def test_below_the_floor() -> None:
    assert expectation(305.0).impossible("nightly") == (
        "features/a.feature:9: PodNotReady fires within 30 s cannot be: the rule's `for` is 5 min; "
        "profile nightly, earliest 305 s"
    )


@pytest.mark.parametrize("earliest", [29.5, 29.7, 30.0])
def test_a_margin_below_the_resolution(earliest: float) -> None:
    said = expectation(earliest).impossible("ci")
    assert "within 30 s cannot be verified" in said
    assert f"earliest {earliest:g} s, and the resolution is 0.5 s" in said


@pytest.mark.parametrize(("earliest", "limit"), [(29.4, 30.0), (0.0, 30.0), (100.0, None)])
def test_what_can_be_met_is_not_refused(earliest: float, limit: float | None) -> None:
    assert expectation(earliest, limit=limit).impossible("ci") == ""


def test_lines_say_what_is_in_danger_and_what_is_unknown() -> None:
    found = Expectation(
        what="X fires",
        bounds=Bounds(earliest_s=3.0, latest_s=41.0),
        limit_s=30.0,
        because="no `for`",
        unknown=("the phase of a scrape",),
        notes=("then told: warning after 3 s",),
    )
    assert found.lines() == [
        "X fires: 3 s to 41 s, objective 30 s  (no `for`)",
        "  may miss its objective by the cluster's own intervals alone",
        "  unknown: the phase of a scrape",
        "  then told: warning after 3 s",
    ]


def test_without_a_bound_there_is_none_to_miss() -> None:
    assert Expectation(what="X", bounds=Bounds(earliest_s=0, latest_s=99)).lines() == ["X: 0 s to 99 s"]
