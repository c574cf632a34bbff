"""The plugin that looks whether a run may begin, and says what a dry run would do."""

from __future__ import annotations

from collections.abc import Sequence

import pytest

from aftershock.collect.gherkin import Scenario
from aftershock.collect.run import Run
from aftershock.collect.session import SCENARIO, FeatureSession
from aftershock.config import Settings
from aftershock.faults.lease import RunLease
from aftershock.scene.alert_names import check_names
from aftershock.scene.facts import facts_of
from aftershock.scene.outlook import refuse_impossible
from aftershock.scene.plan import Planner
from aftershock.scene.preflight import check_loads, check_reachable, preflight
from aftershock.scene.swarming import bring_worker_image

__all__ = ["Preflight"]


class Preflight:
    """Our own preflight and plan, under the name aftershock_preflight.

    `-p no:aftershock_preflight` leaves both out, for projects whose steps need no cluster.
    """

    def __init__(self, features: FeatureSession) -> None:
        self.features = features
        self.planner: Planner | None = None
        self.lease: RunLease | None = None
        self.facts: dict[str, str] = {}

    def pytest_aftershock_preflight(self, settings: Settings, run: Run, items: Sequence[pytest.Item]) -> None:
        """Look whether the run may begin, and whether its objectives can be met and verified.

        Then the image that its loads need is in the cluster, and the run's Lease is ours.
        """
        scenarios = [self.features.meanings(item.stash[SCENARIO]) for item in items]
        check_loads(scenarios)
        cluster = preflight(settings, reports=run.folder.parent)
        check_reachable(cluster, scenarios)
        check_names(cluster, scenarios)
        refuse_impossible(cluster, settings, scenarios)
        bring_worker_image(cluster, settings, scenarios)
        self.facts = facts_of(cluster.api)
        self.lease = RunLease(cluster.api, run.id)
        self.lease.hold()

    def pytest_unconfigure(self) -> None:
        """Give the Lease back: by now every undo has been made, Ctrl-C or not."""
        if self.lease is not None:
            self.lease.release()

    def pytest_aftershock_plan(self, settings: Settings, scenario: Scenario) -> list[str]:
        """Say what the scenario would touch, and what the forecast is."""
        if self.planner is None:
            self.planner = Planner(settings=settings, refusals=self.features.refusals)
        return self.planner.lines(scenario, self.features.meanings(scenario))
