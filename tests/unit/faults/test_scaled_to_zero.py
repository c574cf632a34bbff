"""Scaled to zero: proven by what the API has, put back to what it was."""

from __future__ import annotations

import pytest

from aftershock.errors import RefusedError
from aftershock.faults.catalogue import UNDOS
from aftershock.faults.scaled_to_zero import NAME, ScaledToZero
from aftershock.testing import FakeClock
from tests.unit.faults.workloads import WEB, Rollout, kit


@pytest.fixture
def api() -> Rollout:
    return Rollout()


def empty(api: Rollout) -> None:
    for number in range(3):
        api.delete(f"/api/v1/namespaces/demo/pods/web-old-{number}")
    api.objects[WEB]["status"] = {}


def test_the_plan_says_how_many_are_hit(api: Rollout, clock: FakeClock) -> None:
    plan = ScaledToZero(kit(api, clock), workload="web", for_s=60).plan()
    assert plan.blast_radius == "deployment/demo/web (3 pods) scaled to zero, for 60 s"
    assert (plan.switch, plan.lasts, plan.expires_after_s) == ("reaper", True, 60)
    assert [str(target) for target in plan.targets] == ["deployment/demo/web"]
    assert api.calls == []


def test_landed_is_none_wanted_none_live_none_ready(api: Rollout, clock: FakeClock) -> None:
    fault = ScaledToZero(kit(api, clock), workload="demo/web")
    plan = fault.plan()
    fault.inject(plan, plan.record(run_id="run1", now=clock.now()))
    proof = fault.landed(plan)
    assert (proof.holds, proof.facts) == (
        False,
        {"workload": "deployment/demo/web", "wanted": 0, "live pods": 3, "ready": 3},
    )
    empty(api)
    assert fault.landed(plan).holds


def test_a_workload_that_died_by_itself_is_no_proof(api: Rollout, clock: FakeClock) -> None:
    fault = ScaledToZero(kit(api, clock), workload="web")
    plan = fault.plan()
    empty(api)
    assert not fault.landed(plan).holds


def test_its_undo_gives_the_replicas_back(api: Rollout, clock: FakeClock) -> None:
    tools = kit(api, clock)
    fault = ScaledToZero(tools, workload="web")
    plan = fault.plan()
    record = plan.record(run_id="run1", now=clock.now())
    fault.inject(plan, record)
    undo = UNDOS[NAME](tools)
    assert not undo.undone(record).holds
    undo.undo(record)
    assert undo.undone(record).holds
    assert api.get(WEB)["spec"]["replicas"] == 3


def test_of_a_stateful_set(api: Rollout, clock: FakeClock) -> None:
    body = api.objects.pop(WEB)
    api.add("/apis/apps/v1/namespaces/demo/statefulsets", body)
    plan = ScaledToZero(kit(api, clock), workload="web").plan()
    assert [str(target) for target in plan.targets] == ["statefulset/demo/web"]


def test_one_that_has_no_pod_is_refused(api: Rollout, clock: FakeClock) -> None:
    empty(api)
    with pytest.raises(RefusedError, match="no live pod"):
        ScaledToZero(kit(api, clock), workload="web").plan()


def test_one_that_is_not_there_is_refused(api: Rollout, clock: FakeClock) -> None:
    with pytest.raises(RefusedError, match="which deployment or statefulset is 'shop'"):
        ScaledToZero(kit(api, clock), workload="shop").plan()


def test_one_name_for_two_is_refused(api: Rollout, clock: FakeClock) -> None:
    api.add("/apis/apps/v1/namespaces/demo/statefulsets", api.objects[WEB])
    with pytest.raises(RefusedError) as caught:
        ScaledToZero(kit(api, clock), workload="web").plan()
    assert caught.value.found == "deployment/demo/web, statefulset/demo/web"
