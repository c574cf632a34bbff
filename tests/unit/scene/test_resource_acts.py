"""What the steps on containers and nodes ask for: the fault that they name, with their words."""

from __future__ import annotations

from typing import Any

import pytest

from aftershock.cluster.targets import Amount, NodeWords
from aftershock.faults.container_kill import ContainerKill
from aftershock.faults.cpu_hog import CpuHog
from aftershock.faults.disk_fill import DiskFill
from aftershock.faults.kubelet_stop import KubeletStop
from aftershock.faults.memory_pressure import MemoryPressure
from aftershock.faults.node_cpu_hog import NodeCpuHog
from aftershock.faults.node_memory_pressure import NodeMemoryPressure
from aftershock.faults.tools import tools
from aftershock.scene import resource_acts as acts
from aftershock.scene.acts import Breaks
from aftershock.testing.kube import FakeApi

SOME: dict[str, Any] = {"amount": Amount(share=0.3), "workload": "web"}
NODE = NodeWords(role="worker")


class Ground:
    """As much of a ground as a fault's constructor looks at."""

    def __init__(self) -> None:
        self.tools = tools(FakeApi())


@pytest.mark.parametrize(
    ("act", "fault", "said"),
    [
        (acts.killed(**SOME), ContainerKill, {"signal": "SIGKILL"}),
        (acts.asked_to_end(**SOME), ContainerKill, {"signal": "SIGTERM"}),
        (acts.memory_held(**SOME, percent=90, time=40), MemoryPressure, {"of_limit": 0.9, "for_s": 40}),
        (acts.hogged(**SOME, burners=3, time=40), CpuHog, {"burners": 3, "for_s": 40}),
        (
            acts.disk_filled(**SOME, path="/data", percent=80, time=40),
            DiskFill,
            {"path": "/data", "of_volume": 0.8, "for_s": 40},
        ),
        (acts.node_hogged(node=NODE, percent=40, time=50), NodeCpuHog, {"of_cores": 0.4, "for_s": 50}),
        (acts.node_memory_taken(node=NODE, time=60), NodeMemoryPressure, {"for_s": 60}),
        (acts.kubelet_stopped(node=NODE, time=90), KubeletStop, {"for_s": 90}),
    ],
    ids=lambda value: value.__name__ if isinstance(value, type) else "",
)
def test_the_words_reach_the_fault(act: Breaks, fault: type, said: dict[str, Any]) -> None:
    made: Any = act.fault(Ground())  # type: ignore[arg-type]  # nothing else of it is used
    assert type(made) is fault
    assert {name: getattr(made, name) for name in said} == said
    if hasattr(made, "pods"):
        assert (made.pods.workload, made.pods.share) == ("web", 0.3)
    else:
        assert made.which["role"] == "worker"


@pytest.mark.parametrize("act", [acts.killed(**SOME), acts.asked_to_end(**SOME)])
def test_a_killed_container_comes_back_by_a_restart(act: Breaks) -> None:
    assert act.by == "restart"
