"""What people meant with a game day: its name, who answers for it, and what they expect of each scenario.

Read from the copy of the game day's file in the run's folder. A run without one is told by its scenarios
alone; what the file says beyond this is for who runs it.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import yaml

from aftershock.errors import UsageError

__all__ = ["KEPT", "Intent", "read_intent"]

KEPT = "gameday.yaml"


class Intent:
    """What the file says. `owners` are names; a hypothesis goes by a scenario's name or template."""

    def __init__(self, raw: dict[str, Any]) -> None:
        self.name = str(raw.get("name") or "")
        self.owners = tuple(_names(raw.get("owners")))
        self._hypotheses = dict(_hypotheses(raw))

    def hypothesis(self, *names: str) -> str:
        """Return what is expected of the scenario that has one of these names; "" where nothing is."""
        return next((self._hypotheses[name] for name in names if name in self._hypotheses), "")


def read_intent(run: Path) -> Intent:
    """Return what was meant with the run in the folder `run`; an empty one where no file says it.

    Raises:
        UsageError: the file is no YAML mapping.

    """
    path = run / KEPT
    if not path.is_file():
        return Intent({})
    try:
        raw = yaml.safe_load(path.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError, yaml.YAMLError) as error:
        raise UsageError(f"cannot read {path}", found=str(error), expected="a game day's file") from error
    if not isinstance(raw, dict):
        raise UsageError(f"{path} is no game day", expected="a mapping", found=type(raw).__name__)
    return Intent(raw)


def _names(owners: Any) -> list[str]:
    if isinstance(owners, str):
        return [owners]
    if isinstance(owners, dict):
        return [str(name) for name in owners]
    return [str(owner["name"] if isinstance(owner, dict) else owner) for owner in owners or ()]


def _hypotheses(raw: dict[str, Any]) -> list[tuple[str, str]]:
    """Return pairs, of a mapping by name or of scenarios that each have a name and a hypothesis."""
    pairs: list[tuple[str, str]] = []
    for word in ("hypotheses", "hypothesis", "scenarios"):
        part = raw.get(word)
        if isinstance(part, dict):
            pairs += [(str(name), _text(said)) for name, said in part.items()]
        elif isinstance(part, list):
            named = (item for item in part if isinstance(item, dict))
            pairs += [(str(item.get("scenario", item.get("name", ""))), _text(item)) for item in named]
    return [(name, said) for name, said in pairs if said]


def _text(said: Any) -> str:
    return str(said.get("hypothesis", "") if isinstance(said, dict) else said or "").strip()
