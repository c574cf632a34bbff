"""When alerts fire: phases, `for`, windows, records, unknowns; and a small Prometheus to hold it against."""

from __future__ import annotations

import math
import random
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from aftershock.forecast.alerts import (
    JITTER_S,
    AlertPath,
    Source,
    fires_after,
    fires_within,
    firing,
    resolves,
)
from aftershock.forecast.beat import Beat, Bounds, Delay

NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)
METRIC = "kube_reason"
DELAY = {METRIC: Delay(earliest_s=1.0, usual_s=2.0, latest_s=4.0)}


def s(seconds: float) -> timedelta:
    return timedelta(seconds=seconds)


def source(phase: float | None = 1.0, *, every: float = 5.0, takes: float = 0.05, **labels: str) -> Source:
    last = None if phase is None else NOON + s(phase)
    scrape = Beat(what="ksm is scraped", every_s=every, last=last, takes_s=takes)
    return Source(metrics=(METRIC,), scrape=scrape, labels=labels)


def path(*sources: Source, evaluated: float | None = 3.0, every: float = 5.0, **more: Any) -> AlertPath:
    last = None if evaluated is None else NOON + s(evaluated)
    evaluation = Beat(what="group pods is evaluated", every_s=every, last=last)
    return AlertPath(alert="PodOOMKilled", evaluation=evaluation, sources=sources or (source(),), **more)


def point(path: AlertPath, visible: float, **more: Any) -> float | None:
    found = firing(path, NOON + s(visible), **more).point
    return None if found is None else (found - NOON).total_seconds()


@pytest.mark.parametrize(
    ("visible", "fires"),
    [
        (0.5, 3.0),  # scraped at 1, evaluated at 3
        (1.5, 8.0),  # scraped at 6, evaluated at 8
        (5.9, 8.0),
        (6.5, 13.0),
        (-3.9, 3.0),  # phases reach back as well
        (600.5, 603.0),  # and far ahead
    ],
)
def test_the_point_follows_from_the_phases(visible: float, fires: float) -> None:
    assert point(path(), visible) == fires


def test_a_scrape_is_seen_only_when_it_has_ended() -> None:
    quick, slow = source(2.95, takes=0.01), source(2.95, takes=0.2)
    assert point(path(quick), 2.5) == 3.0
    assert point(path(slow), 2.5) == 8.0


@pytest.mark.parametrize(
    ("for_s", "hold"), [(0.0, 0.0), (10.0, 10.0), (12.0, 15.0), (1.0, 5.0), (300.0, 300.0)]
)
def test_for_ends_with_an_evaluation(for_s: float, hold: float) -> None:
    assert path(for_s=for_s).hold_s == hold
    assert point(path(for_s=for_s), 0.5) == 3.0 + hold


def test_a_second_sample_is_one_scrape_more() -> None:
    assert point(path(second_sample=True), 0.5) == 8.0


def test_the_bounds_hold_what_lies_at_a_boundary() -> None:
    found = firing(path(), NOON + s(0.95)).since(NOON)
    assert found.earliest_s == pytest.approx(3.0 - JITTER_S)
    assert found.point_s == 3.0
    assert found.latest_s == pytest.approx(8.0 + JITTER_S)
    clear = firing(path(), NOON + s(0.5)).since(NOON)
    assert clear.latest_s == pytest.approx(3.0 + JITTER_S)


def test_a_window_may_have_to_fill() -> None:
    found = firing(path(window_s=60.0), NOON + s(0.5)).since(NOON)
    assert found.point_s == 3.0
    assert found.latest_s == pytest.approx(63.0 + JITTER_S)


def test_recording_rules_in_between_are_waited_for_in_turn() -> None:
    record = Beat(what="group nodes is evaluated", every_s=15.0, last=NOON + s(10), takes_s=0.1)
    assert point(path(records=(record,)), 0.5) == 13.0


def test_another_clock_is_taken_into_account() -> None:
    # Its clock is 2 s ahead: what it calls 3 is 1 by ours, and 0.5 by ours is 2.5 by its.
    assert point(path(offset_s=2.0), -1.5) == 1.0
    assert point(path(offset_s=2.0), 0.5) == 6.0
    wide = firing(path(clock_error_s=0.4), NOON + s(0.5)).since(NOON)
    assert wide.earliest_s == pytest.approx(3.0 - 0.4 - JITTER_S)


@pytest.mark.parametrize(
    "unknown",
    [
        path(source(None)),
        path(evaluated=None),
        path(second_sample=None),
        path(unknown=("the expression looks back by an offset",)),
    ],
    ids=["scrape", "evaluation", "second-sample", "not-modelled"],
)
def test_what_is_unknown_gives_no_point(unknown: AlertPath) -> None:
    found = firing(unknown, NOON)
    assert found.point is None
    assert found.earliest <= NOON + s(5)


def test_without_any_target_only_the_floor_is_left() -> None:
    found = firing(replace(path(for_s=10.0), sources=()), NOON).since(NOON)
    assert (found.earliest_s, found.point_s, found.latest_s) == (pytest.approx(10 - JITTER_S), None, None)


