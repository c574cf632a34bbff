"""Being asked to end, once and more than once."""

from __future__ import annotations

import os
import signal

import pytest

from aftershock.collect.interrupts import SIGNALS, Interrupts


@pytest.fixture
def told() -> list[str]:
    return []


@pytest.fixture
def interrupts(told: list[str]) -> Interrupts:
    return Interrupts(say=told.append, doing=lambda: "the pod to be Ready")


def ask(number: int = signal.SIGINT) -> None:
    os.kill(os.getpid(), number)


@pytest.mark.parametrize("number", SIGNALS)
def test_the_first_ends_what_runs_and_the_others_are_told(
    interrupts: Interrupts, told: list[str], number: int
) -> None:
    before = [signal.getsignal(each) for each in SIGNALS]
    with interrupts.listening():
        with pytest.raises(KeyboardInterrupt) as caught:
            ask(number)
        assert str(caught.value) == ""
        assert told == []
        ask()
        ask(signal.SIGTERM)
    assert [text.partition(" heard")[0] for text in told] == ["SIGINT", "SIGTERM"]
    assert "now: the pod to be Ready" in told[0]
    assert [signal.getsignal(each) for each in SIGNALS] == before


def test_an_undo_is_not_interrupted(interrupts: Interrupts, told: list[str]) -> None:
    with interrupts.listening():
        with interrupts.undoing():
            assert not interrupts.asked
            ask()
        assert interrupts.asked
        assert len(told) == 1


def test_after_an_undo_that_nobody_disturbed_the_next_is_the_first(interrupts: Interrupts) -> None:
    with interrupts.listening():
        with interrupts.undoing():
            pass
        with pytest.raises(KeyboardInterrupt):
            ask()


def test_a_stop_condition_says_why(interrupts: Interrupts, told: list[str]) -> None:
    with interrupts.listening():
        with pytest.raises(KeyboardInterrupt, match="Prometheus is lost"):
            interrupts.stop("Prometheus is lost")
        ask()
    assert told[0].startswith("Prometheus is lost: the run ends after the undo")
