"""What people meant with a game day: its name, who answers for it, and what they expect of its scenarios.

Read from the copy of the game day's file in the run's folder. A run without one is told by its scenarios
alone; what the file says beyond this is for who runs it.
"""

from __future__ import annotations

from pathlib import Path

import msgspec
import yaml

from aftershock.errors import UsageError
from aftershock.report.record import ScenarioRecord

__all__ = ["KEPT", "Chosen", "Intent", "read_intent"]

KEPT = "gameday.yaml"


class Chosen(msgspec.Struct, frozen=True, kw_only=True):
    """Scenarios of a feature, or of a folder of features: all, or the one called `scenario`."""

    feature: str = ""
    scenario: str = ""
    hypothesis: str = ""

    def has(self, record: ScenarioRecord) -> bool:
        """Whether that scenario is among them."""
        feature = self.feature.rstrip("/")
        there = record.file == feature or record.file.startswith(f"{feature}/")
        return there and self.scenario in {"", record.template, record.name}


class Intent(msgspec.Struct, frozen=True, kw_only=True):
    """What the file says, as far as a report tells it."""

    name: str = ""
    owners: tuple[str, ...] = ()
    scenarios: tuple[Chosen, ...] = ()

    def hypothesis(self, record: ScenarioRecord) -> str:
        """Return what is expected of that scenario, by name before by feature; "" where nothing is."""
        found = [chosen for chosen in self.scenarios if chosen.has(record)]
        found.sort(key=lambda chosen: (not chosen.scenario, -len(chosen.feature)))
        return record.hypothesis or next((chosen.hypothesis for chosen in found), "")


def read_intent(run: Path) -> Intent:
    """Return what was meant with the run in the folder `run`; an empty one where no file says it.

    Raises:
        UsageError: the file is no game day.

    """
    path = run / KEPT
    if not path.is_file():
        return Intent()
    try:
        return msgspec.convert(yaml.safe_load(path.read_text(encoding="utf-8")), Intent)
    except (OSError, UnicodeDecodeError, yaml.YAMLError, msgspec.ValidationError) as error:
        raise UsageError(
            f"cannot read {path}", found=str(error), expected="a game day: name, owners, scenarios"
        ) from error
