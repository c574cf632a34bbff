"""Faults on the network: proven, and gone without a trace, though the harness or its carrier was killed.

What is left is looked for where it would be: in the rules of the pod's own network, as the kernel lists
them. The nodes are containers of this machine, so their programs can be run from here.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import closing
from functools import cache
from pathlib import Path

import pytest

from aftershock.clock import rfc3339, wait_until
from aftershock.cluster.api import Json, KubeApi
from aftershock.cluster.connection import Cluster
from aftershock.cluster.guard import Guard
from aftershock.cluster.kind.engine import Engine, find_engine
from aftershock.config import load_settings, state_dir
from aftershock.faults.api_unreachable import ApiUnreachable
from aftershock.faults.connection_reset import ConnectionReset
from aftershock.faults.dns_failure import DnsFailure
from aftershock.faults.injector import Injector
from aftershock.faults.journal import Journal
from aftershock.faults.network_latency import NetworkLatency
from aftershock.faults.network_loss import NetworkLoss
from aftershock.faults.network_partition import NetworkPartition
from aftershock.faults.protocol import Fault
from aftershock.faults.tools import Tools, tools
from aftershock.timeline import Timeline
from tests.cluster.conftest import ROOT, Project
from tests.cluster.killing import HARNESS, kill

WHO = {"workload": "reviews-v3", "namespace": "bookinfo", "for_s": 40.0}
# Beyond its expiry: the reaper's patience with a Lease, its look, and a carrier that puts back.
WHOLE_WITHIN_S = 30.0

ON_PODS: dict[str, Callable[[Tools], Fault]] = {
    "latency": lambda kit: NetworkLatency(kit, delay_s=0.2, jitter_s=0.05, **WHO),  # type: ignore[arg-type]  # words
    "loss": lambda kit: NetworkLoss(kit, of_packets=0.3, **WHO),  # type: ignore[arg-type]  # words
    "partition": lambda kit: NetworkPartition(kit, **WHO),  # type: ignore[arg-type]  # words
    "partition from one": lambda kit: NetworkPartition(kit, peers="ratings", **WHO),  # type: ignore[arg-type]  # words
    "reset": lambda kit: ConnectionReset(kit, **WHO),  # type: ignore[arg-type]  # words
    "names": lambda kit: DnsFailure(kit, names=["ratings"], **WHO),  # type: ignore[arg-type]  # words
}

KILLED = (
    HARNESS
    + """
from aftershock.faults.network_partition import NetworkPartition

injector.inject(NetworkPartition(kit, workload="reviews-v3", namespace="bookinfo", for_s=40))
die()
"""
)


@pytest.fixture
def injector(cluster: Cluster, api: KubeApi, tmp_path: Path) -> Iterator[Injector]:
    settings = load_settings(root=ROOT)
    guard = Guard(cluster=cluster, settings=settings)
    with closing(Timeline(tmp_path / "timeline.jsonl")) as timeline:
        made = Injector(
            tools(api, may_touch=guard.may_touch),
            run_id=f"network-{tmp_path.name}",
            journal=Journal(tmp_path / "journal.jsonl"),
            timeline=timeline,
            check=guard.check,
        )
        try:
            yield made
        finally:
            made.undo_all()


def on(node: str, command: str) -> str:
    """Run a command on a node: a container of this machine."""
    return engine().run("exec", node, "sh", "-c", command)


@cache
def engine() -> Engine:
    return find_engine(log=state_dir() / "test-network.log", state=state_dir())


def reviews(api: KubeApi) -> Json:
    (pod,) = api.items("/api/v1/namespaces/bookinfo/pods", labelSelector="app=reviews,version=v3")
    return pod


def rules(pod: Json) -> str:
    """Return every rule and queue of a pod's network, as its node's programs list them."""
    address, node = pod["status"]["podIP"], pod["spec"]["nodeName"]
    names = on(node, "ls /run/netns").split()
    own = next(name for name in names if f" {address}/" in on(node, f"ip netns exec {name} ip -4 -o addr"))
    listed = on(node, f"ip netns exec {own} iptables-nft-save; ip netns exec {own} tc qdisc show")
    return "\n".join(
        line for line in listed.splitlines() if line.startswith(("-", "qdisc")) or "AFTERSHOCK" in line
    )


@pytest.mark.parametrize("kind", ON_PODS)
def test_lands_and_leaves_nothing(api: KubeApi, injector: Injector, kind: str) -> None:
    pod = reviews(api)
    before = rules(pod)
    injection = injector.inject(ON_PODS[kind](injector.tools))
    assert injection.proof.holds
    assert "AFTERSHOCK" in rules(pod)
    injector.undo_all()
    assert rules(pod) == before


def test_ends_by_itself(api: KubeApi, injector: Injector) -> None:
    pod = reviews(api)
    before = rules(pod)
    injection = injector.inject(ON_PODS["partition"](injector.tools))
    wait_until(lambda: rules(pod) == before, within_s=60, every_s=1, what="the rules to be gone")
    late_s = (injector.tools.clock.now() - injection.record.expires_at).total_seconds()
    assert late_s < 5, f"its end was {rfc3339(injection.record.expires_at)}"


def test_is_undone_though_its_carrier_was_killed(api: KubeApi, injector: Injector) -> None:
    pod = reviews(api)
    before = rules(pod)
    injection = injector.inject(ON_PODS["loss"](injector.tools))
    name = f"{injection.plan.fault_id}-0"
    # Looked up and used in one go, on the node. The brackets keep this very command from being meant.
    on(
        pod["spec"]["nodeName"],
        f"for p in /proc/[0-9]*; do tr '\\0' ' ' < $p/cmdline | grep -q '[c]arrier loss --fault-id {name} '"
        " && kill -9 ${p#/proc/}; done; true",
    )
    wait_until(lambda: injector.tools.carriers.outcome(name) == 137, within_s=10, what="the carrier's end")
    assert "AFTERSHOCK" in rules(pod)
    injector.undo_all()
    assert rules(pod) == before


def test_the_harness_killed_the_pod_is_whole_in_time(api: KubeApi, project: Project) -> None:
    pod = reviews(api)
    before = rules(pod)
    kill(project, KILLED)
    (record,) = Journal(project.reports / "killed" / "journal.jsonl").latest()
    assert "AFTERSHOCK" in rules(pod)
    wait_until(
        lambda: (
            rules(pod) == before
            and not api.items("/apis/batch/v1/jobs", labelSelector="aftershock.dev/fault")
        ),
        within_s=40 + WHOLE_WITHIN_S,
        every_s=1,
        what="the pod to be whole with nobody's help",
    )
    assert record.fault == "network-partition"


def test_the_api_server_away_and_back(api: KubeApi, injector: Injector) -> None:
    pod = reviews(api)
    node = pod["spec"]["nodeName"]
    injection = injector.inject(ApiUnreachable(injector.tools, for_s=60, node=node))
    assert injection.proof.facts["silent_s"] >= 13
    assert "AFTERSHOCK" in on(node, "iptables-save -t mangle")
    injector.undo_all()
    assert "AFTERSHOCK" not in on(node, "iptables-save -t mangle")
    assert "aftershock-" not in on(node, "systemctl list-timers --all --no-legend")
