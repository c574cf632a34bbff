"""Gathering: one thread for all, at whole instants, and nobody waits for ever."""

from __future__ import annotations

import threading
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor

import pytest

from aftershock.errors import TransientError
from aftershock.observe.gathering import PAUSE_S, Gathering
from aftershock.testing import FakeClock

WAIT_S = 5.0


def looks(times: int, note: Callable[[], None]) -> Callable[[], bool]:
    """Return a look that is over after so many times."""
    left = list(range(times))

    def look() -> bool:
        left.pop()
        note()
        return bool(left)

    return look


def test_it_looks_at_every_whole_instant_until_that_is_over() -> None:
    clock = FakeClock()
    clock.sleep(0.3)
    at: list[float] = []
    Gathering(clock).until_over(looks(3, lambda: at.append(clock.monotonic())))
    assert at == pytest.approx([PAUSE_S, 2 * PAUSE_S, 3 * PAUSE_S])


def test_one_thread_looks_for_all() -> None:
    gathering = Gathering(FakeClock())
    seen: dict[str, set[int]] = {"first": set(), "second": set()}
    both = threading.Event()

    def first() -> bool:
        seen["first"].add(threading.get_ident())
        return not both.is_set()

    def second() -> bool:
        seen["second"].add(threading.get_ident())
        both.set()
        return False

    with ThreadPoolExecutor(2) as pool:
        waiting: list[Future[None]] = [pool.submit(gathering.until_over, look) for look in (first, second)]
        for each in waiting:
            each.result(WAIT_S)
    assert len(seen["first"] | seen["second"]) == 1
    assert threading.get_ident() not in seen["first"]


def test_what_a_look_raises_is_raised_where_it_is_waited_for_and_the_others_go_on() -> None:
    gathering = Gathering(FakeClock())
    broken = threading.Event()

    def breaks() -> bool:
        broken.set()
        raise TransientError("the watch broke")

    with ThreadPoolExecutor(1) as pool:
        other = pool.submit(gathering.until_over, lambda: not broken.is_set())
        with pytest.raises(TransientError, match="broke"):
            gathering.until_over(breaks)
        other.result(WAIT_S)


def test_it_begins_again_after_everything_was_over() -> None:
    clock = FakeClock()
    gathering = Gathering(clock)
    count: list[float] = []
    for _ in range(50):  # its thread may be about to end, or have ended
        gathering.until_over(looks(2, lambda: count.append(clock.monotonic())))
    assert len(count) == 100
