"""The objectives of the services, from the files that the stack ships."""

from __future__ import annotations

from pathlib import Path

from aftershock.errors import FeatureError
from aftershock.slo.files import read_objectives
from aftershock.slo.objective import Objective

__all__ = ["availabilities", "availability_of"]

_FILES = Path("stack", "monitoring", "slo")


def availability_of(service: str, *, root: Path) -> Objective:
    """Return the objective called availability of `service`.

    Raises:
        FeatureError: no file says one.
        ConfigError: a file cannot be read.

    """
    found = availabilities(root=root)
    if service in found:
        return found[service]
    raise FeatureError(
        f"{service} has no objective for its availability",
        expected=f"one of {', '.join(found)}" if found else f"a file in {root / _FILES}",
        hint=f"add one in OpenSLO's or Sloth's format to {root / _FILES}",
    )


def availabilities(*, root: Path) -> dict[str, Objective]:
    """Return the objectives called availability, by service.

    Raises:
        ConfigError: a file cannot be read.

    """
    objectives = read_objectives(sorted((root / _FILES).glob("*.yaml")))
    return {found.service: found for found in objectives if found.name == "availability"}
