"""What a `chaos run` does when the harness that started it is gone."""

from __future__ import annotations

import os
import signal
import threading

import pytest

from aftershock import chaostoolkit
from aftershock.chaostoolkit import sessions
from aftershock.clock import wait_until
from aftershock.testing.kube import FakeApi


@pytest.fixture
def sent(monkeypatch: pytest.MonkeyPatch) -> list[tuple[int, int]]:
    """The signals that this process would have sent."""
    found: list[tuple[int, int]] = []
    monkeypatch.setattr(os, "kill", lambda pid, number: found.append((pid, number)))
    monkeypatch.setattr(sessions, "ORPHANED_WITHIN_S", 0.01)
    return found


def test_without_its_harness_it_is_interrupted_until_it_rolls_back(sent: list[tuple[int, int]]) -> None:
    # Named as Chaos Toolkit names it: that is how it is known where the main thread is.
    def run_method() -> None:
        wait_until(lambda: len(sent) >= 2, within_s=10, every_s=0.01, what="two signals")

    closed = threading.Event()
    thread = sessions.follow(os.getppid() + 1, closed)
    assert not closed.wait(0.05)
    assert sent == []
    run_method()
    count = len(sent)
    assert not closed.wait(0.1)
    assert len(sent) <= count + 1
    closed.set()
    thread.join(timeout=10)
    assert set(sent) == {(os.getpid(), signal.SIGUSR1)}


def test_with_its_harness_it_goes_on_until_its_end(sent: list[tuple[int, int]]) -> None:
    closed = threading.Event()
    thread = sessions.follow(os.getppid(), closed)
    assert not closed.wait(0.05)
    closed.set()
    thread.join(timeout=10)
    assert not thread.is_alive()
    assert sent == []


@pytest.mark.parametrize("step", [True, False])
def test_only_as_a_step_it_follows_a_harness(
    api: FakeApi, monkeypatch: pytest.MonkeyPatch, step: bool
) -> None:
    if not step:
        monkeypatch.delenv("AFTERSHOCK_EXPERIMENT_TIMELINE")
    before = set(threading.enumerate())  # one that another test has closed may still be about to end
    chaostoolkit.workload_ready(workload="web")
    assert ("harness" in {thread.name for thread in set(threading.enumerate()) - before}) is step
