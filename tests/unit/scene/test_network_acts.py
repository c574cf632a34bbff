"""What network steps do: the fault of the sentence, on those pods, for that time; nothing is restarted."""

from __future__ import annotations

from typing import Any

import pytest

from aftershock.cluster.guard import Guard
from aftershock.cluster.targets import Amount, NodeWords
from aftershock.faults.api_unreachable import ApiUnreachable
from aftershock.faults.connection_reset import ConnectionReset
from aftershock.faults.dns_failure import NOBODY, DnsFailure
from aftershock.faults.network_latency import NetworkLatency
from aftershock.faults.network_loss import NetworkLoss
from aftershock.faults.network_partition import NetworkPartition
from aftershock.scene import network_acts as acts
from aftershock.scene.acts import Breaks, Ground
from aftershock.scene.stage import Stage

PODS = {"amount": Amount(share=0.5), "workload": "web", "time": 30.0}
CASES: list[tuple[Breaks, type, dict[str, Any]]] = [
    (acts.slower(delay=0.2, **PODS), NetworkLatency, {"delay_s": 0.2, "jitter_s": 0.0}),
    (acts.jittery(delay=0.2, jitter=0.1, **PODS), NetworkLatency, {"delay_s": 0.2, "jitter_s": 0.1}),
    (acts.lossy(percent=30, **PODS), NetworkLoss, {"of_packets": 0.3}),
    (acts.cut_off(**PODS), NetworkPartition, {"peers": "", "probes_too": False}),
    (acts.cut_off_from_node_too(**PODS), NetworkPartition, {"peers": "", "probes_too": True}),
    (acts.cut_off_from(peers="db", **PODS), NetworkPartition, {"peers": "db"}),
    (acts.reset(**PODS), ConnectionReset, {}),
    (acts.refused_name(name="db", **PODS), DnsFailure, {"mode": "refused", "names": ("db",)}),
    (acts.delayed_name(name="db", delay=2, **PODS), DnsFailure, {"mode": "slow", "delay_s": 2}),
    (acts.wrong_name(name="db", **PODS), DnsFailure, {"mode": "wrong", "address": NOBODY}),
]


@pytest.fixture
def ground(stage: Stage) -> Ground:
    return Ground(tools=stage.tools, guard=Guard(cluster=stage.cluster, settings=stage.settings))


@pytest.mark.parametrize(("act", "kind", "told"), CASES)
def test_on_pods(ground: Ground, act: Breaks, kind: type, told: dict[str, Any]) -> None:
    fault = act.fault(ground)
    assert isinstance(fault, kind)
    assert {name: getattr(fault, name) for name in told} == told
    pods = fault.pods  # type: ignore[attr-defined]  # all of them have
    assert (pods.workload, pods.count, pods.share) == ("web", 1, 0.5)
    assert fault.for_s == 30  # type: ignore[attr-defined]  # as above
    assert act.by == "end"


def test_on_a_node(ground: Ground) -> None:
    fault = acts.api_unreachable(node=NodeWords(workload="web"), time=60).fault(ground)
    assert isinstance(fault, ApiUnreachable)
    assert (fault.which, fault.for_s) == ({"node": "", "role": "", "workload": "web"}, 60)
