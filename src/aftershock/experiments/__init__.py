"""Chaos Toolkit experiments as steps of a scenario: `file` checks one, `run` runs it as a process."""

from aftershock.experiments.file import Experiment, read_experiment
from aftershock.experiments.run import ExperimentResult, run_experiment

__all__ = ["Experiment", "ExperimentResult", "read_experiment", "run_experiment"]
