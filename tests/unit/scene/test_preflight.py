"""What must hold before the first fault: each refusal, and that nothing is touched."""

from __future__ import annotations

from pathlib import Path

import pytest

from aftershock.clock import SystemClock
from aftershock.cluster.connection import Cluster, Endpoint, Monitoring
from aftershock.collect.gherkin import Step
from aftershock.collect.meaning import Meaning
from aftershock.config import Settings
from aftershock.errors import (
    ConfigError,
    EnvironmentUnusableError,
    RefusedError,
    ResidueError,
    TransientError,
)
from aftershock.faults.node_drain import NodeDrain
from aftershock.faults.tools import tools
from aftershock.load.spec import Demand
from aftershock.scene import preflight as module
from aftershock.scene.acts import load
from aftershock.scene.preflight import check_loads, check_reachable, preflight
from aftershock.scene.stage import Stage
from aftershock.testing.kube import FakeApi, node, pod


class Prometheus:
    """A Prometheus as a test wants it."""

    url = "http://127.0.0.1:30090"
    is_ready = True
    offset: tuple[float, float] | Exception = (0.2, 0.01)

    def ready(self) -> bool:
        return self.is_ready

    def clock_offset(self) -> tuple[float, float]:
        if isinstance(self.offset, Exception):
            raise self.offset
        return self.offset


@pytest.fixture
def prometheus(monkeypatch: pytest.MonkeyPatch) -> Prometheus:
    found = Prometheus()
    monkeypatch.setattr(module, "Prometheus", lambda *_, **__: found)
    return found


class Api(FakeApi):
    """A fake that says what we may do."""

    def __init__(self) -> None:
        super().__init__()
        self.refused: set[str] = set()

    def allowed(self, verb: str, resource: str, *, group: str = "", namespace: str = "") -> bool:
        return f"{verb} {resource}" not in self.refused


@pytest.fixture
def api() -> Api:
    fake = Api()
    fake.add("/api/v1/namespaces", {"metadata": {"name": "demo", "labels": {"aftershock.dev/allow": "true"}}})
    fake.add("/api/v1/nodes", node("worker"))
    fake.add_pods(pod("a"))
    return fake


@pytest.fixture
def cluster(stage: Stage, prometheus: Prometheus, monkeypatch: pytest.MonkeyPatch) -> Cluster:
    monkeypatch.setattr(module, "connect", lambda settings: stage.cluster)
    return stage.cluster


def begin(tmp_path: Path) -> Cluster:
    return preflight(Settings(), reports=tmp_path)


def test_everything_holds(cluster: Cluster, api: Api, tmp_path: Path) -> None:
    assert begin(tmp_path) is cluster
    assert api.calls == []


def test_permissions_are_named(cluster: Cluster, api: Api, tmp_path: Path) -> None:
    api.refused = {"create pods/eviction", "watch deployments", "create jobs"}
    with pytest.raises(RefusedError, match="lack permissions on kind-aftershock") as caught:
        begin(tmp_path)
    assert (
        caught.value.found
        == "not allowed: create pods/eviction, watch deployments.apps, create jobs.batch in aftershock"
    )


def test_no_namespace_has_opted_in(cluster: Cluster, api: Api, tmp_path: Path) -> None:
    api.patch("/api/v1/namespaces/demo", {"metadata": {"labels": {"aftershock.dev/allow": "false"}}})
    with pytest.raises(RefusedError, match="no namespace has opted in") as caught:
        begin(tmp_path)
    assert "kubectl label namespace" in caught.value.hint


def test_prometheus_is_not_ready(cluster: Cluster, prometheus: Prometheus, tmp_path: Path) -> None:
    prometheus.is_ready = False
    with pytest.raises(EnvironmentUnusableError, match="Prometheus is not ready") as caught:
        begin(tmp_path)
    assert "30090/-/ready" in caught.value.expected
    assert "aftershock up" in caught.value.hint


def test_prometheus_answers_no_query(cluster: Cluster, prometheus: Prometheus, tmp_path: Path) -> None:
    prometheus.offset = TransientError("x", found="timed out")
    with pytest.raises(EnvironmentUnusableError, match="does not answer queries") as caught:
        begin(tmp_path)
    assert caught.value.found == "timed out"


@pytest.mark.parametrize("offset", [(1.2, 0.1), (-5.0, 0.1)])
def test_clocks_that_disagree(
    cluster: Cluster, prometheus: Prometheus, tmp_path: Path, offset: tuple[float, float]
) -> None:
    prometheus.offset = offset
    with pytest.raises(EnvironmentUnusableError, match="clocks") as caught:
        begin(tmp_path)
    assert caught.value.found.startswith(f"{offset[0]:.2f} ± 0.10")


def test_a_clock_that_cannot_be_read_exactly_is_not_blamed(
    cluster: Cluster, prometheus: Prometheus, tmp_path: Path
) -> None:
    prometheus.offset = (1.2, 0.5)
    assert begin(tmp_path) is cluster


def test_what_an_earlier_run_left(cluster: Cluster, api: Api, tmp_path: Path) -> None:
    fault = NodeDrain(tools(api, may_touch=lambda namespace: True), node="worker")
    plan = fault.plan()
    fault.inject(plan, plan.record(run_id="run0", now=SystemClock().now()))
    before = len(api.calls)
    with pytest.raises(ResidueError, match="an earlier run left something") as caught:
        begin(tmp_path)
    assert "of run run0" in caught.value.found
    assert "aftershock recover" in caught.value.hint
    assert len(api.calls) == before


class TestLoads:
    def meaning(self, path: Path, line: int) -> Meaning:
        act = load(service=path, time=60, demand=Demand(arrivals=5))
        step = Step(keyword="When", type="when", text="it gets load", line=line)
        return Meaning(step=step, what=act, place=f"features/a.feature:{line}")

    def test_each_locustfile_is_read_once(self, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
        read: list[Path] = []
        monkeypatch.setattr(module, "check_locustfile", read.append)
        one, two = tmp_path / "a.py", tmp_path / "b.py"
        check_loads([[self.meaning(one, 3), self.meaning(two, 4)], [self.meaning(one, 9)]])
        assert read == [one, two]

    def test_one_that_locust_cannot_read_is_told_with_its_step(
        self, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
    ) -> None:
        def broken(path: Path) -> None:
            raise ConfigError(f"Locust cannot read {path.name}", found="no module")

        monkeypatch.setattr(module, "check_locustfile", broken)
        with pytest.raises(ConfigError, match=r"features/a\.feature:3: Locust cannot read a\.py") as caught:
            check_loads([[self.meaning(tmp_path / "a.py", 3)]])
        assert caught.value.found == "no module"

    def test_the_service_of_each_must_be_reachable(self, tmp_path: Path) -> None:
        here = Endpoint(url="http://127.0.0.1:9")
        cluster = Cluster(
            context="c",
            provider="kind",
            kubeconfig="",
            api=FakeApi(),
            monitoring=Monitoring(namespace="monitoring", prometheus=here),
            services={"demo/nginx-web": "http://127.0.0.1:30080"},
        )
        check_reachable(cluster, [[self.meaning(tmp_path / "nginx_web.py", 3)]])
        with pytest.raises(RefusedError, match=r"a\.feature:4: no service 'bookinfo' can be") as caught:
            check_reachable(cluster, [[self.meaning(tmp_path / "bookinfo.py", 4)]])
        assert caught.value.expected == "demo/nginx-web"
