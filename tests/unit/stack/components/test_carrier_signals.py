"""Signals reach the process that was meant, and a stopped one goes on."""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from aftershock_components.carrier import pieces, signals
from aftershock_components.carrier.changes import Changes
from aftershock_components.carrier.containers import Container, started
from aftershock_components.carrier.orders import Expired, Order, OrderError

PROC = Path("/proc")


@pytest.fixture
def process() -> Iterator[int]:
    pid = pieces.start(signal.pause, until=time.time() + 60)
    yield pid
    pieces.end([pid])


@pytest.fixture
def changes(tmp_path: Path) -> Changes:
    return Changes(state=tmp_path / "state.json", kinds={signals.KIND: signals.putting_back(PROC)})


def order(
    monkeypatch: pytest.MonkeyPatch, folder: Path, pid: int, *, name: str, within_s: float = 5.0
) -> Order:
    (folder / "cgroup.procs").write_text(f"{pid}\n")
    container = Container(folder=folder, version=2, pid=pid)
    monkeypatch.setattr(Order, "container", lambda self, controller="memory": container)
    return Order(fault_id="f", until=time.time() + within_s, options={"signal": name})


def state(pid: int) -> str:
    return (PROC / str(pid) / "stat").read_text().rpartition(")")[2].split()[0]


def told() -> tuple[list[str], Any]:
    said: list[str] = []
    return said, lambda event, **_: said.append(event)


@pytest.mark.parametrize("name", ["SIGKILL", "SIGTERM"])
def test_ends_it(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, process: int, changes: Changes, name: str
) -> None:
    said, say = told()
    signals.act(order(monkeypatch, tmp_path, process, name=name), changes, say)
    assert said == ["sent", "ended"]
    assert changes.remembered() == []


def test_one_that_does_not_listen(monkeypatch: pytest.MonkeyPatch, tmp_path: Path, changes: Changes) -> None:
    def stay() -> None:
        signal.signal(signal.SIGTERM, signal.SIG_IGN)
        ready.touch()

    ready = tmp_path / "ready"
    pid = pieces.start(stay, until=time.time() + 60)
    try:
        while not ready.exists():
            os.sched_yield()
        with pytest.raises(Expired, match="did not end of SIGTERM"):
            signals.act(
                order(monkeypatch, tmp_path, pid, name="SIGTERM", within_s=0.1),
                changes,
                lambda *_, **__: None,
            )
    finally:
        pieces.end([pid])


def test_a_stopped_one_goes_on(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, process: int, changes: Changes
) -> None:
    signals.act(
        order(monkeypatch, tmp_path, process, name="SIGSTOP", within_s=0.1), changes, lambda *_, **__: None
    )
    assert state(process) == "T"
    assert [entry["pid"] for entry in changes.put_back()] == [process]
    assert state(process) != "T"
    assert changes.put_back() == []


def test_a_later_process_of_the_same_number_is_left_alone(process: int, changes: Changes) -> None:
    os.kill(process, signal.SIGSTOP)
    os.waitpid(process, os.WUNTRACED)
    changes.remember(signals.KIND, pid=process, started=(started(PROC, process) or 0) - 1)
    assert changes.put_back() == []
    assert state(process) == "T"


def test_another_signal_is_refused(changes: Changes) -> None:
    with pytest.raises(OrderError, match="must be one of"):
        signals.act(
            Order(fault_id="f", until=0.0, options={"signal": "SIGSEGV"}), changes, lambda *_, **__: None
        )
