"""Whether a workload runs as specified now, and waiting for a whole stack of them."""

from __future__ import annotations

import io
from pathlib import Path

import pytest

from aftershock.cluster.api import Json
from aftershock.cluster.progress import Progress
from aftershock.cluster.stack import Stack, is_ready
from aftershock.errors import DeadlineError
from aftershock.testing import FakeClock
from tests.unit.cluster.conftest import Commands
from tests.unit.cluster.test_apply import DiscoveryApi


def workload(
    kind: str = "Deployment", *, replicas: int | None = 2, generation: int = 3, **status: int
) -> Json:
    spec = {} if replicas is None else {"replicas": replicas}
    full = {"observedGeneration": 3, "replicas": 2, "updatedReplicas": 2, "readyReplicas": 2, **status}
    return {"kind": kind, "metadata": {"name": "web", "generation": generation}, "spec": spec, "status": full}


@pytest.mark.parametrize("kind", ["Deployment", "StatefulSet"])
class TestReplicas:
    def test_as_specified(self, kind: str) -> None:
        assert is_ready(workload(kind))

    def test_a_status_of_an_older_specification(self, kind: str) -> None:
        assert not is_ready(workload(kind, generation=4))

    @pytest.mark.parametrize(
        "status",
        [
            {"readyReplicas": 1},
            {"updatedReplicas": 1},
            {"replicas": 3},
            {"replicas": 1, "readyReplicas": 1, "updatedReplicas": 1},
        ],
    )
    def test_something_is_missing_or_too_much(self, kind: str, status: dict[str, int]) -> None:
        assert not is_ready(workload(kind, **status))

    def test_no_status_yet(self, kind: str) -> None:
        fresh = workload(kind)
        assert not is_ready({**fresh, "status": {}})
        assert not is_ready({key: fresh[key] for key in ("kind", "metadata", "spec")})

    def test_scaled_to_nothing(self, kind: str) -> None:
        # The API leaves out counts that are zero.
        item = workload(kind, replicas=0)
        assert is_ready({**item, "status": {"observedGeneration": 3}})

    def test_one_replica_is_the_default(self, kind: str) -> None:
        assert not is_ready(workload(kind, replicas=None))
        assert is_ready({**workload(kind, replicas=None), "status": one()})


def one() -> Json:
    return {"observedGeneration": 3, "replicas": 1, "updatedReplicas": 1, "readyReplicas": 1}


def daemon_set(generation: int = 3, **status: int) -> Json:
    full = {
        "observedGeneration": 3,
        "desiredNumberScheduled": 3,
        "updatedNumberScheduled": 3,
        "numberReady": 3,
    }
    return {
        "kind": "DaemonSet",
        "metadata": {"name": "exporter", "generation": generation},
        "spec": {},
        "status": {**full, **status},
    }


class TestDaemonSet:
    def test_on_every_node(self) -> None:
        assert is_ready(daemon_set())

    @pytest.mark.parametrize(
        "item",
        [
            daemon_set(generation=4),
            daemon_set(numberReady=2),
            daemon_set(updatedNumberScheduled=2),
            daemon_set(desiredNumberScheduled=0, updatedNumberScheduled=0, numberReady=0),
            {**daemon_set(), "status": {}},
        ],
        ids=["stale", "unready", "not updated", "on no node", "no status"],
    )
    def test_not_yet(self, item: Json) -> None:
        assert not is_ready(item)


def operated(
    *, status: str = "True", generation: int = 3, observed: int | None = 3, kind: str = "Prometheus"
) -> Json:
    condition = {"type": "Available", "status": status}
    return {
        "kind": kind,
        "metadata": {"name": "p", "generation": generation},
        "spec": {},
        "status": {"conditions": [condition | ({"observedGeneration": observed} if observed else {})]},
    }


class TestConditions:
    def test_available(self) -> None:
        assert is_ready(operated())

    def test_unavailable(self) -> None:
        assert not is_ready(operated(status="Degraded"))

    def test_available_as_an_older_specification_said(self) -> None:
        assert not is_ready(operated(generation=4))

    def test_a_condition_without_a_generation(self) -> None:
        service = operated(kind="APIService", observed=None)
        del service["metadata"]["generation"]
        assert is_ready(service)

    @pytest.mark.parametrize(
        "status", [{}, {"conditions": []}, {"conditions": [{"type": "Reconciled", "status": "True"}]}]
    )
    def test_nothing_said_yet(self, status: Json) -> None:
        assert not is_ready({**operated(), "status": status})


WEB = {"apiVersion": "apps/v1", "kind": "Deployment", "metadata": {"name": "web", "namespace": "demo"}}
PATH = "/apis/apps/v1/namespaces/demo/deployments"


