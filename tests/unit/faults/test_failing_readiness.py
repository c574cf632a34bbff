"""Failing readiness: proven by a new pod that runs, and of whose probe the kubelet says that it fails."""

from __future__ import annotations

import pytest

from aftershock.cluster.api import Json
from aftershock.faults.catalogue import UNDOS
from aftershock.faults.failing_readiness import PROBE, FailingReadiness
from aftershock.testing import FakeClock
from tests.unit.faults.workloads import CONTAINER, WEB, Rollout, holds_only_when_acted, kit

SAID = "Readiness probe failed: dial tcp 10.244.1.2:1: connect: connection refused"


def event(name: str, *, of: str, reason: str = "Unhealthy", message: str = SAID) -> Json:
    return {
        "metadata": {"name": name, "namespace": "demo"},
        "involvedObject": {"uid": of},
        "reason": reason,
        "message": message,
    }


@pytest.fixture
def api() -> Rollout:
    fake = Rollout()
    events = [event("old", of="uid-web-other"), event("new", of="uid-web-new")]
    fake.add("/api/v1/namespaces/demo/events", *events)
    return fake


def test_a_new_pod_that_runs_and_is_not_ready_is_the_proof(api: Rollout, clock: FakeClock) -> None:
    fault = FailingReadiness(kit(api, clock), workload="web")
    holds_only_when_acted(fault, api, clock, ready=False, state={"running": {}})


@pytest.mark.parametrize(
    "events",
    [
        [],
        [event("a", of="uid-web-old-0")],
        [event("a", of="uid-web-new", message="Liveness probe failed: x")],
        [event("a", of="uid-web-new", reason="Started")],
    ],
    ids=["none", "another pod's", "another probe's", "another reason"],
)
def test_not_ready_without_the_kubelets_word_is_not_yet_proof(clock: FakeClock, events: list[Json]) -> None:
    api = Rollout()
    api.add("/api/v1/namespaces/demo/events", *events)
    fault = FailingReadiness(kit(api, clock), workload="web")
    plan = fault.plan()
    fault.inject(plan, plan.record(run_id="run1", now=clock.now()))
    api.roll(ready=False, state={"running": {}})
    assert not fault.landed(plan).holds


def test_a_workload_without_a_probe_has_none_afterwards(api: Rollout, clock: FakeClock) -> None:
    tools = kit(api, clock)
    fault = FailingReadiness(tools, workload="web")
    plan = fault.plan()
    record = plan.record(run_id="run1", now=clock.now())
    fault.inject(plan, record)
    assert api.get(WEB)["spec"]["template"]["spec"]["containers"][0]["readinessProbe"] == PROBE
    UNDOS[plan.fault](tools).undo(record)
    assert api.get(WEB)["spec"]["template"]["spec"]["containers"] == [CONTAINER]
