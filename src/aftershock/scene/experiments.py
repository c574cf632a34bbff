"""Experiments from files: Chaos Toolkit's and Litmus'."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path

from aftershock.experiments.run import run_experiment
from aftershock.judge.engine import engine_passed
from aftershock.judge.question import Question
from aftershock.judge.steady_state import steady_state_held
from aftershock.judge.world import Owners
from aftershock.litmus import EngineRun, read_engine
from aftershock.load.hosts import from_here
from aftershock.scene.nodes import Nodes
from aftershock.scene.stage import Stage
from aftershock.scene.workloads import Workloads

__all__ = ["Experiments"]


class Experiments:
    """Runs them, and tells the scenario's other parts what they broke."""

    def __init__(self, stage: Stage, nodes: Nodes, workloads: Workloads) -> None:
        self.stage = stage
        self.nodes = nodes
        self.workloads = workloads

    def experiment(self, path: Path) -> None:
        """Run a Chaos Toolkit experiment to its end, rollbacks included, and hold its steady state."""
        began = self.stage.timeline.clock.now()
        settings = self.stage.settings
        try:
            result = run_experiment(
                path,
                folder=self.stage.folder,
                run_dir=self.stage.run_folder,
                timeline=self.stage.timeline,
                allowed=settings.experiment_providers,
                # It connects by itself: to the cluster of this run, whatever the settings on disk say.
                env={"AFTERSHOCK_CLUSTER": settings.cluster, "AFTERSHOCK_PROFILE": settings.profile},
            )
        finally:
            self._note(began)
        self.stage.hold(Question.of(steady_state_held, experiment=result.title))

    def litmus(self, path: Path) -> None:
        """Run a ChaosEngine to its end, with our own faults, and hold that its probes passed."""
        began = self.stage.timeline.clock.now()
        engine = read_engine(path)
        run = EngineRun(
            engine,
            tools=self.stage.tools,
            timeline=self.stage.timeline,
            inject=self.stage.inject,
            undo=self.stage.injector.undo,
            reach=lambda url: from_here(
                url, self.stage.cluster.services, self.stage.settings, namespace=engine.app.appns
            ),
        )
        try:
            run.run()
        finally:
            self._note(began)
        self.stage.hold(Question.of(engine_passed, engine=engine.name))

    def _note(self, began: datetime) -> None:
        """Say which node was drained and which deployments were broken since."""
        landed = [
            event.subject
            for event in self.stage.timeline.select(source="harness", kind="landed")
            if event.at >= began
        ]
        node = next((subject.split("/")[-1] for subject in landed if subject.startswith("node/")), "")
        self.nodes.drained(node, since=began)
        record = list(self.stage.timeline)
        owners = Owners(record)
        # A pod may be gone by now: the record still knows whose it was.
        pods = {e.subject: e.data for e in record if e.source == "kubernetes" and e.kind == "pod"}
        broken = {owners.workload(pods[subject]) for subject in landed if subject in pods}
        broken |= {subject for subject in landed if subject.startswith("deployment/")}
        if not node:
            self.workloads.broken = sorted(name for name in broken if name.startswith("deployment/"))
