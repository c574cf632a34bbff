"""A probe at work: attempts, records, and a thread that goes on after a failure."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import pytest

from aftershock.clock import wait_until
from aftershock.errors import AftershockError
from aftershock.litmus import checks
from aftershock.litmus.checks import Checker
from aftershock.litmus.probe import HttpProbe
from aftershock.observe.client_probe import Answer
from aftershock.timeline import Timeline

PROBE = HttpProbe(
    name="web answers",
    mode="Continuous",
    url="http://web/",
    criteria="==",
    wanted=(200,),
    attempts=1,
    timeout_s=5.0,
    interval_s=0.0,
    every_s=0.01,
    delay_s=0.0,
    stops=False,
)
GOOD, BAD, SILENT = (
    Answer(ok=True, status=200),
    Answer(ok=False, status=503),
    Answer(ok=False, error="timeout"),
)


class Service:
    """Answers in turn, the last answer for ever."""

    def __init__(self, *answers: Answer | Exception) -> None:
        self.answers = list(answers)
        self.asked: list[tuple[str, float]] = []

    def ask(self, url: str, *, timeout_s: float, clock: Any) -> Answer:
        self.asked.append((url, timeout_s))
        answer = self.answers.pop(0) if len(self.answers) > 1 else self.answers[0]
        if isinstance(answer, Exception):
            raise answer
        return answer


@pytest.fixture
def timeline() -> Timeline:
    return Timeline()


@pytest.fixture
def made(monkeypatch: pytest.MonkeyPatch, timeline: Timeline) -> Iterator[Any]:
    """Return what makes a checker of a service that answers so."""

    def make(*answers: Answer | Exception, **probe: Any) -> tuple[Checker, Service]:
        service = Service(*answers)
        monkeypatch.setattr(checks, "ask", service.ask)
        return Checker(
            replace(PROBE, **probe),
            "http://127.0.0.1:30080/",
            timeline,
            engine="e",
            experiment="pod-delete",
            phase=lambda: "during",
        ), service

    return make


def test_a_good_look(made: Any, timeline: Timeline) -> None:
    checker, service = made(GOOD)
    assert checker.look()
    assert service.asked == [("http://127.0.0.1:30080/", 5.0)]
    (event,) = timeline
    assert (event.source, event.kind, event.subject) == ("client", "check", "web answers")
    del event.data["took_s"]
    assert event.data == {
        "engine": "e",
        "experiment": "pod-delete",
        "phase": "during",
        "ok": True,
        "said": "200",
        "attempts": 1,
    }
    assert not checker.failed


@pytest.mark.parametrize(
    ("answers", "attempts", "good", "facts"),
    [
        ([BAD, GOOD], 2, True, (2, "200")),
        ([BAD, GOOD], 1, False, (1, "503")),
        ([SILENT, SILENT, GOOD], 2, False, (2, "timeout")),
    ],
)
def test_attempts(  # noqa: PLR0917 - the cases
    made: Any, timeline: Timeline, answers: list[Answer], attempts: int, good: bool, facts: tuple[int, str]
) -> None:
    checker, _ = made(*answers, attempts=attempts)
    assert checker.first_look() is good
    assert checker.failed is not good
    (event,) = timeline
    assert (event.data["attempts"], event.data["said"]) == facts


def test_in_its_thread_it_goes_on_after_a_failure(made: Any, timeline: Timeline) -> None:
    checker, _ = made(GOOD, BAD, GOOD)
    with checker:
        wait_until(lambda: len(timeline) >= 4, within_s=10, every_s=0.01, what="four looks")
    assert [event.data["ok"] for event in timeline][:4] == [True, False, True, True]
    assert checker.failed
    assert 0.01 <= list(timeline)[1].resolution_s < 5
    count = len(timeline)
    checker.stop()
    assert len(timeline) == count


def test_a_thread_that_gave_up_is_an_error(made: Any) -> None:
    checker, service = made(ValueError("not ours"))
    checker.start()
    wait_until(lambda: bool(service.asked), within_s=10, every_s=0.01, what="a look")
    with pytest.raises(AftershockError, match="'web answers' gave up"):
        checker.stop()


def test_one_that_never_began_can_be_stopped(made: Any, timeline: Timeline) -> None:
    checker, _ = made(GOOD)
    checker.stop()
    assert len(timeline) == 0
