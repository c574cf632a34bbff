"""What When steps do, known before they run: faults to plan, load, experiments."""

from __future__ import annotations

from collections.abc import Callable, Collection
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from aftershock.cluster.connect import CLUSTER_NAME
from aftershock.cluster.connection import Cluster
from aftershock.cluster.guard import Guard
from aftershock.cluster.node_power import power_of
from aftershock.cluster.targets import Amount, NodeWords
from aftershock.experiments.plan import planned_faults
from aftershock.faults.out_of_memory import OutOfMemory
from aftershock.faults.protocol import Fault
from aftershock.faults.tools import Tools, tools
from aftershock.litmus import planned_faults as engine_faults
from aftershock.litmus import read_engine
from aftershock.load.spec import Demand

__all__ = [
    "Breaks",
    "By",
    "Ends",
    "Experiment",
    "Ground",
    "LitmusEngine",
    "Loads",
    "Looks",
    "faults_of",
    "load",
    "on_node",
    "on_pods",
    "out_of_memory",
    "users_load",
]

By = Literal["restart", "new pod", "end"]
"""How what a fault breaks becomes whole again.

"end": by itself, when a fault that lasts is over; nothing was restarted or replaced.
"""


@dataclass(frozen=True, kw_only=True)
class Ground:
    """What a fault is planned on. Nobody injects from it."""

    tools: Tools
    guard: Guard

    @classmethod
    def of(cls, cluster: Cluster, guard: Guard) -> Ground:
        """Return the ground of a cluster, as its guard allows."""
        power = power_of(guard.settings, cluster=CLUSTER_NAME, api=cluster.api)
        return cls(tools=tools(cluster.api, may_touch=guard.may_touch, power=power), guard=guard)


@dataclass(frozen=True, kw_only=True)
class Breaks:
    """A fault. `fault` makes it, without asking anyone; `by` is how what it breaks becomes whole again.

    Where it hits some pods of a workload, which are drawn when it is planned, `workload` is its name.
    """

    fault: Callable[[Ground], Fault]
    by: By
    workload: str = ""


@dataclass(frozen=True, kw_only=True)
class Loads:
    """Load on the service of the locustfile's name: how much, for how many seconds."""

    locustfile: Path
    demand: Demand
    duration_s: float

    @property
    def service(self) -> str:
        """The service's name."""
        return self.locustfile.stem.replace("_", "-")

    def __str__(self) -> str:
        """Say it for a person."""
        return f"load on {self.service}: {self.demand} for {self.duration_s:g} s"


@dataclass(frozen=True, kw_only=True)
class Experiment:
    """A Chaos Toolkit experiment, by its file."""

    path: Path


@dataclass(frozen=True, kw_only=True)
class Looks:
    """Looks at the workloads of `namespace`, or at all that `service` answers; touches nothing."""

    namespace: str = ""
    service: str = ""


@dataclass(frozen=True, kw_only=True)
class Ends:
    """What the scenario did before is over, or taken back; nothing else is touched.

    It `waits` until its time has passed, or does not.
    """

    waits: bool = False


@dataclass(frozen=True, kw_only=True)
class LitmusEngine:
    """A ChaosEngine, by its file."""

    path: Path


def faults_of(act: object, ground: Ground, *, allowed: Collection[str] = ()) -> list[Fault]:
    """Return the faults behind `act`, in order; those of which nothing is known are left out.

    `allowed` are the providers that experiments may call beside ours.
    """
    if isinstance(act, Breaks):
        return [act.fault(ground)]
    if isinstance(act, Experiment):
        planned = planned_faults(act.path, ground.tools, allowed=allowed)
        return [fault for _, fault in planned if fault is not None]
    if isinstance(act, LitmusEngine):
        return [fault for _, fault in engine_faults(read_engine(act.path), ground.tools)]
    return []


def on_pods(make: Callable[..., Fault], amount: Amount, workload: str, *, by: By, **more: Any) -> Breaks:
    """Return the act of a fault that takes its pods as WhichPods has it; `more` are its other words."""
    return Breaks(
        fault=lambda ground: make(
            ground.tools, workload=workload, count=amount.count, share=amount.share, **more
        ),
        by=by,
        workload=workload,
    )


def on_node(make: Callable[..., Fault], node: NodeWords, *, by: By, **more: Any) -> Breaks:
    """Return the act of a fault that takes its node as WhichNode has it; `more` are its other words."""
    return Breaks(
        fault=lambda ground: make(
            ground.tools, node=node.name, role=node.role, workload=node.workload, **more
        ),
        by=by,
    )


def out_of_memory(*, amount: Amount, workload: str) -> Breaks:
    """Return the act of "{amount} {workload} pods run out of memory"."""
    return on_pods(OutOfMemory, amount, workload, by="restart")


def load(*, service: Path, time: float, demand: Demand) -> Loads:
    """Return the act of "{service} gets {demand} for {time}"."""
    return Loads(locustfile=service, demand=demand, duration_s=time)


def users_load(*, users: int, service: Path, rate: float, time: float) -> Loads:
    """Return the act of "{users} users load {service} at {rate} requests per second each for {time}"."""
    return load(service=service, time=time, demand=Demand(users=users, rate_per_user=rate))
