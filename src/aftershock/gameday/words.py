"""Which of a run's own words the processes are called with that run its scenarios side by side. Pure."""

from __future__ import annotations

import argparse
from collections.abc import Sequence

__all__ = ["passed_on"]

# What is for one process alone: it writes a file, empties a folder, knows what failed before, or asks.
_WITH_A_VALUE = (
    "--basetemp",
    "--junit-xml",
    "--junitxml",
    "--last-failed-no-failures",
    "--lfnf",
    "--log-file",
    "--pastebin",
)
_WITHOUT = (
    "--cache-clear",
    "--clean-alluredir",
    "--failed-first",
    "--ff",
    "--last-failed",
    "--lf",
    "--new-first",
    "--nf",
    "--pdb",
    "--stepwise",
    "--stepwise-reset",
    "--stepwise-skip",
    "--sw",
    "--sw-reset",
    "--sw-skip",
    "--trace",
)


def passed_on(words: Sequence[str], *, with_own: Sequence[str]) -> list[str]:
    """Return pytest's words without what is for one process alone, and `with_own`, which count more.

    Of what pytest takes once the last one counts; what stands behind "--" is a path to it.
    """
    ours = argparse.ArgumentParser(add_help=False, allow_abbrev=False)
    ours.add_argument(*_WITH_A_VALUE)
    ours.add_argument(*_WITHOUT, action="store_true")
    ours.add_argument("--debug", nargs="?")
    _, others = ours.parse_known_args(words)
    end = others.index("--") if "--" in others else len(others)
    return [*others[:end], *with_own, *others[end:]]
