"""The fixtures that steps ask for. The stage's finaliser undoes every fault, whatever happened."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial
from pathlib import Path

import pytest

from aftershock.cluster.connect import connect
from aftershock.cluster.connection import Cluster
from aftershock.collect.gherkin import Scenario
from aftershock.collect.meaning import Meaning
from aftershock.collect.run import Run
from aftershock.config import Settings
from aftershock.faults.recover import recover
from aftershock.report.alert_table import KEPT as ALERTS
from aftershock.report.alert_table import write_alerts
from aftershock.report.verdicts import Verdicts
from aftershock.scene.alerts import Alerts
from aftershock.scene.autorecovery import AutoRecovery
from aftershock.scene.budgets import Budgets
from aftershock.scene.experiments import Experiments
from aftershock.scene.faults import Faults
from aftershock.scene.nodes import Nodes
from aftershock.scene.outlook import record_forecast, write_comparison
from aftershock.scene.scaling import Scaling
from aftershock.scene.stage import Stage
from aftershock.scene.target_logs import write_target_logs
from aftershock.scene.traffic import Traffic
from aftershock.scene.vertical import Vertical
from aftershock.scene.workloads import Workloads
from aftershock.timeline import Timeline

__all__ = [
    "alerts",
    "autorecovery",
    "budgets",
    "cluster",
    "experiments",
    "faults",
    "nodes",
    "scaling",
    "stage",
    "traffic",
    "undo_faults",
    "vertical",
    "workloads",
]


@pytest.fixture(scope="session")
def cluster(settings: Settings) -> Cluster:
    """Return the cluster that the run goes to."""
    return connect(settings)


@pytest.fixture
def stage(
    cluster: Cluster,
    settings: Settings,
    timeline: Timeline,
    verdicts: Verdicts,
    run: Run,
    scenario: Scenario,
    meanings: list[Meaning],
    scenario_folder: Path,
    pytestconfig: pytest.Config,
) -> Iterator[Stage]:
    """Yield the stage of the scenario, with its record running."""
    stage = Stage(
        cluster=cluster,
        settings=settings,
        timeline=timeline,
        verdicts=verdicts,
        run_id=run.id,
        run_folder=run.folder,
        folder=scenario_folder,
        journal_folder=run.journal_folder,
        tags=frozenset(scenario.tags),
        say=partial(_say, pytestconfig),
    )
    try:
        stage.open()
        forecast = record_forecast(timeline, cluster, settings, name=scenario.name, meanings=meanings)
        stage.keep(lambda: write_alerts(scenario_folder / ALERTS, timeline, verdicts.given))
        stage.keep(
            lambda: write_target_logs(
                scenario_folder,
                api=cluster.api,
                record=tuple(timeline),
                verdicts=verdicts.given,
                clock=timeline.clock,
            )
        )
        stage.keep(lambda: write_comparison(scenario_folder / "forecast.txt", forecast, verdicts.given))
        yield stage
    finally:
        stage.close()


def _say(config: pytest.Config, text: str) -> None:
    """Tell the person at the terminal at once, and whoever reads the scenario's output later."""
    print(text)  # noqa: T201 - pytest keeps it with the scenario, or shows it under -s
    live = config.pluginmanager.get_plugin("aftershock_live")
    if live and config.option.capture != "no":
        live.say(text)


@pytest.fixture
def undo_faults(stage: Stage, run: Run) -> Iterator[None]:
    """Undo every fault and setting when the scenario ends, and prove it: ours, and those of experiments."""
    yield
    stage.injector.undo_all()
    if not run.lane:  # beside others every fault is in the journal that was just read
        recover(stage.tools, reports=run.folder.parent, run_id=run.id)


@pytest.fixture
def faults(stage: Stage, undo_faults: None) -> Faults:
    """Return what a scenario says of its faults."""
    return Faults(stage)


@pytest.fixture
def workloads(stage: Stage, undo_faults: None) -> Workloads:
    """Return what a scenario does to deployments."""
    return Workloads(stage)


@pytest.fixture
def nodes(stage: Stage, undo_faults: None) -> Nodes:
    """Return what a scenario does to nodes."""
    return Nodes(stage)


@pytest.fixture
def experiments(stage: Stage, nodes: Nodes, workloads: Workloads) -> Experiments:
    """Return what runs experiments from files."""
    return Experiments(stage, nodes, workloads)


@pytest.fixture
def alerts(stage: Stage) -> Alerts:
    """Return what a scenario says of alerts."""
    return Alerts(stage)


@pytest.fixture
def traffic(stage: Stage) -> Traffic:
    """Return what users do."""
    traffic = Traffic(stage)
    stage.keep(traffic.write_budgets)
    return traffic


@pytest.fixture
def scaling(stage: Stage, undo_faults: None, traffic: Traffic) -> Scaling:
    """Return what a scenario says of autoscaling."""
    return Scaling(stage, traffic)


@pytest.fixture
def vertical(stage: Stage, undo_faults: None) -> Vertical:
    """Return what a scenario says of vertical autoscaling, and of addons."""
    return Vertical(stage)


@pytest.fixture
def budgets(stage: Stage, undo_faults: None) -> Budgets:
    """Return what a scenario says of disruption budgets."""
    return Budgets(stage)


@pytest.fixture
def autorecovery(stage: Stage, undo_faults: None) -> AutoRecovery:
    """Return what a scenario says of auto-recovery."""
    return AutoRecovery(stage)
