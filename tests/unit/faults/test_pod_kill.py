"""Pod kill: by UID, proven by the UIDs that are gone; with nothing to undo."""

from __future__ import annotations

from typing import Any

import pytest

from aftershock.errors import FaultError, RefusedError
from aftershock.faults.pod_kill import PodKill, PodKillUndo
from aftershock.faults.protocol import Plan
from aftershock.faults.tools import tools
from aftershock.testing import FakeClock
from aftershock.testing.kube import FakeApi, pod

PODS = "/api/v1/namespaces/demo/pods"


@pytest.fixture
def api() -> FakeApi:
    fake = FakeApi()
    labels = {"aftershock.dev/allow": "true"}
    fake.add("/api/v1/namespaces", {"metadata": {"name": "demo", "labels": labels}})
    owner = {"kind": "Deployment", "name": "web", "controller": True}
    fake.add(
        "/apis/apps/v1/namespaces/demo/replicasets",
        {"metadata": {"name": "web-7d9f", "ownerReferences": [owner]}},
    )
    fake.add_pods(*(pod(f"web-{number}") for number in range(4)))
    return fake


def kill(api: FakeApi, clock: FakeClock, **options: Any) -> tuple[PodKill, Plan]:
    fault = PodKill(tools(api, clock=clock), workload="web", seed=1, **options)
    return fault, fault.plan()


def act(fault: PodKill, plan: Plan, clock: FakeClock) -> None:
    fault.inject(plan, plan.record(run_id="run1", now=clock.now()))


def test_the_plan_touches_nothing_and_says_who_makes_them_again(api: FakeApi, clock: FakeClock) -> None:
    _, plan = kill(api, clock, share=0.5)
    assert len(plan.targets) == 2
    assert plan.undo == {"controllers": ["deployment/demo/web"]}
    assert (plan.switch, plan.marked, plan.lasts) == ("none", (), False)
    assert "deletion of pod/demo/" in plan.blast_radius
    assert plan.blast_radius.endswith("(2 of 4 pods of demo/web; seed 1)")
    assert api.calls == []


@pytest.mark.parametrize("how", ["deletion", "eviction"])
def test_the_planned_pods_go_and_no_others(api: FakeApi, clock: FakeClock, how: str) -> None:
    fault, plan = kill(api, clock, how=how, count=2)
    assert not fault.landed(plan).holds, "nobody has acted"
    act(fault, plan, clock)
    proof = fault.landed(plan)
    assert (proof.holds, proof.facts) == (True, {"gone": 2, "still there": "none"})
    left = {item["metadata"]["name"] for item in api.items(PODS)}
    assert left == {f"web-{number}" for number in range(4)} - {target.name for target in plan.targets}


def test_one_that_ends_gracefully_is_not_gone_yet(api: FakeApi, clock: FakeClock) -> None:
    fault, plan = kill(api, clock)
    api.objects[plan.targets[0].path]["metadata"]["deletionTimestamp"] = "2026-01-01T00:00:00Z"
    proof = fault.landed(plan)
    assert (proof.holds, proof.facts["still there"]) == (False, str(plan.targets[0]))


@pytest.mark.parametrize("how", ["deletion", "eviction"])
def test_a_namesake_stays_and_the_planned_one_counts_as_gone(
    api: FakeApi, clock: FakeClock, how: str
) -> None:
    fault, plan = kill(api, clock, how=how)
    api.objects[plan.targets[0].path]["metadata"]["uid"] = "another"
    act(fault, plan, clock)
    assert api.find(plan.targets[0].path) is not None
    assert fault.landed(plan).holds


@pytest.mark.parametrize("how", ["deletion", "eviction"])
def test_one_that_is_gone_already_is_no_error(api: FakeApi, clock: FakeClock, how: str) -> None:
    fault, plan = kill(api, clock, how=how)
    api.delete(plan.targets[0].path)
    act(fault, plan, clock)
    assert fault.landed(plan).holds


@pytest.mark.parametrize("how", ["deletion", "eviction"])
def test_the_grace_period_is_overridden_only_if_asked(api: FakeApi, clock: FakeClock, how: str) -> None:
    _, usual = kill(api, clock, how=how)
    fault, plan = kill(api, clock, how=how, grace_s=0)
    act(fault, plan, clock)
    _, _, body = api.calls[-1]
    assert body is not None
    options = body["deleteOptions"] if how == "eviction" else body
    assert options == {"preconditions": {"uid": plan.targets[0].uid}, "gracePeriodSeconds": 0}
    assert usual.lands_within_s - plan.lands_within_s == 30


def test_an_eviction_waits_for_the_budget_and_names_it(api: FakeApi, clock: FakeClock) -> None:
    budget = {
        "metadata": {"name": "b"},
        "spec": {"selector": {"matchLabels": {"app": "web"}}, "minAvailable": 4},
    }
    api.add("/apis/policy/v1/namespaces/demo/poddisruptionbudgets", budget)
    fault, plan = kill(api, clock, how="eviction", within_s=5)
    with pytest.raises(FaultError, match="1 pod could not be evicted within 5 s") as caught:
        act(fault, plan, clock)
    assert str(plan.targets[0]) in caught.value.found
    assert clock.elapsed == 5
    assert not fault.landed(plan).holds


@pytest.mark.parametrize(
    ("owner", "found"), [(None, "a pod without an owner"), ("Node/worker", "a static pod")]
)
def test_what_nobody_would_make_again_is_refused(
    api: FakeApi, clock: FakeClock, owner: str | None, found: str
) -> None:
    api.add_pods(*(pod(f"web-{number}", owner=owner) for number in range(4)))
    with pytest.raises(RefusedError, match="nothing would make pod") as caught:
        kill(api, clock)
    assert caught.value.found == found


def test_of_a_stateful_set(api: FakeApi, clock: FakeClock) -> None:
    api.add_pods(*(pod(f"web-{number}", owner="StatefulSet/web") for number in range(4)))
    assert kill(api, clock)[1].undo == {"controllers": ["statefulset/demo/web"]}


def test_there_is_nothing_to_undo(api: FakeApi, clock: FakeClock) -> None:
    fault, plan = kill(api, clock)
    act(fault, plan, clock)
    record = plan.record(run_id="run1", now=clock.now())
    before = len(api.calls)
    undo = PodKillUndo(tools(api, clock=clock))
    undo.undo(record)
    assert undo.undone(record).facts == {"made again by": "deployment/demo/web"}
    assert len(api.calls) == before
