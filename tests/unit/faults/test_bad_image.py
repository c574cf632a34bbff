"""Bad image: proven by a new pod that cannot get it."""

from __future__ import annotations

import pytest

from aftershock.errors import RefusedError
from aftershock.faults.bad_image import MISSING, NO_IMAGE, BadImage
from aftershock.testing import FakeClock
from tests.unit.faults.workloads import CONTAINER, WEB, Rollout, holds_only_when_acted, kit


@pytest.mark.parametrize("reason", sorted(MISSING))
def test_a_new_pod_that_waits_for_the_image_is_the_proof(clock: FakeClock, reason: str) -> None:
    api = Rollout()
    fault = BadImage(kit(api, clock), workload="web")
    holds_only_when_acted(fault, api, clock, state={"waiting": {"reason": reason}})
    assert api.get(WEB)["spec"]["template"]["spec"]["containers"][0]["image"] == NO_IMAGE


@pytest.mark.parametrize("reason", ["ContainerCreating", "CrashLoopBackOff"])
def test_another_reason_to_wait_is_no_proof(clock: FakeClock, reason: str) -> None:
    api = Rollout()
    fault = BadImage(kit(api, clock), workload="web", image="web:gone")
    plan = fault.plan()
    fault.inject(plan, plan.record(run_id="run1", now=clock.now()))
    api.roll(state={"waiting": {"reason": reason}})
    proof = fault.landed(plan)
    assert (proof.holds, proof.facts["new pods"]) == (False, "web-new: not yet")
    assert "with the image web:gone" in plan.blast_radius


def test_one_of_several_containers_must_be_named(clock: FakeClock) -> None:
    api = Rollout(containers=({"name": "side", "image": "side:1"}, CONTAINER))
    with pytest.raises(RefusedError, match="which container of web"):
        BadImage(kit(api, clock), workload="web").plan()
    plan = BadImage(kit(api, clock), workload="web", container="main").plan()
    assert plan.undo["leaves"][0]["before"] == "web:1"


def test_a_stateful_set_would_not_come_back_by_itself(clock: FakeClock) -> None:
    api = Rollout()
    api.add("/apis/apps/v1/namespaces/demo/statefulsets", api.objects.pop(WEB))
    with pytest.raises(RefusedError, match="which deployment is 'web'"):
        BadImage(kit(api, clock), workload="web").plan()
