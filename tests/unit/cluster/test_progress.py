"""What a person sees while something long runs."""

from __future__ import annotations

import io

import pytest
from rich.console import Console

from aftershock.cluster.progress import Progress
from aftershock.testing import FakeClock


def lines(said: io.StringIO) -> list[str]:
    return [line.rstrip() for line in said.getvalue().splitlines()]


def test_a_stage_and_what_it_took(progress: Progress, clock: FakeClock, said: io.StringIO) -> None:
    with progress.stage("images"):
        clock.sleep(2)
        with progress.task("compile kind"):
            clock.sleep(3)
        progress.say("all are there")
    assert lines(said) == [
        "      0 s → images",
        "      5 s   · compile kind (3 s)",
        "      5 s   all are there",
        "      5 s ✓ images (5 s)",
    ]
    assert progress.durations == {"images": 5}
    assert progress.elapsed_s == 5


@pytest.mark.parametrize("error", [ValueError, KeyboardInterrupt])
def test_a_stage_that_fails(
    progress: Progress, clock: FakeClock, said: io.StringIO, error: type[BaseException]
) -> None:
    with pytest.raises(error), progress.stage("cluster"):
        raise error
    assert lines(said)[-1] == "      0 s ✗ cluster (0 s)"
    assert progress.durations == {}


@pytest.mark.parametrize("text", ["[conmon:e]: no", "[/usr/bin/x] failed", "deb [signed-by=/k] u", "[red]x"])
def test_brackets_are_text(progress: Progress, said: io.StringIO, text: str) -> None:
    progress.say(text)
    assert lines(said) == [f"      0 s   {text}"]


def test_a_terminal_shows_what_is_happening_now(clock: FakeClock) -> None:
    screen = io.StringIO()
    progress = Progress(Console(file=screen, force_terminal=True, width=100), clock=clock)
    with progress.stage("images"), progress.task("compile [kind]"), progress.task("build nginx"):
        shown = progress._live
        assert shown is not None
        assert "compile [kind], build nginx" in str(shown.status)  # type: ignore[attr-defined]  # a rich Status
    assert progress._live is None
