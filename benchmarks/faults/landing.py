"""Injects a fault as a scenario does, and reads from the timeline how long each part of that took."""

from __future__ import annotations

import secrets
from collections.abc import Iterable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

from aftershock.clock import wait_until
from aftershock.cluster.api import KubeApi
from aftershock.cluster.connect import CLUSTER_NAME
from aftershock.cluster.connection import Cluster
from aftershock.cluster.guard import Guard
from aftershock.cluster.node_power import power_of
from aftershock.cluster.stack import is_ready
from aftershock.cluster.targets import is_ready as is_node_ready
from aftershock.cluster.targets import open_namespaces
from aftershock.config import Settings
from aftershock.faults.calls import make_fault
from aftershock.faults.injector import Injector
from aftershock.faults.journal import Journal
from aftershock.faults.protocol import Fault
from aftershock.faults.tools import tools
from aftershock.timeline import Event, Timeline
from benchmarks.faults.cases import Case

__all__ = ["Landing", "inject", "land", "landing_in", "run_of", "settle"]

_WHOLE_WITHIN_S = 180.0
_TAGS = ("whole", "protected")


@dataclass(frozen=True, kw_only=True)
class Landing:
    """Seconds: until the act began (plan, guard, Lease, journal, marks), the act itself, and the proof."""

    fault: str
    before_s: float
    act_s: float
    proof_s: float

    @property
    def landed_s(self) -> float:
        """From the call until the proof that it landed."""
        return self.before_s + self.act_s + self.proof_s


@contextmanager
def run_of(cluster: Cluster, settings: Settings, folder: Path) -> Iterator[Injector]:
    """Yield the injector of a run whose scenario is tagged @whole and @protected; undo what it did.

    It holds the run's Lease already: who comes after a dead run waits for that to lapse, once.
    """
    guard = Guard.of(cluster, settings, _TAGS)
    kit = tools(
        cluster.api,
        carrier_image=settings.carrier_image,
        may_touch=guard.may_touch,
        power=power_of(settings, cluster=CLUSTER_NAME, api=cluster.api),
    )
    with ExitStack() as stack:
        timeline = Timeline(folder / "faults.timeline.jsonl")
        stack.callback(timeline.close)
        injector = Injector(
            kit,
            run_id=f"bench-{secrets.token_hex(3)}",
            journal=Journal(folder / "faults.journal.jsonl"),
            timeline=timeline,
            check=guard.check,
        )
        stack.callback(injector.undo_all)
        injector.lease.hold()
        yield injector


def land(injector: Injector, case: Case, trial: int) -> Landing:
    """Inject a case, measured, and take it back; return once every workload is whole again.

    Raises:
        AftershockError: it was refused, did not land, or is not undone.

    """
    settle(injector.tools.api)
    return inject(injector, make_fault(case.fault, injector.tools, case.arguments(trial)), title=case.title)


def inject(injector: Injector, fault: Fault, *, title: str) -> Landing:
    """Inject a fault, measured, and take it back."""
    called = injector.tools.clock.monotonic()
    injection = injector.inject(fault)
    fault_id = injection.record.fault_id
    injector.undo(fault_id)
    own = [event for event in injector.timeline if event.data.get("fault_id") == fault_id]
    return landing_in(own, title=title, called=called)


def landing_in(events: Iterable[Event], *, title: str, called: float) -> Landing:
    """Read the events of one fault; `called` is when it was, by the monotonic clock.

    Raises:
        KeyError: it did not land.

    """
    at = {event.kind: event.mono for event in reversed([*events]) if event.source == "harness"}
    began, acted, landed = (float(at[kind] or 0.0) for kind in ("injecting", "injected", "landed"))
    return Landing(fault=title, before_s=began - called, act_s=acted - began, proof_s=landed - acted)


def settle(api: KubeApi) -> None:
    """Wait until every Deployment of the open namespaces and every node is as it should be."""

    def whole() -> bool:
        items = [
            {**item, "kind": "Deployment"}
            for namespace in open_namespaces(api)
            for item in api.items(f"/apis/apps/v1/namespaces/{namespace}/deployments")
        ]
        nodes = api.items("/api/v1/nodes")
        return all(map(is_ready, items)) and all(
            is_node_ready(node) and not node["spec"].get("unschedulable") for node in nodes
        )

    wait_until(whole, within_s=_WHOLE_WITHIN_S, what="every workload and node to be whole")
