"""What the figures of a run were obtained on, as Allure shows it; seeds are known when the run has ended."""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path

from aftershock.report.record import TIMELINE, RunRecord, read_run
from aftershock.report.secrets import redact

__all__ = ["as_properties", "seeds_of", "write_environment"]

_SEED = re.compile(r"\bseed (\d+)")
_PLANNED = '"kind":"planned"'


def seeds_of(run: Path) -> str:
    """Return the seeds by which the faults of a run chose their targets, in the order of the scenarios."""
    seeds: dict[str, None] = {}
    for path in sorted(run.glob(f"*/{TIMELINE}")):
        with path.open(encoding="utf-8", errors="replace") as lines:
            seeds |= {seed: None for line in lines if _PLANNED in line for seed in _SEED.findall(line)}
    return ", ".join(seeds)


def as_properties(run: RunRecord) -> str:
    """Return the run's environment in the format of Allure's environment.properties."""
    given: Mapping[str, str] = {
        "run": run.id,
        "gameday": run.gameday,
        "cluster": run.cluster,
        "profile": run.profile,
        **run.environment,
    }
    # A blank ends the name of a property, and a line its value.
    lines = [f"{name.replace(' ', '.')}={' '.join(redact(value).split())}" for name, value in given.items()]
    return "\n".join([*(line for line in lines if not line.endswith("=")), ""])


def write_environment(results: Path, run: Path) -> None:
    """Write what is known of the run in the folder `run` by now into its Allure `results`.

    Raises:
        UsageError: there is no recorded run.

    """
    text = as_properties(read_run(run).run)
    (results / "environment.properties").write_text(text, encoding="utf-8")
