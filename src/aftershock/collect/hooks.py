"""What others may fill in: hooks of the aftershock plugin, called only in runs of features.

An implementation takes only the arguments it needs. An AftershockError raised in one ends
the run with its message and its exit code; nothing was touched by then.
"""

from __future__ import annotations

from collections.abc import Sequence

import pytest

from aftershock.collect.gherkin import Scenario
from aftershock.collect.run import Run
from aftershock.config import Settings

__all__ = ["pytest_aftershock_begin", "pytest_aftershock_plan", "pytest_aftershock_preflight"]


def pytest_aftershock_preflight(
    config: pytest.Config, settings: Settings, run: Run, items: Sequence[pytest.Item]
) -> object:
    """Look whether the run may begin; called once, after collection, before the first scenario.

    `items` are the scenarios that will run; `run.folder` exists. Not called for
    --collect-only and --dry-run.

    Raises:
        EnvironmentUnusableError: there is nothing to run on (exit code 10).
        RefusedError: a guard says no (exit code 4).
        ResidueError: an earlier run left something (exit code 11).

    """


def pytest_aftershock_begin(config: pytest.Config, settings: Settings, run: Run) -> object:
    """Open what the run needs; called once, after the preflight, before the first scenario."""


def pytest_aftershock_plan(
    config: pytest.Config, settings: Settings, scenario: Scenario
) -> Sequence[str] | None:
    """Return lines for --dry-run: targets, blast radius and forecast of `scenario`. Touches nothing."""