class TestSeveralTargets:
    def test_they_disagree_so_there_is_no_point(self) -> None:
        found = firing(path(source(1.0), source(4.0)), NOON + s(0.5)).since(NOON)
        assert (found.earliest_s, found.point_s) == (pytest.approx(2.9), None)
        assert found.latest_s == pytest.approx(8.1)

    def test_they_lead_to_the_same_evaluation(self) -> None:
        assert point(path(source(1.0), source(2.0)), 0.5) == 3.0

    def test_labels_tell_which(self) -> None:
        both = path(source(1.0, instance="a"), source(4.0, instance="b"))
        assert point(both, 0.5, where={"instance": "b"}) == 8.0
        assert point(both, 0.5, where={"instance": "a", "nothing": "to it"}) == 3.0

    def test_the_signal_tells_which(self) -> None:
        other = Source(metrics=("other",), scrape=Beat(what="x", every_s=5.0, last=NOON + s(4)))
        assert point(path(source(1.0), other), 0.5, signals=[METRIC]) == 3.0


class TestFromTheInjection:
    def test_the_delay_of_the_fault_comes_first(self) -> None:
        found = fires_after(path(), NOON, DELAY).since(NOON)
        assert found.earliest_s == pytest.approx(3.0 - JITTER_S)  # it may show within the scrape at 1
        assert found.point_s == 8.0
        assert found.latest_s == pytest.approx(8.0 + JITTER_S)

    def test_a_fault_that_does_not_say_leaves_the_floor(self) -> None:
        found = fires_after(path(), NOON, {"other": DELAY[METRIC]})
        assert (found.point, found.latest) == (None, None)

    def test_the_range_whatever_the_phases(self) -> None:
        found = fires_within(path(for_s=12.0), DELAY)
        assert found.earliest_s == 16.0
        assert found.latest_s == pytest.approx(4 + 5 + 2 * 0.05 + 5 + 15 + JITTER_S)

    def test_the_range_with_window_second_sample_and_record(self) -> None:
        record = Beat(what="r", every_s=15.0, takes_s=0.1)
        found = fires_within(path(second_sample=True, window_s=60.0, records=(record,)), DELAY)
        assert found.earliest_s == 6.0
        assert found.latest_s == pytest.approx(4 + 10 + 0.1 + 15.1 + 5 + 60 + JITTER_S)

    def test_what_is_unknown_has_no_latest(self) -> None:
        assert fires_within(path(unknown=("x",)), DELAY) == Bounds(earliest_s=1.0)
        assert fires_within(path(), {}) == Bounds(earliest_s=0.0)


class TestResolving:
    def test_an_expression_that_ends_by_itself(self) -> None:
        found = resolves(path(lasts_s=120.0), Bounds(earliest_s=1.0, latest_s=14.0))
        assert (found.earliest_s, found.latest_s) == (105.0, pytest.approx(125.0 + JITTER_S))

    def test_else_there_is_a_floor_only(self) -> None:
        assert resolves(path(), Bounds(earliest_s=1.0, latest_s=14.0)) == Bounds(earliest_s=5.0)
        assert resolves(path(keep_firing_for_s=12.0), Bounds(earliest_s=1.0)) == Bounds(earliest_s=20.0)


def test_what_it_is_made_of_is_said_once() -> None:
    said = path(source(1.0), source(4.0), for_s=300.0, window_s=60.0, second_sample=True).made_of()
    assert said == (
        "ksm is scraped every 5 s, group pods is evaluated every 5 s, "
        "a second sample, which no series has yet, a window of 60 s, the rule's `for` is 5 min"
    )


def prometheus(
    rng: random.Random, *, visible: float, scrape: Beat, evaluation: Beat, for_s: float, second: bool
) -> float:
    """When the alert of a small Prometheus fires: scrape by scrape, each a little late."""

    def late() -> float:
        return rng.uniform(0.0, 0.03)

    assert scrape.last
    assert evaluation.last
    first_scrape = (scrape.last - NOON).total_seconds() % scrape.every_s - scrape.every_s
    samples = []  # when each sample that shows the condition could be read
    for number in range(200):
        begun = first_scrape + number * scrape.every_s + late()
        if begun >= visible:
            samples.append(begun + scrape.takes_s * rng.uniform(0.5, 1.5))
    needed = samples[1] if second else samples[0]
    active = None
    at = (evaluation.last - NOON).total_seconds() % evaluation.every_s - evaluation.every_s
    while True:
        if at + late() >= needed:
            active = at if active is None else active
            if at - active >= for_s - 1e-9:
                return at
        at += evaluation.every_s


@pytest.mark.parametrize("second", [False, True])
@pytest.mark.parametrize("for_s", [0.0, 12.0])
def test_at_random_phases_the_forecast_holds(for_s: float, second: bool) -> None:
    rng = random.Random(7)
    errors, held = [], 0
    for _ in range(500):
        scraped = source(rng.uniform(-60, 0), takes=rng.uniform(0.01, 0.3))
        forecast = path(scraped, evaluated=rng.uniform(-60, 0), for_s=for_s, second_sample=second)
        visible = rng.uniform(0.0, 30.0)
        found = firing(forecast, NOON + s(visible)).since(NOON)
        truth = prometheus(
            rng,
            visible=visible,
            scrape=scraped.scrape,
            evaluation=forecast.evaluation,
            for_s=for_s,
            second=second,
        )
        assert found.point_s is not None
        assert found.latest_s is not None
        errors.append(abs(found.point_s - truth))
        held += found.earliest_s <= truth <= found.latest_s
    assert sorted(errors)[math.ceil(0.95 * len(errors)) - 1] <= 0.5
    assert held >= 0.99 * len(errors)
