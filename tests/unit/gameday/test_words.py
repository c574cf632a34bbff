"""Which of a run's words its processes are called with, too."""

from __future__ import annotations

import pytest

from aftershock.gameday.words import passed_on


def told(*words: str) -> list[str]:
    return passed_on(words, with_own=["--run-id=r1"])


@pytest.mark.parametrize(
    "words",
    [
        ("--env", "staging", "-o", "junit_family=xunit1", "-p", "no:logging"),
        ("-k", "one or two", "-m", "not slow", "-xvs", "-W", "error"),
        ("--tb=short", "--showlocals", "features/a.feature", "--log-level=INFO"),
    ],
)
def test_options_of_pytest_and_of_others_come_in_their_order(words: tuple[str, ...]) -> None:
    assert told(*words) == [*words, "--run-id=r1"]


def test_what_is_said_of_the_process_itself_counts_more() -> None:
    assert told("--run-id=r0", "-x") == ["--run-id=r0", "-x", "--run-id=r1"]


@pytest.mark.parametrize(
    "words",
    [
        ("--junitxml=j.xml",),
        ("--junit-xml", "j.xml"),
        ("--basetemp", "folder"),
        ("--log-file=run.log",),
        ("--lf", "--lfnf=none", "--sw", "--cache-clear"),
        ("--pdb", "--trace"),
        ("--clean-alluredir",),
        ("--debug",),
    ],
)
def test_what_is_for_one_process_alone_is_left_out(words: tuple[str, ...]) -> None:
    assert told("-v", *words, "-x") == ["-v", "-x", "--run-id=r1"]


def test_what_stands_behind_two_hyphens_stays_a_path() -> None:
    assert told("-x", "--", "--pdb") == ["-x", "--run-id=r1", "--", "--pdb"]
