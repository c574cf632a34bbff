"""Every fault lands with proof, is taken back with proof, and leaves everything as it was."""

from __future__ import annotations

from collections.abc import Sequence

import pytest

from aftershock.clock import rfc3339, wait_until
from aftershock.cluster.api import KubeApi
from aftershock.cluster.connection import Cluster
from aftershock.faults.calls import make_fault
from aftershock.faults.injector import Injector
from aftershock.faults.protocol import Fault
from aftershock.faults.recover import leftovers
from aftershock.faults.tools import tools
from tests.cluster.conftest import Project
from tests.cluster.faults.cases import NODES, WORKLOADS, Case, case
from tests.cluster.harness import side_by_side
from tests.cluster.state import await_state, state_of

# Pods that were broken start again, and a node that was away is told so.
WHOLE_WITHIN_S = 60.0

# Other ways of the same faults.
EVICTED = Case(
    fault="pod-kill",
    acts="",
    arguments={"workload": "sample-app", "namespace": "demo", "share": 0.4, "how": "eviction"},
)
CUT_OFF_FROM_ONE = Case(
    fault="network-partition",
    acts="",
    arguments={"workload": "reviews-v3", "namespace": "bookinfo", "peers": "ratings", "for_s": 30.0},
)


def named(group: Sequence[str]) -> list[Case]:
    return [case(fault) for fault in group]


@pytest.mark.parametrize(
    "cases",
    [*map(named, (*WORKLOADS, *NODES)), [EVICTED, CUT_OFF_FROM_ONE]],
    ids=lambda c: "+".join(map(str, c)),
)
def test_lands_and_leaves_nothing(
    api: KubeApi, before: dict[str, object], cluster: Cluster, project: Project, cases: Sequence[Case]
) -> None:
    side_by_side(cluster, project.reports, cases, lands)
    assert not leftovers(tools(api), reports=project.reports)
    await_state(api, before, within_s=WHOLE_WITHIN_S)


def lands(injector: Injector, fault: Fault) -> None:
    """Hold that it was proven to be there, and then to be gone."""
    injection = injector.inject(fault)
    assert injection.proof.holds
    assert injector.undo(injection.record.fault_id).holds


def test_ends_by_itself_in_time(api: KubeApi, before: dict[str, object], injector: Injector) -> None:
    """Nobody takes it back: the carrier's own clock does, and what it wrote down is gone with it."""
    partition = case("network-partition")
    fault = make_fault(partition.fault, injector.tools, {**partition.arguments, "for_s": 12.0})
    injection = injector.inject(fault)
    inside = [name for name in before if name.endswith(" inside")]

    def gone() -> bool:
        now = state_of(api)
        return all(now[name] == before[name] for name in inside)

    assert not gone()
    wait_until(gone, within_s=60, every_s=0.5, what="the rules to be gone")
    late_s = (injector.tools.clock.now() - injection.record.expires_at).total_seconds()
    assert late_s < 5, f"its end was {rfc3339(injection.record.expires_at)}"
