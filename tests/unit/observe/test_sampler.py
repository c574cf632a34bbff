"""What all samplers share, where they ask for several things at once."""

from __future__ import annotations

import pytest

from aftershock.cluster.api import KubeApi
from aftershock.errors import AftershockError, NotFoundError, TransientError
from aftershock.observe.sampler import Sample, Sampler, Wanted
from aftershock.testing import FakeClock
from aftershock.timeline import Event, Timeline

SHOP, WEB = ("shop", "rate"), ("web", "rate")


class Readings(Sampler):
    """Gives what the test has put into `answers`."""

    kind = "reading"
    what = "the sampler of readings"
    answers: dict[Wanted, dict[str, Sample] | Exception]

    def ask(self, wanted: Wanted) -> dict[str, Sample]:
        answer = self.answers[wanted]
        if isinstance(answer, Exception):
            raise answer
        return answer

    def nothing(self, wanted: Wanted) -> Sample:
        return {"of": wanted[1], "value": None}


@pytest.fixture
def clock() -> FakeClock:
    return FakeClock()


@pytest.fixture
def readings(clock: FakeClock) -> Readings:
    found = Readings(KubeApi.__new__(KubeApi), Timeline(clock=clock), wanted=[SHOP, WEB, SHOP], clock=clock)
    found.answers = {each: {"a": {"of": "rate", "value": 1}} for each in (SHOP, WEB)}
    return found


def polls(readings: Readings, clock: FakeClock, count: int = 1) -> None:
    for _ in range(count):
        readings.sample_once()
        clock.sleep(1)


def of_web(readings: Readings) -> list[Event]:
    return readings.timeline.select(where=lambda event: event.subject == "pod/web/a")


def test_each_is_asked_for_once_and_told_of_by_itself(readings: Readings, clock: FakeClock) -> None:
    polls(readings, clock, 2)
    readings.answers[WEB] = {}
    polls(readings, clock, 2)
    assert [(event.subject, event.data["value"]) for event in readings.timeline] == [
        ("pod/shop/a", 1),
        ("pod/web/a", 1),
        ("pod/web/a", None),
    ]


def test_a_gap_of_one_is_none_of_the_other(readings: Readings, clock: FakeClock) -> None:
    polls(readings, clock)
    readings.answers |= {SHOP: TransientError("away"), WEB: {"a": {"of": "rate", "value": 2}}}
    polls(readings, clock)
    readings.answers[SHOP] = TransientError("away for another reason")
    polls(readings, clock)
    readings.stop()
    assert [event.data["value"] for event in of_web(readings)] == [1, 2]
    (gap,) = readings.timeline.select(kind="gap")
    assert (gap.subject, gap.data["from_mono"], gap.data["until"]) == ("reading/shop", 0.0, None)
    assert gap.data["reason"] == "rate: away"


def test_after_a_gap_a_sample_may_be_as_old_as_the_last_poll_that_was_answered(
    readings: Readings, clock: FakeClock
) -> None:
    polls(readings, clock)
    readings.answers[WEB] = TransientError("away")
    polls(readings, clock, 2)
    readings.answers[WEB] = {"a": {"of": "rate", "value": 3}}
    polls(readings, clock)
    assert of_web(readings)[-1].resolution_s == pytest.approx(3.0)


def test_what_it_does_not_endure_ends_it_with_the_gap_open(readings: Readings, clock: FakeClock) -> None:
    readings.answers[SHOP] = NotFoundError("no such list", status=404)
    clock.sleep(5)
    with pytest.raises(AftershockError, match="no such list"):
        readings.sample_once()
    readings.stop()
    (gap,) = readings.timeline.select(kind="gap")
    assert (gap.data["from_mono"], gap.data["until"]) == (5.0, None)
    assert gap.data["reason"] == "the sampler gave up: no such list"
