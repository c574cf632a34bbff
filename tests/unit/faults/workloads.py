"""A Deployment in memory with three pods, and what a roll-out makes of it."""

from __future__ import annotations

import copy
from typing import Any

import pytest

from aftershock.cluster.api import Json
from aftershock.faults.tools import Tools, tools
from aftershock.faults.workload_patch import WorkloadPatch
from aftershock.testing import FakeClock
from aftershock.testing.kube import FakeApi, merge, pod

WEB = "/apis/apps/v1/namespaces/demo/deployments/web"
CONTAINER: Json = {
    "name": "main",
    "image": "web:1",
    "env": [{"name": "PORT", "value": "8080"}, {"name": "KEY", "valueFrom": {"secretKeyRef": {"name": "k"}}}],
}


class Rollout(FakeApi):
    """The API of a cluster whose Deployment controller acts when `roll` is called."""

    def __init__(self, *, containers: tuple[Json, ...] = (CONTAINER,)) -> None:
        super().__init__()
        labels = {"aftershock.dev/allow": "true"}
        self.add("/api/v1/namespaces", {"metadata": {"name": "demo", "labels": labels}})
        spec = {
            "replicas": 3,
            "selector": {"matchLabels": {"app": "web"}},
            "template": {"spec": {"containers": list(containers)}},
        }
        meta = {"name": "web", "namespace": "demo", "uid": "uid-web"}
        self.add(WEB.rpartition("/")[0], {"metadata": meta, "spec": spec, "status": {"readyReplicas": 3}})
        self.add_pods(*(self._pod(f"web-old-{number}") for number in range(3)))

    def roll(self, name: str = "web-new", **status: Any) -> None:
        """Make a pod of the template as it is now; `status` is its container's."""
        self.add_pods(merge(self._pod(name), {"status": {"containerStatuses": [{"name": "main", **status}]}}))

    def _pod(self, name: str) -> Json:
        made = pod(name)
        made["spec"]["containers"] = copy.deepcopy(self.get(WEB)["spec"]["template"]["spec"]["containers"])
        return made


def kit(api: FakeApi, clock: FakeClock) -> Tools:
    return tools(api, clock=clock)


def holds_only_when_acted(fault: WorkloadPatch, api: Rollout, clock: FakeClock, **status: Any) -> None:
    """Hold that a new pod in that state proves the fault, and proves nothing if nobody acted."""
    plan = fault.plan()
    record = plan.record(run_id="run1", now=clock.now())
    assert api.calls == [], "a plan touches nothing"
    assert (plan.switch, plan.lasts, plan.marked) == ("reaper", True, None)
    api.roll("web-other", **status)
    assert not fault.landed(plan).holds, "nobody has acted: a pod that fails anyway is no proof"
    fault.inject(plan, record)
    assert not fault.landed(plan).holds, "no pod bears it yet"
    api.roll("web-new", ready=True, state={"running": {}})
    assert not fault.landed(plan).holds, "a pod that bears it and fares well is no proof"
    api.roll("web-new", **status)
    proof = fault.landed(plan)
    assert proof.holds, proof
    assert "web-new" in proof.facts["new pods"]
    assert "web-other" not in proof.facts["new pods"]
    with pytest.MonkeyPatch.context() as patch:
        patch.setitem(api.objects[WEB]["metadata"], "uid", "another")
        assert not fault.landed(plan).holds, "a namesake"
