"""Pacing: rest is earned, a burst is spared, more than that is left to gather."""

from __future__ import annotations

import pytest

from aftershock.observe.pacing import EVENTS_PER_S, EVENTS_SPARED, Pacing


def gathers(pacing: Pacing, *, begin: float, every_s: float, number: int) -> list[bool]:
    """Return what it says after each of so many events."""
    found = []
    for index in range(number):
        pacing.count(begin + index * every_s)
        found.append(pacing.gathers(begin + index * every_s))
    return found


def test_the_allowed_rate_never_gathers() -> None:
    assert not any(gathers(Pacing(), begin=1000, every_s=1 / EVENTS_PER_S, number=5000))


def test_a_burst_is_spared_and_not_one_event_more() -> None:
    found = gathers(Pacing(), begin=1000, every_s=0, number=int(EVENTS_SPARED) + 1)
    assert not any(found[:-1])
    assert found[-1]


def test_twice_the_rate_gathers_once_the_spared_ones_are_gone() -> None:
    found = gathers(Pacing(), begin=1000, every_s=0.5 / EVENTS_PER_S, number=1000)
    assert found.index(True) == pytest.approx(2 * EVENTS_SPARED, abs=2)
    assert all(found[found.index(True) :])


def test_rest_gives_everything_back() -> None:
    pacing = Pacing()
    gathers(pacing, begin=1000, every_s=0, number=5000)
    assert pacing.gathers(1000 + 0.9 * EVENTS_SPARED / EVENTS_PER_S)
    assert not pacing.gathers(1000 + 1.1 * EVENTS_SPARED / EVENTS_PER_S)
    rested = 1000 + 2 * EVENTS_SPARED / EVENTS_PER_S + 1
    assert not any(gathers(pacing, begin=rested, every_s=0, number=int(EVENTS_SPARED)))
