"""Experiments from files: Chaos Toolkit's and Litmus'."""

from __future__ import annotations

from pathlib import Path

from pytest_bdd import when

from aftershock.collect.meaning import means
from aftershock.collect.types import phrase
from aftershock.scene.acts import Experiment, LitmusEngine
from aftershock.scene.experiments import Experiments


@when(phrase("the experiment {experiment:Experiment} runs"))
@means(lambda experiment: Experiment(path=experiment))
def experiment_runs(experiments: Experiments, experiment: Path) -> None:
    """Run a Chaos Toolkit experiment to its end; its steady state must hold before, during and after.

    As in: When the experiment drain-worker runs
    """
    experiments.experiment(experiment)


@when(phrase("the Litmus engine {engine:LitmusEngine} runs"))
@means(lambda engine: LitmusEngine(path=engine))
def litmus_engine_runs(experiments: Experiments, engine: Path) -> None:
    """Run a ChaosEngine to its end with our own faults; its probes must pass.

    As in: When the Litmus engine pod-delete-short runs
    """
    experiments.litmus(engine)
