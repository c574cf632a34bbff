"""Back-off and probes: what the kubelet waits for."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from aftershock.forecast.beat import Bounds
from aftershock.forecast.restart import Container, Probe, new_pod, next_wait, probed_again, ready_again

NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)
SAMPLE_APP = Container(
    name="app",
    startup=Probe(initial_delay_s=10, period_s=10, timeout_s=5),
    readiness=Probe(initial_delay_s=5, period_s=5, timeout_s=3),
)


def waits(*, restarts: int, waited: float, ago: float) -> tuple[float, float]:
    started = NOON - timedelta(seconds=ago)
    return next_wait(
        restarts=restarts, started=started, ended_before=started - timedelta(seconds=waited), now=NOON
    )


def test_the_first_restart_waits_for_nothing() -> None:
    assert next_wait(restarts=0, started=NOON, ended_before=None, now=NOON) == (0, 0)


@pytest.mark.parametrize(
    ("restarts", "waited", "expected"),
    [(1, 0, 10), (1, 1, 10), (2, 10, 20), (2, 9, 20), (3, 21, 40), (4, 40, 80), (9, 300, 300), (9, 400, 300)],
)
def test_how_long_it_waited_tells_what_comes_next(restarts: int, waited: float, expected: float) -> None:
    assert waits(restarts=restarts, waited=waited, ago=60) == (expected, expected)


def test_the_fourth_crash_in_a_row_cannot_recover_within_30_seconds() -> None:
    wait = waits(restarts=3, waited=20, ago=5)
    assert ready_again([Container(name="app", wait=wait)]).earliest_s > 30


def test_ten_minutes_after_a_start_it_is_forgotten() -> None:
    assert waits(restarts=5, waited=80, ago=601) == (0, 0)


def test_a_slow_start_is_no_back_off_beyond_the_number_of_restarts() -> None:
    assert waits(restarts=1, waited=35, ago=60) == (10, 10)


def test_without_times_only_the_most_is_known() -> None:
    assert next_wait(restarts=2, started=None, ended_before=None, now=NOON) == (0, 20)


@pytest.mark.parametrize(
    ("container", "earliest", "latest"),
    [
        (Container(name="x"), 0, 0),
        (Container(name="x", readiness=Probe(period_s=5)), 0, 6),
        (Container(name="x", readiness=Probe(initial_delay_s=5, period_s=5, timeout_s=3)), 4, 13),
        (Container(name="x", readiness=Probe(period_s=5, successes=3)), 10, 16),
        (SAMPLE_APP, 9, 33),
    ],
)
def test_probes_set_the_floor(container: Container, earliest: float, latest: float) -> None:
    assert container.ready() == Bounds(earliest_s=earliest, latest_s=latest)


def test_of_several_candidates_the_fastest_is_the_floor() -> None:
    slow = Container(name="b", wait=(40, 40))
    assert ready_again([SAMPLE_APP, slow]) == Bounds(earliest_s=9, latest_s=41)


def test_a_new_pod_needs_all_its_containers() -> None:
    assert new_pod([SAMPLE_APP, Container(name="sidecar")]).earliest_s == 9


def test_without_containers_nothing_is_said() -> None:
    assert ready_again([]) == new_pod([]) == Bounds(earliest_s=0)


def test_what_was_not_restarted_needs_its_probes_to_succeed_again() -> None:
    twice = Container(name="main", readiness=Probe(period_s=5, timeout_s=3, successes=2))
    bounds = probed_again([twice, Container(name="sidecar")])
    assert (bounds.earliest_s, bounds.latest_s) == (5, 13)
    assert probed_again([]).latest_s == 0
