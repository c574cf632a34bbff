"""What a scenario's item of pytest carries: the scenario, its turn among repetitions, its folder."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import pytest

from aftershock.collect.gherkin import Scenario
from aftershock.collect.run import slugs

__all__ = ["FOLDER", "SCENARIO", "TURN", "Turn", "folders"]


@dataclass(frozen=True, kw_only=True)
class Turn:
    """Which of the repetitions of a scenario it is, from 1; and what its game day expects of it."""

    number: int = 1
    of: int = 1
    hypothesis: str = ""


SCENARIO = pytest.StashKey[Scenario]()
FOLDER = pytest.StashKey[Path]()
TURN = pytest.StashKey[Turn]()


def folders(items: Sequence[pytest.Item]) -> list[str]:
    """Return a folder name for each scenario; those of repetitions end with "-2of5"."""
    names: dict[object, str] = {_key(item): _name(item.stash[SCENARIO]) for item in items}
    slug_of = dict(zip(names, slugs(list(names.values())), strict=True))
    turns = [(slug_of[_key(item)], item.stash.get(TURN, Turn())) for item in items]
    return [slug + (f"-{turn.number}of{turn.of}" if turn.of > 1 else "") for slug, turn in turns]


def _key(item: pytest.Item) -> object:
    """Return what repetitions of one scenario have in common, and no other."""
    scenario = item.stash[SCENARIO]
    repeated = item.stash.get(TURN, Turn()).of > 1
    return (scenario.file, scenario.line, scenario.example) if repeated else item.nodeid


def _name(scenario: Scenario) -> str:
    """Return the scenario's name, with its example where the name does not tell."""
    same = scenario.name == scenario.template
    return " ".join([scenario.name, *(value for _, value in scenario.example if same)])