@pytest.fixture
def stack(tmp_path: Path, progress: Progress) -> Stack:
    return Stack(root=tmp_path, kustomize=Path("kustomize"), log=tmp_path / "log", progress=progress)


class TestSweep:
    def test_pods_of_deployments_that_have_ended_go(self, stack: Stack, said: io.StringIO) -> None:
        api = DiscoveryApi()
        made = [{"kind": "ReplicaSet", "name": "web-1", "controller": True}]
        others = [{"kind": "Job", "name": "backup", "controller": True}]
        for name, phase, owners in (
            ("web-full", "Failed", made),
            ("web-down", "Succeeded", made),
            ("web-now", "Running", made),
            ("backup", "Succeeded", others),
            ("by-hand", "Failed", None),
        ):
            api.add_pods(
                {
                    "metadata": {"name": name, "namespace": "demo", "uid": name, "ownerReferences": owners},
                    "status": {"phase": phase},
                }
            )
        api.add_pods(
            {
                "metadata": {"name": "x", "namespace": "yours", "uid": "x", "ownerReferences": made},
                "status": {"phase": "Failed"},
            }
        )
        stack.sweep(api, [{**WEB, "kind": "Deployment"}])
        left = [
            pod["metadata"]["name"]
            for space in ("demo", "yours")
            for pod in api.items(f"/api/v1/namespaces/{space}/pods")
        ]
        assert sorted(left) == ["backup", "by-hand", "web-now", "x"]
        assert "removed demo/web-down" in said.getvalue()


class TestAwaitReady:
    def test_it_waits_until_all_are(self, stack: Stack) -> None:
        api = DiscoveryApi()
        api.add(PATH, workload(readyReplicas=1))

        class Cluster(FakeClock):
            def sleep(self, seconds: float) -> None:
                super().sleep(seconds)
                if self.elapsed >= 3:
                    api.add(PATH, workload())

        clock = Cluster()
        stack.await_ready(api, [WEB], within_s=10, clock=clock)
        assert clock.elapsed == 3

    def test_what_is_not_there_is_not_ready(self, stack: Stack) -> None:
        clock = FakeClock()
        with pytest.raises(
            DeadlineError, match=r"Deployment/demo/web to be ready \(10 s for the whole stack\)"
        ):
            stack.await_ready(DiscoveryApi(), [WEB], within_s=10, clock=clock)
        assert clock.elapsed == pytest.approx(10)

    def test_the_time_is_for_all_together(self, stack: Stack) -> None:
        api = DiscoveryApi()
        slow = {**WEB, "metadata": {"name": "slow", "namespace": "demo"}}

        class Cluster(FakeClock):
            def sleep(self, seconds: float) -> None:
                super().sleep(seconds)
                if self.elapsed >= 8:
                    api.add(PATH, workload())

        clock = Cluster()
        with pytest.raises(DeadlineError, match="demo/slow"):
            stack.await_ready(api, [WEB, slow], within_s=10, clock=clock)
        assert clock.elapsed == pytest.approx(10)

    def test_what_has_no_readiness_is_not_waited_for(self, stack: Stack) -> None:
        service = {"apiVersion": "v1", "kind": "Service", "metadata": {"name": "web", "namespace": "demo"}}
        stack.await_ready(DiscoveryApi(), [service], within_s=0, clock=FakeClock())


class TestDefine:
    @pytest.fixture
    def definitions(self, tmp_path: Path, commands: Commands) -> Path:
        """The operator's module, as `go list` tells where it is."""
        folder = tmp_path / "module" / "example" / "prometheus-operator-crd"
        folder.mkdir(parents=True)
        commands.add("go", f"echo {tmp_path / 'module'}")
        (tmp_path / "cluster/kind/modules/operators").mkdir(parents=True)
        path = folder / "rules.yaml"
        path.write_text(
            "apiVersion: apiextensions.k8s.io/v1\nkind: CustomResourceDefinition\n"
            "metadata: {name: rules.monitoring.coreos.com}\n"
        )
        return path

    def test_applied_once_and_again_when_changed(
        self, stack: Stack, definitions: Path, said: io.StringIO
    ) -> None:
        api = DiscoveryApi()
        stack.define(api)
        assert "apply 1 definitions" in said.getvalue()
        first = len(api.calls)
        stack.define(api)
        assert len(api.calls) == first
        definitions.write_text(definitions.read_text() + "spec: {group: monitoring.coreos.com}\n")
        stack.define(api)
        assert len(api.calls) == 2 * first

    def test_not_noted_before_they_are_served(self, stack: Stack, definitions: Path) -> None:
        api = DiscoveryApi()

        def refuse(method: str, path: str) -> None:
            raise DeadlineError("killed here")

        api.on_change = refuse
        with pytest.raises(DeadlineError):
            stack.define(api)
        api.on_change = None
        before = len(api.calls)
        stack.define(api)
        assert len(api.calls) > before
