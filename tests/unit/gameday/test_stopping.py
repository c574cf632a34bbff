"""Stop conditions: when they hold, and when not yet."""

from __future__ import annotations

import threading
from collections.abc import Sequence

import pytest

from aftershock.errors import TransientError
from aftershock.gameday import stopping
from aftershock.gameday.file import Burning, Stop
from aftershock.gameday.stopping import StopWatch, Watcher
from aftershock.testing import FakeClock


class Answers:
    def __init__(self) -> None:
        self.up = True
        self.burns = False
        self.silent = False
        self.asked: list[str] = []

    def ready(self) -> bool:
        return self.up

    def query(self, expr: str) -> Sequence[object]:
        self.asked.append(expr)
        if self.silent:
            raise TransientError("no answer")
        return [1] if self.burns else []


@pytest.fixture
def clock() -> FakeClock:
    return FakeClock()


@pytest.fixture
def prometheus() -> Answers:
    return Answers()


def looks(watch: StopWatch, clock: FakeClock, seconds: int) -> str:
    """Look every second for so long; return what ended it."""
    for _ in range(seconds):
        if why := watch.look():
            return why
        clock.sleep(1)
    return ""


def test_a_run_may_take_its_time(clock: FakeClock, prometheus: Answers) -> None:
    watch = StopWatch(Stop(max_duration="10 minutes"), prometheus, clock=clock)
    assert looks(watch, clock, 600) == ""
    assert watch.look() == "max_duration: the run has taken 10 min"


def test_prometheus_has_to_be_lost_without_a_break(clock: FakeClock, prometheus: Answers) -> None:
    watch = StopWatch(Stop(prometheus_lost="30s"), prometheus, clock=clock)
    prometheus.up = False
    assert looks(watch, clock, 29) == ""
    prometheus.up = True
    assert looks(watch, clock, 100) == ""
    prometheus.up = False
    assert looks(watch, clock, 30) == ""
    assert watch.look() == "prometheus_lost: it has not been ready for 30s"


def test_a_budget_has_to_burn_without_a_break(clock: FakeClock, prometheus: Answers) -> None:
    burning = Burning(alert="ErrorBudgetBurn", lasts="60s")
    watch = StopWatch(Stop(slo_burning=burning), prometheus, clock=clock)
    prometheus.burns = True
    assert looks(watch, clock, 59) == ""
    prometheus.silent = True  # what is not known is no burning
    assert looks(watch, clock, 5) == ""
    prometheus.silent = False
    assert looks(watch, clock, 60) == ""
    assert watch.look() == "slo_burning: ErrorBudgetBurn has held for 60s"
    assert set(prometheus.asked) == {'ALERTS{alertname="ErrorBudgetBurn",alertstate="firing"}'}


def test_nothing_is_asked_without_a_condition(clock: FakeClock, prometheus: Answers) -> None:
    watch = StopWatch(Stop(), prometheus, clock=clock)
    prometheus.up, prometheus.burns = False, True
    assert looks(watch, clock, 1000) == ""
    assert prometheus.asked == []


def test_the_thread_says_why_once_and_ends(
    clock: FakeClock, prometheus: Answers, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(stopping, "LOOK_EVERY_S", 0.001)
    told: list[str] = []
    said = threading.Event()

    def stop(why: str) -> None:
        told.append(why)
        said.set()

    watch = StopWatch(Stop(max_duration="1s"), prometheus, clock=clock)
    clock.sleep(2)
    watcher = Watcher(watch, stop=stop)
    watcher.start()
    assert said.wait(5)
    watcher.end()
    assert told == ["max_duration: the run has taken 2 s"]


def test_a_run_that_nobody_can_watch_any_more_is_ended(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(stopping, "LOOK_EVERY_S", 0.001)

    class Broken:
        def look(self) -> str:
            raise KeyError("values")

    told: list[str] = []
    said = threading.Event()
    watcher = Watcher(Broken(), stop=lambda why: (told.append(why), said.set()))  # type: ignore[arg-type,return-value]
    watcher.start()
    assert said.wait(5)
    watcher.end()
    assert told == ["the stop conditions can no longer be watched: KeyError('values')"]
