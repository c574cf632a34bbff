"""The API server cut off from a node: proven by silence, ended early by a word."""

from __future__ import annotations

from typing import Any

import pytest

from aftershock.errors import ApiError, DeadlineError, FaultError, RefusedError
from aftershock.faults.api_unreachable import SILENT_S, ApiUnreachable, ApiUnreachableUndo
from aftershock.faults.protocol import Plan
from aftershock.testing import FakeClock
from tests.unit.faults.network import Field, figures, kit

LEASES = "/apis/coordination.k8s.io/v1/namespaces/kube-node-lease/leases"
SLICES = "/apis/discovery.k8s.io/v1/namespaces/default/endpointslices"
API = "10.0.0.9:6443"
CUT = {API: figures(answered=0, lost=10)}


class Cluster(Field):
    """A node that gives signs of life as long as it is not cut off."""

    def __init__(self, clock: FakeClock) -> None:
        super().__init__()
        self.before = {API: figures()}
        self.clock = clock
        self.cut = False
        self.asked: list[str] = []
        self.deaf = False
        labels = {"kubernetes.io/service-name": "kubernetes"}
        self.add(
            SLICES,
            {
                "metadata": {"name": "kubernetes", "namespace": "default", "labels": labels},
                "endpoints": [{"addresses": ["10.0.0.9"]}],
                "ports": [{"port": 6443}],
            },
        )
        self.beats = 0

    def find(self, path: str, **query: str) -> Any:
        if path.startswith(LEASES):
            self.beats += not self.cut
            return {"spec": {"renewTime": f"beat {self.beats}"}}
        return super().find(path, **query)

    def text(self, path: str, **more: Any) -> str:
        if "/proxy/stop/" in path:
            self.asked.append(path)
            if self.deaf:
                raise ApiError("nobody listens", status=503)
            self.cut = False
            return ""
        return super().text(path, **more)


@pytest.fixture
def api(clock: FakeClock) -> Cluster:
    return Cluster(clock)


def fault(api: Cluster, clock: FakeClock, **options: Any) -> ApiUnreachable:
    return ApiUnreachable(kit(api, clock), for_s=60, **{"node": "worker2", **options})


def injected(api: Cluster, clock: FakeClock) -> tuple[ApiUnreachable, Plan]:
    one = fault(api, clock)
    plan = one.plan()
    one.inject(plan, plan.record(run_id="run1", now=clock.now()))
    api.cut = True
    return one, plan


class TestPlan:
    def test_where_the_api_server_is_the_cluster_says(self, api: Cluster, clock: FakeClock) -> None:
        plan = fault(api, clock, servers=["10.0.0.1:443"]).plan()
        assert plan.undo["aims"] == [{"node": "worker2", "options": {"servers": ["10.0.0.1:443", API]}}]
        assert (plan.switch, plan.lasts) == ("timer", True)
        assert api.calls == []

    def test_nobody_says(self, api: Cluster, clock: FakeClock) -> None:
        api.delete(f"{SLICES}/kubernetes")
        with pytest.raises(RefusedError, match="nobody says"):
            fault(api, clock).plan()

    def test_shorter_than_a_heartbeat(self, api: Cluster, clock: FakeClock) -> None:
        with pytest.raises(RefusedError, match="over before"):
            ApiUnreachable(kit(api, clock), for_s=20, node="worker2").plan()


class TestLanded:
    def test_a_pod_there_gets_no_answer_and_the_heartbeat_stays_away(
        self, api: Cluster, clock: FakeClock
    ) -> None:
        one, plan = injected(api, clock)
        api.measure(CUT, 3)
        assert not one.landed(plan).holds, "it may just not have been time for one"
        clock.sleep(SILENT_S)
        assert one.landed(plan).holds

    def test_a_kubelet_that_gets_through_another_way_is_no_proof(
        self, api: Cluster, clock: FakeClock
    ) -> None:
        one, plan = injected(api, clock)
        api.cut = False
        api.measure(CUT, 3)
        one.landed(plan)
        clock.sleep(SILENT_S)
        assert not one.landed(plan).holds

    def test_pods_that_get_through_are_no_proof(self, api: Cluster, clock: FakeClock) -> None:
        one, plan = injected(api, clock)
        api.measure(api.before, 3)
        one.landed(plan)
        clock.sleep(SILENT_S)
        assert not one.landed(plan).holds

    def test_an_api_server_that_was_not_reached_before(self, api: Cluster, clock: FakeClock) -> None:
        api.before = CUT
        with pytest.raises(FaultError, match="not reached already"):
            injected(api, clock)

    def test_the_look_is_an_ordinary_pod_of_that_node(self, api: Cluster, clock: FakeClock) -> None:
        _, plan = injected(api, clock)
        spec = api.get(f"/apis/batch/v1/namespaces/aftershock/jobs/{plan.fault_id}-look-0")["spec"]
        assert spec["template"]["spec"]["nodeName"] == "worker2"
        assert not spec["template"]["spec"]["hostPID"]
        assert api.told("api-unreachable") == [{"stop_port": 8087, "settle_s": 2.0, "servers": [API]}]


class TestUndo:
    def test_the_carrier_is_asked_to_stop(self, api: Cluster, clock: FakeClock) -> None:
        _, plan = injected(api, clock)
        undo = ApiUnreachableUndo(kit(api, clock))
        record = plan.record(run_id="run1", now=clock.now())
        undo.undo(record)
        assert api.asked == [
            f"/api/v1/namespaces/aftershock/pods/{plan.fault_id}-0-abc:8087/proxy/stop/{plan.fault_id}-0"
        ]
        assert clock.elapsed < 5
        assert undo.undone(record).holds

    def test_one_that_was_killed_is_sat_out(self, api: Cluster, clock: FakeClock) -> None:
        _, plan = injected(api, clock)
        api.deaf = True
        sleep = clock.sleep

        def sleeping(seconds: float) -> None:
            sleep(seconds)
            api.cut = clock.elapsed < 70

        clock.sleep = sleeping  # type: ignore[method-assign]  # the node's timer strikes meanwhile
        ApiUnreachableUndo(kit(api, clock)).undo(plan.record(run_id="run1", now=clock.now()))
        assert 68 <= clock.elapsed < 75

    def test_a_node_that_stays_away_is_residue(self, api: Cluster, clock: FakeClock) -> None:
        _, plan = injected(api, clock)
        api.deaf = True
        with pytest.raises(DeadlineError, match="a heartbeat of node worker2"):
            ApiUnreachableUndo(kit(api, clock)).undo(plan.record(run_id="run1", now=clock.now()))

    def test_a_second_time_there_is_nothing_to_do(self, api: Cluster, clock: FakeClock) -> None:
        _, plan = injected(api, clock)
        record = plan.record(run_id="run1", now=clock.now())
        ApiUnreachableUndo(kit(api, clock)).undo(record)
        api.cut = True
        ApiUnreachableUndo(kit(api, clock)).undo(record)
        assert len(api.asked) == 1
