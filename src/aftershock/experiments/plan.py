"""What an experiment would touch: the faults behind its actions, not injected."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

from aftershock.cluster.api import KubeApi
from aftershock.experiments.file import read_experiment
from aftershock.faults.node_drain import NodeDrain
from aftershock.faults.protocol import Fault

__all__ = ["planned_faults"]


def planned_faults(
    path: Path, *, api: KubeApi, run_id: str, may_touch: Callable[[str], bool]
) -> list[tuple[str, Fault | None]]:
    """Return the actions of the experiment at `path` in order, each with the fault behind it.

    None stands for an action of which nothing is known: it is no function of ours.

    Raises:
        UsageError: the file is wrong.

    """

    def fault_of(func: str, arguments: Any) -> Fault | None:
        if func != "drain_worker" or not isinstance(arguments, dict):
            return None
        return NodeDrain(api, run_id=run_id, may_evict=may_touch, **arguments)

    return [
        (activity.name, fault_of(activity.provider.func, activity.provider.arguments))
        for activity in read_experiment(path).method
        if activity.type == "action"
    ]
