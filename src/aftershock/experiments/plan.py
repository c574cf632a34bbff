"""What an experiment would touch: the faults behind its actions, not injected."""

from __future__ import annotations

from collections.abc import Collection
from pathlib import Path
from typing import Any

from aftershock.experiments.file import OWN_MODULE, Activity, read_experiment
from aftershock.faults.calls import FROM_CONFIGURATION, make_fault
from aftershock.faults.node_drain import NAME as NODE_DRAIN
from aftershock.faults.protocol import Fault
from aftershock.faults.tools import Tools

__all__ = ["planned_faults"]

NO_FAULT = frozenset({"take_back", "take_back_all", "uncordon"})


def planned_faults(
    path: Path, tools: Tools, *, allowed: Collection[str] = ()
) -> list[tuple[str, Fault | None]]:
    """Return the actions of the experiment at `path` in order, each with the fault behind it.

    None stands for an action of which nothing is known: it is no function of ours, or its
    arguments come from the configuration. What takes back is left out.

    Raises:
        UsageError: the file is wrong.

    """
    method = read_experiment(path, allowed=allowed).method
    return [
        (activity.name, _fault(activity, tools))
        for activity in method
        if activity.type == "action" and activity.provider.func not in NO_FAULT
    ]


def _fault(activity: Activity, tools: Tools) -> Fault | None:
    arguments: Any = activity.provider.arguments
    if activity.provider.module != OWN_MODULE:
        return None
    if any(isinstance(value, str) and FROM_CONFIGURATION in value for value in arguments.values()):
        return None
    if activity.provider.func == "drain_worker":
        return make_fault(NODE_DRAIN, tools, arguments)
    if activity.provider.func == "inject":
        return make_fault(
            arguments["fault"], tools, {name: value for name, value in arguments.items() if name != "fault"}
        )
    return None
