"""What goes on, on a terminal and elsewhere."""

from __future__ import annotations

import io
from contextlib import contextmanager
from types import SimpleNamespace
from typing import Any

import pytest

from aftershock.clock import observed_waits, wait_until
from aftershock.collect.session import FEATURES
from aftershock.report.live import Live
from aftershock.testing import FakeClock


class Terminal:
    """As much of pytest's reporter as is used."""

    def __init__(self, *, isatty: bool, width: int = 200) -> None:
        self.isatty = isatty
        self.file = io.StringIO()
        self.currentfspath: Any = None
        writer = SimpleNamespace(_file=self.file, fullwidth=width)
        self.config = SimpleNamespace(get_terminal_writer=lambda: writer)

    def ensure_newline(self) -> None:
        if self.currentfspath:
            self.file.write("\n")
            self.currentfspath = None

    def write(self, text: str, *, flush: bool = False) -> None:
        self.file.write(text)

    @property
    def text(self) -> str:
        return self.file.getvalue()


@contextmanager
def running(terminal: Terminal, clock: FakeClock, *, verbose: int = 0):  # type: ignore[no-untyped-def]
    features = SimpleNamespace(doing="", running=[])
    plugins = {"terminalreporter": terminal}
    config: Any = SimpleNamespace(
        stash={FEATURES: features},
        option=SimpleNamespace(verbose=verbose),
        pluginmanager=SimpleNamespace(get_plugin=plugins.get),
    )
    live = Live(config, clock=clock)
    live._scenario = "[1/2] One pod is lost"
    with observed_waits(live):
        yield live, features


def step(text: str) -> Any:
    keyword, _, name = text.partition(" ")
    return SimpleNamespace(keyword=keyword, name=name)


def wait(clock: FakeClock, seconds: float, within_s: float, what: str = "a verdict") -> None:
    end = clock.monotonic() + seconds
    wait_until(lambda: clock.monotonic() >= end, within_s=within_s, what=what, clock=clock)


@pytest.fixture
def clock() -> FakeClock:
    return FakeClock()


def test_a_line_for_each_step_and_one_for_a_long_wait(clock: FakeClock) -> None:
    terminal = Terminal(isatty=False)
    with running(terminal, clock) as (live, features):
        live.pytest_runtest_logstart()
        live.pytest_bdd_before_step(step("When 1 pod is deleted"))
        wait(clock, 1, 30, "proof")
        live.pytest_bdd_before_step(step("Then it recovers"))
        wait(clock, 20, 30)
        wait(clock, 20, 30)
        assert features.doing == "Then it recovers"
    lines = [line[9:].rstrip() for line in terminal.text.splitlines()]
    assert lines[:3] == ["[1/2] One pod is lost", "  When 1 pod is deleted", "  Then it recovers"]
    assert len(lines) == 4, lines
    assert lines[3].startswith("    waiting for a verdict until ")
    assert lines[3].endswith("at the latest (27 s)")


def test_whoever_asks_in_a_wait_is_told_what_for(clock: FakeClock) -> None:
    with running(Terminal(isatty=False), clock) as (live, features):
        live.pytest_bdd_before_step(step("Then it recovers"))
        told = []
        wait_until(lambda: told.append(features.doing) or len(told) == 2, within_s=9, what="it", clock=clock)
    assert told[1].startswith("Then it recovers, waiting for it until ")


def test_one_line_on_a_terminal_cut_to_its_width(clock: FakeClock) -> None:
    terminal = Terminal(isatty=True, width=60)
    with running(terminal, clock) as (live, _):
        live.pytest_bdd_before_step(step("Then it recovers"))
        wait(clock, 2, 30)
        live.pytest_runtest_logreport(SimpleNamespace(when="call", passed=True))
    drawn = terminal.text.split("\r\x1b[2K")
    assert drawn[1] == "[1/2] One pod is lost · Then it recovers"
    assert drawn[2].startswith("[1/2] One pod is lost · Then it recovers · waiting for")
    assert all(len(text) <= 59 for text in drawn)
    assert drawn[-1] == "[1/2] One pod is lost "
    assert "\n" not in terminal.text


def test_nothing_where_somebody_wants_it_quiet(clock: FakeClock) -> None:
    terminal = Terminal(isatty=True)
    with running(terminal, clock, verbose=-1) as (live, features):
        live.pytest_bdd_before_step(step("Then it recovers"))
        wait(clock, 20, 30)
        assert features.doing == "Then it recovers"
    assert terminal.text == ""
