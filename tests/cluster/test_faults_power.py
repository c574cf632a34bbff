"""Nodes that lose their power: noticed, given back, and given back by the guardian of a killed harness."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from datetime import timedelta

import pytest

from aftershock.clock import SystemClock, wait_until
from aftershock.cluster.api import KubeApi
from aftershock.cluster.connect import CLUSTER_NAME
from aftershock.cluster.connection import Cluster
from aftershock.cluster.node_power import KindPower
from aftershock.config import load_settings, state_dir
from aftershock.faults import guardians
from aftershock.faults.node_pause import NodePause
from aftershock.faults.node_stop import NodeStop
from aftershock.faults.powered import Powered
from tests.cluster.conftest import ROOT, Project
from tests.cluster.harness import MARKERS, harness, killed_at, unmarked

NODE = "aftershock-worker2"
UNHEARD_S = 30.0
LIMIT = "cat /sys/fs/cgroup/memory/memory.limit_in_bytes /sys/fs/cgroup/memory.max 2>/dev/null"


def whole(api: KubeApi) -> None:
    """Hold that the node is what it was: Ready, limited, and that the others know the way to its pods."""
    found = api.get(f"/api/v1/nodes/{NODE}")
    assert "taints" not in found["spec"]
    engine = KindPower(CLUSTER_NAME, state=state_dir()).engine
    address = next(a["address"] for a in found["status"]["addresses"] if a["type"] == "InternalIP")
    cidr = found["spec"]["podCIDR"]
    for other in sorted(set(engine.containers(CLUSTER_NAME)) - {NODE}):
        assert f"{cidr} via {address}" in engine.run("exec", other, "ip", "route")
    assert engine.run("exec", NODE, "sh", "-c", f"{LIMIT}; true").strip() == str(4 * 1024**3)


@pytest.mark.parametrize("fault", [NodePause, NodeStop])
def test_it_lands_and_is_given_back(
    api: KubeApi, cluster: Cluster, project: Project, fault: Callable[..., Powered]
) -> None:
    with harness(cluster, load_settings(root=ROOT), project.reports, run_id="power") as injector:
        injection = injector.inject(fault(injector.tools, node=NODE, for_s=90))
        assert injection.proof.facts["ready"] == "Unknown"
        assert guardians.lives(injection.record.fault_id)
    assert not guardians.lives(injection.record.fault_id)
    wait_until(lambda: _untainted(api), within_s=15, what=f"{NODE} without taints")
    whole(api)


@pytest.mark.parametrize(
    ("marker", "module", "name"),
    [
        *((marker, "node_stop", "NodeStop") for marker in MARKERS),
        ("injected", "node_pause", "NodePause"),
    ],
)
def test_the_guardian_gives_back_what_a_killed_harness_took(
    api: KubeApi, project: Project, marker: str, module: str, name: str
) -> None:
    record = killed_at(marker, project, module=module, name=name, arguments=f"node={NODE!r}, for_s=60")
    # The reaper takes the mark off when the node is back: at its own look, for nobody else is left.
    limit = record.expires_at + timedelta(seconds=UNHEARD_S)
    unmarked(api, record.fault_id, by=limit, now=SystemClock().now())
    wait_until(lambda: _untainted(api), within_s=15, what=f"{NODE} without taints")
    whole(api)
    assert project.aftershock("recover").returncode == 0


def test_recover_gives_it_back_from_the_mark_alone(api: KubeApi, project: Project) -> None:
    record = killed_at(
        "injected", project, module="node_stop", name="NodeStop", arguments=f"node={NODE!r}, for_s=300"
    )
    shutil.rmtree(project.reports / record.run_id)
    done = project.aftershock("recover")
    assert "1 undone; nothing is left" in done.stdout, done.stdout + done.stderr
    assert not guardians.lives(record.fault_id)
    wait_until(lambda: _untainted(api), within_s=15, what=f"{NODE} without taints")
    whole(api)


def _untainted(api: KubeApi) -> bool:
    return "taints" not in api.get(f"/api/v1/nodes/{NODE}")["spec"]
