"""CPU hogs, in a pod and on a node: within a limit, proven by what the kubelet measures."""

from __future__ import annotations

from typing import Any

import pytest

from aftershock.errors import RefusedError
from aftershock.faults.cpu_hog import CpuHog
from aftershock.faults.node_cpu_hog import NodeCpuHog
from aftershock.faults.tools import tools
from aftershock.testing import FakeClock
from aftershock.testing.kube import node, pod
from tests.unit.faults.carriers import JOBS, Node
from tests.unit.faults.kubelets import measure, options_of


class TestPod:
    @pytest.fixture(autouse=True)
    def _limited(self, api: Node) -> None:
        limits = {"limits": {"cpu": "300m"}}
        api.add_pods(
            pod("web-0", spec={"containers": [{"name": "main", "image": "nginx", "resources": limits}]})
        )
        measure(api, at="1")

    def fault(self, api: Node, clock: FakeClock, **options: Any) -> CpuHog:
        return CpuHog(tools(api, clock=clock), workload="web", **{"for_s": 60.0, **options})

    def test_lands_when_most_of_the_limit_is_used(self, api: Node, clock: FakeClock) -> None:
        hog = self.fault(api, clock, burners=4)
        plan = hog.plan()
        hog.inject(plan, plan.record(run_id="run1", now=clock.now()))
        (command,) = api.commands()
        assert (command[0], options_of(command)) == ("cpu", {"burners": 4})
        measure(api, at="2", cores=0.2)
        assert not hog.landed(plan).holds
        measure(api, at="3", cores=0.29)
        assert hog.landed(plan).holds
        assert hog.landed(plan).facts == {"web-0.cores": 0.29, "web-0.at_least": 0.24}

    def test_one_burner_is_not_expected_to_use_two_cores(self, api: Node, clock: FakeClock) -> None:
        limits = {"limits": {"cpu": "2"}}
        api.add_pods(
            pod("web-0", spec={"containers": [{"name": "main", "image": "nginx", "resources": limits}]})
        )
        (aim,) = self.fault(api, clock, burners=1).plan().undo["aims"]
        assert aim["at_least"] == 0.8

    def test_a_pod_that_is_busy_by_itself(self, api: Node, clock: FakeClock) -> None:
        measure(api, at="1", cores=0.28)
        with pytest.raises(RefusedError, match="by itself"):
            self.fault(api, clock).plan()

    def test_without_a_limit_it_would_be_the_nodes(self, api: Node, clock: FakeClock) -> None:
        api.add_pods(pod("web-0"))
        with pytest.raises(RefusedError, match="no cpu limit"):
            self.fault(api, clock).plan()

    @pytest.mark.parametrize("burners", [0, 65])
    def test_a_number_of_burners_that_makes_no_sense(self, api: Node, clock: FakeClock, burners: int) -> None:
        with pytest.raises(RefusedError, match="no sense"):
            self.fault(api, clock, burners=burners).plan()


class TestNode:
    @pytest.fixture(autouse=True)
    def _sized(self, api: Node) -> None:
        api.add("/api/v1/nodes", node("worker", status={"allocatable": {"cpu": "4"}}))
        measure(api, at="1", node_cores=1.0)

    def fault(self, api: Node, clock: FakeClock, *, of_cores: float = 0.5) -> NodeCpuHog:
        return NodeCpuHog(tools(api, clock=clock), of_cores=of_cores, for_s=60.0, node="worker")

    def test_the_share_is_the_carriers_own_limit_and_its_weight_is_the_lowest(
        self, api: Node, clock: FakeClock
    ) -> None:
        hog = self.fault(api, clock)
        plan = hog.plan()
        hog.inject(plan, plan.record(run_id="run1", now=clock.now()))
        job = api.get(f"{JOBS}{plan.fault_id}-0")
        (container,) = job["spec"]["template"]["spec"]["containers"]
        assert container["resources"]["limits"]["cpu"] == "2000m"
        assert container["resources"]["requests"]["cpu"] == "1m"
        (command,) = api.commands()
        assert (command[0], options_of(command)) == ("node-cpu", {"burners": 2})
        assert "--pod-uid" not in command
        assert [str(target) for target in plan.targets] == ["node/worker"]

    def test_lands_when_the_node_uses_more_than_before(self, api: Node, clock: FakeClock) -> None:
        hog = self.fault(api, clock)
        plan = hog.plan()
        measure(api, at="2", node_cores=1.1)
        assert not hog.landed(plan).holds
        measure(api, at="3", node_cores=2.8)
        assert hog.landed(plan).holds

    def test_a_node_with_nothing_to_spare(self, api: Node, clock: FakeClock) -> None:
        measure(api, at="1", node_cores=3.5)
        with pytest.raises(RefusedError, match="to spare"):
            self.fault(api, clock).plan()

    @pytest.mark.parametrize("share", [0.0, 1.1])
    def test_no_share(self, api: Node, clock: FakeClock, share: float) -> None:
        with pytest.raises(RefusedError, match="no share"):
            self.fault(api, clock, of_cores=share).plan()
