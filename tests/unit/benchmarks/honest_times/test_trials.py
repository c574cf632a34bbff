from __future__ import annotations

from collections import Counter
from itertools import pairwise

from benchmarks.honest_times.trials import KINDS, LONGER, PAUSE_S, draw


def test_every_kind_is_dealt_so_often_and_the_pods_are_done_at_about_the_same_time() -> None:
    schedules = draw(per_kind=30, pods=10, seed=1)

    kinds = Counter(trial.kind for schedule in schedules for trial in schedule.trials)
    assert kinds == dict.fromkeys(KINDS, 30)
    lengths = [schedule.length_s for schedule in schedules]
    assert max(lengths) - min(lengths) < 50
    assert max(lengths) < 420


def test_trials_are_apart_by_a_pause_of_random_length() -> None:
    schedules = draw(per_kind=10, pods=3, seed=2)

    pauses = [
        later.outages[0].after_s - earlier.end_s
        for schedule in schedules
        for earlier, later in pairwise(schedule.trials)
    ]
    assert all(PAUSE_S[0] - 0.001 <= pause <= PAUSE_S[1] + 0.001 for pause in pauses)
    # Spread over the phase of a probe of one second.
    assert {int(pause % 1 * 4) for pause in pauses} == {0, 1, 2, 3}


def test_overlapping_outages_overlap() -> None:
    (schedule,) = draw(kinds=["overlapping"], per_kind=20, pods=1, seed=3)

    for trial in schedule.trials:
        first, second = trial.outages
        assert first.after_s < second.after_s < first.end_s < second.end_s
        assert trial.end_s == second.end_s


def test_an_outage_is_as_long_as_it_is_called_or_a_little_longer() -> None:
    (schedule,) = draw(kinds=["5 s"], per_kind=40, pods=1, seed=7)

    lengths = [trial.outages[0].for_s for trial in schedule.trials]
    assert all(5 <= length <= 5 * (1 + LONGER) for length in lengths)
    # Spread over the period of a probe that asks 20 times a second.
    assert {int(length % 0.05 * 80) for length in lengths} == {0, 1, 2, 3}


def test_a_seed_makes_the_same_again() -> None:
    assert draw(per_kind=2, pods=2, seed=4) == draw(per_kind=2, pods=2, seed=4)
    assert draw(per_kind=2, pods=2, seed=4) != draw(per_kind=2, pods=2, seed=5)


def test_the_pod_is_told_every_outage() -> None:
    (schedule,) = draw(kinds=["2 s", "overlapping"], per_kind=1, pods=1, seed=6)

    told = schedule.to_json()
    assert len(told) == 3
    assert all(set(outage) == {"after_s", "for_s", "how"} for outage in told)
