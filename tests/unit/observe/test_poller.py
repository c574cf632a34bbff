"""A look that is repeated in a thread."""

from __future__ import annotations

import threading

import pytest

from aftershock.clock import SystemClock
from aftershock.errors import AftershockError, ApiError
from aftershock.observe.poller import Poller


def poller(look: object, *, every_s: float) -> Poller:
    return Poller(look, every_s=every_s, what="the look", clock=SystemClock())  # type: ignore[arg-type]


def test_it_looks_at_once_and_again() -> None:
    looked = threading.Semaphore(0)
    looks = poller(looked.release, every_s=0.01)
    looks.start()
    assert [looked.acquire(timeout=30) for _ in range(3)] == [True] * 3
    looks.stop()


def test_whoever_stops_it_does_not_wait_for_its_next_look() -> None:
    looked = threading.Event()
    looks = poller(looked.set, every_s=3600)
    looks.start()
    assert looked.wait(30)
    looks.stop()  # else it would be joined for half a minute, and the thread left behind
    assert not any(thread.name == "the look" for thread in threading.enumerate())


def test_what_a_look_raises_ends_it() -> None:
    def refused() -> None:
        raise ApiError("GET /: 403 Forbidden", status=403)

    looks = poller(refused, every_s=3600)
    looks.start()
    with pytest.raises(AftershockError, match="the look gave up"):
        looks.stop()


def test_one_that_was_not_started_can_be_stopped() -> None:
    poller(list, every_s=1).stop()
