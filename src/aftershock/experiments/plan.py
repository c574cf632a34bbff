"""What an experiment would touch: the faults behind its actions, not injected."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from aftershock.experiments.file import read_experiment
from aftershock.faults.node_drain import NodeDrain
from aftershock.faults.protocol import Fault
from aftershock.faults.tools import Tools

__all__ = ["planned_faults"]


def planned_faults(path: Path, tools: Tools) -> list[tuple[str, Fault | None]]:
    """Return the actions of the experiment at `path` in order, each with the fault behind it.

    None stands for an action of which nothing is known: it is no function of ours.

    Raises:
        UsageError: the file is wrong.

    """

    def fault_of(func: str, arguments: Any) -> Fault | None:
        if func != "drain_worker" or not isinstance(arguments, dict):
            return None
        return NodeDrain(tools, **arguments)

    return [
        (activity.name, fault_of(activity.provider.func, activity.provider.arguments))
        for activity in read_experiment(path).method
        if activity.type == "action"
    ]
