"""Pacing: rest is earned, a burst is spared, many are paused on instants that all watches share."""

from __future__ import annotations

import pytest

from aftershock.observe.pacing import EVENTS_PER_S, EVENTS_SPARED, PAUSE_S, Pacing


def pauses(pacing: Pacing, *, begin: float, every_s: float, number: int) -> list[float]:
    """Return what it says after each of so many events."""
    found = []
    for index in range(number):
        pacing.count(begin + index * every_s)
        found.append(pacing.pause_s(begin + index * every_s))
    return found


def test_the_allowed_rate_is_never_paused() -> None:
    assert not any(pauses(Pacing(), begin=1000, every_s=1 / EVENTS_PER_S, number=5000))


def test_a_burst_is_spared_and_not_one_event_more() -> None:
    found = pauses(Pacing(), begin=1000, every_s=0, number=int(EVENTS_SPARED) + 1)
    assert not any(found[:-1])
    assert found[-1] > 0


def test_twice_the_rate_is_paused_once_the_spared_ones_are_gone() -> None:
    found = pauses(Pacing(), begin=1000, every_s=0.5 / EVENTS_PER_S, number=1000)
    first = next(index for index, pause in enumerate(found) if pause)
    assert first == pytest.approx(2 * EVENTS_SPARED, abs=2)
    assert all(found[first:])


def test_pauses_end_at_instants_that_all_watches_share() -> None:
    found = pauses(Pacing(), begin=1000, every_s=0.01, number=1000)
    ends = {round((1000 + index * 0.01 + pause) / PAUSE_S, 6) for index, pause in enumerate(found) if pause}
    assert all(end == int(end) for end in ends)
    assert max(found) <= PAUSE_S


def test_rest_gives_everything_back() -> None:
    pacing = Pacing()
    pauses(pacing, begin=1000, every_s=0, number=5000)
    assert pacing.pause_s(1000 + 0.9 * EVENTS_SPARED / EVENTS_PER_S) > 0
    assert pacing.pause_s(1000 + 1.1 * EVENTS_SPARED / EVENTS_PER_S) == 0
    rested = 1000 + 2 * EVENTS_SPARED / EVENTS_PER_S + 1
    assert not any(pauses(pacing, begin=rested, every_s=0, number=int(EVENTS_SPARED)))
