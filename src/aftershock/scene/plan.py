"""The plan of a scenario: targets, blast radius, forecast. Touches nothing."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

from aftershock.cluster.connect import connect
from aftershock.cluster.connection import Cluster
from aftershock.cluster.guard import Guard
from aftershock.collect.gherkin import Scenario
from aftershock.collect.meaning import Meaning
from aftershock.config import Settings
from aftershock.errors import AftershockError, RefusedError
from aftershock.experiments.plan import planned_faults
from aftershock.faults.protocol import Fault
from aftershock.scene.acts import Breaks, Experiment, Ground, LitmusEngine, Loads, faults_of
from aftershock.scene.alert_names import unknown_names
from aftershock.scene.outlook import Outlook, alerts_of
from aftershock.scene.preflight import unreachable_loads

__all__ = ["Planner"]


@dataclass(kw_only=True)
class Planner:
    """Plans scenarios on one cluster, connected to once. `refusals` are why a run would end early."""

    settings: Settings
    refusals: list[RefusedError] = field(default_factory=list)
    _cluster: Cluster | AftershockError | None = None

    def lines(self, scenario: Scenario, meanings: Sequence[Meaning]) -> list[str]:
        """Return what the scenario would touch, and what the forecast says of its promises."""
        cluster = self._connected()
        if isinstance(cluster, AftershockError):
            reason = f"unknown: {cluster.message}"
            return [f"targets and blast radius: {reason}", f"forecast: {reason}"]
        guard = Guard.of(cluster, self.settings, scenario.tags)
        ground = Ground.of(cluster, guard)
        return [
            *self._acts(ground, meanings),
            *self._forecast(cluster, meanings),
            *self._names(cluster, meanings),
        ]

    def _connected(self) -> Cluster | AftershockError:
        if self._cluster is None:
            try:
                self._cluster = connect(self.settings)
            except AftershockError as error:
                self._cluster = error
                if isinstance(error, RefusedError):
                    self.refusals.append(error)
        return self._cluster

    def _acts(self, ground: Ground, meanings: Sequence[Meaning]) -> list[str]:
        found = [line for meaning in meanings for line in self._act(ground, meaning)]
        return found or ["targets: none; no step of it touches anything"]

    def _act(self, ground: Ground, meaning: Meaning) -> Iterator[str]:
        act = meaning.what
        if isinstance(act, Loads):
            yield str(act)
        elif isinstance(act, Breaks):
            yield from self._fault(ground, act.fault(ground), meaning.place)
        elif isinstance(act, Experiment):
            yield from self._experiment(ground, act, meaning.place)
        elif isinstance(act, LitmusEngine):
            for fault in faults_of(act, ground):
                yield from self._fault(ground, fault, meaning.place)

    def _experiment(self, ground: Ground, act: Experiment, place: str) -> Iterator[str]:
        allowed = self.settings.experiment_providers
        for name, fault in planned_faults(act.path, ground.tools, allowed=allowed):
            if fault is None:
                yield f"targets of {name!r}: unknown: it is no fault that can be planned"
            else:
                yield from self._fault(ground, fault, place)

    def _fault(self, ground: Ground, fault: Fault, place: str) -> Iterator[str]:
        try:
            plan = fault.plan()
            yield f"{plan.fault}: targets: {', '.join(str(target) for target in plan.targets)}"
            yield f"  blast radius: {plan.blast_radius}"
            yield f"  ends by itself after {plan.expires_after_s:g} s at the latest"
            ground.guard.check(plan.targets)
        except RefusedError as error:
            self.refusals.append(
                RefusedError(f"{place}: {error.message}", found=error.found, hint=error.hint)
            )
            yield f"{fault.name}: refused: {error.message}"
        except AftershockError as error:
            yield f"{fault.name}: targets and blast radius: unknown: {error.message}"

    def _names(self, cluster: Cluster, meanings: Sequence[Meaning]) -> Iterator[str]:
        missing = unreachable_loads(cluster, meanings)
        try:
            missing += unknown_names(cluster, meanings)
        except AftershockError as error:
            yield f"whether alerts and receivers are there is unknown: {error.message}"
        self.refusals += missing
        yield from (f"refused: {error.message}: {error.found}" for error in missing)

    def _forecast(self, cluster: Cluster, meanings: Sequence[Meaning]) -> Iterator[str]:
        outlook = Outlook(cluster=cluster, settings=self.settings, alerts=alerts_of(meanings))
        expectations = outlook.expectations(meanings)
        yield (
            f"forecast, profile {self.settings.profile}:"
            if expectations
            else "forecast: no step promises a time"
        )
        for expectation in expectations:
            yield from (f"  {line}" for line in expectation.lines())
            if reason := expectation.impossible(self.settings.profile):
                self.refusals.append(RefusedError(reason))
                yield f"    refused: {reason}"
