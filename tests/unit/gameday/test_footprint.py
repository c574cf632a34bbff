"""What a scenario needs for itself, and why another one runs alone."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest

from aftershock.cluster.targets import Target
from aftershock.collect.gherkin import Scenario, Step
from aftershock.collect.meaning import Meaning
from aftershock.config import Settings
from aftershock.errors import RefusedError
from aftershock.faults.cpu_hog import CpuHog
from aftershock.faults.network_latency import NetworkLatency
from aftershock.forecast.objectives import AlertFires, Recovers
from aftershock.gameday import footprint as module
from aftershock.gameday.footprint import footprint_of
from aftershock.gameday.schedule import Footprint
from aftershock.scene.acts import Breaks, Ends, Experiment, Loads, Looks
from aftershock.scene.alert_names import Told
from aftershock.testing.kube import FakeApi, pod


class Fault:
    """Touches what it is told to."""

    def __init__(self, *targets: str) -> None:
        self.name = "pod-kill"
        self.targets = tuple(targets)

    def plan(self) -> Any:
        if not self.targets:
            raise RefusedError("there is no such pod")
        found = []
        for target in self.targets:
            kind, _, rest = target.partition("/")
            space, _, name = rest.rpartition("/")
            found.append(Target(kind=kind, name=name, uid="u", namespace=space))
        return SimpleNamespace(targets=tuple(found))


class Slow(NetworkLatency):
    def __init__(self, *targets: str) -> None:
        self.fault = Fault(*targets)

    def plan(self) -> Any:
        return self.fault.plan()


class Hog(CpuHog):
    def __init__(self, *targets: str) -> None:
        self.fault = Fault(*targets)

    def plan(self) -> Any:
        return self.fault.plan()


def breaks(fault: Any, workload: str = "") -> Breaks:
    return Breaks(fault=lambda ground: fault, by="restart", workload=workload)


WEB = breaks(Fault("pod/demo/web-1"))
STEADY = ("given", Looks(namespace="demo"))


@pytest.fixture
def needs(monkeypatch: pytest.MonkeyPatch):  # type: ignore[no-untyped-def]
    """Return what a scenario with steps of those meanings needs; None is a step without one."""
    api = FakeApi()
    api.add_pods(
        pod("web-1", owner="StatefulSet/web"),
        pod("api-1", app="api", owner="StatefulSet/api"),
        pod("reviews-v1-1", app="reviews", owner="StatefulSet/reviews-v1"),
        pod("reviews-v2-1", app="reviews", owner="StatefulSet/reviews-v2"),
    )
    for name in ("web", "api", "reviews-v1", "reviews-v2"):
        api.add(
            "/apis/apps/v1/namespaces/demo/statefulsets",
            {
                "metadata": {"name": name, "namespace": "demo", "uid": name},
                "spec": {"selector": {"matchLabels": {"app": name}}},
            },
        )
    api.add("/api/v1/namespaces", {"metadata": {"name": "demo", "labels": {"aftershock.dev/allow": "true"}}})
    ground = SimpleNamespace(tools=SimpleNamespace(api=api))
    monkeypatch.setattr(module.Ground, "of", lambda *_: ground)
    monkeypatch.setattr(module.Guard, "of", lambda *_: None)

    def found(*steps: tuple[str, Any], tags: tuple[str, ...] = (), independent: tuple[str, ...] = ()):  # type: ignore[no-untyped-def]
        read: list[Step] = [
            Step(keyword="When", type=kind, text=f"step {n}", line=n)  # type: ignore[arg-type]
            for n, (kind, _) in enumerate(steps)
        ]
        scenario = Scenario(
            file="features/a.feature", line=1, feature="F", rule="", name="S", template="S",
            description="", tags=frozenset(tags), steps=tuple(read),
        )  # fmt: skip
        meanings = [
            Meaning(step=step, what=what, place="a:1")
            for step, (_, what) in zip(read, steps, strict=True)
            if what is not None
        ]
        cluster: Any = None
        return footprint_of(scenario, meanings, cluster=cluster, settings=Settings(), independent=independent)

    return found


def test_what_makes_the_pods_that_it_touches(needs: Any) -> None:
    found = needs(STEADY, ("when", WEB), ("when", Ends()), ("then", Recovers(workload="web", within_s=30)))
    assert found == Footprint(workloads=frozenset({"demo/web"}))


def test_a_workload_itself(needs: Any) -> None:
    assert needs(("when", breaks(Fault("deployment/demo/web")))).workloads == {"demo/web"}


def test_whichever_of_its_pods_will_be_drawn(needs: Any) -> None:
    found = needs(("when", breaks(Fault("pod/demo/reviews-v2-1"), "reviews")))
    assert found.workloads == {"demo/reviews", "demo/reviews-v1", "demo/reviews-v2"}


def test_a_client_depends_on_whatever_its_service_calls(needs: Any) -> None:
    watching = ("given", Looks(service="web"))
    assert needs(watching, ("when", WEB)).namespaces == {"demo"}
    assert needs(watching, ("when", WEB), independent=("demo",)).namespaces == frozenset()
    assert needs(watching, ("when", WEB), independent=("demo",)).workloads == {"demo/web"}


def test_a_fault_on_the_network_is_felt_by_whoever_calls(needs: Any) -> None:
    assert needs(("when", breaks(Slow("pod/demo/web-1")))).namespaces == {"demo"}


def test_two_that_take_the_nodes_time_disturb_one_another(needs: Any) -> None:
    one, other = (needs(("when", breaks(Hog(f"pod/demo/{name}-1")))) for name in ("web", "api"))
    assert one.conflict(other) == "both need CPU time, memory and disks of the nodes"


def test_an_alert_that_it_names_and_the_workload_of_it(needs: Any) -> None:
    found = needs(("when", WEB), ("then", AlertFires(alert="PodOOMKilled", within_s=30, of="api")))
    assert found.workloads == {"demo/web", "demo/api"}
    assert found.shared == {"the alert PodOOMKilled"}


@pytest.mark.parametrize(
    ("step", "why"),
    [
        (("when", None), "what it needs is not known: When step 0"),
        (("given", None), "what it needs is not known"),
        (("when", Loads(locustfile=module, demand=None, duration_s=9)), "what it shares with others"),  # type: ignore[arg-type]
        (("when", Experiment(path=module)), "what it shares with others"),  # type: ignore[arg-type]
        (("then", Told(alert="A", receiver="warning")), "who is told depends on what else fires"),
        (("when", breaks(Fault("node/worker"))), "pod-kill touches node/worker"),
        (("when", breaks(Fault("pod/monitoring/prometheus-0"))), "touches pod/monitoring/prometheus-0"),
        (("when", breaks(Fault("persistentvolumeclaim/demo/x"))), "touches persistentvolumeclaim"),
        (("when", breaks(Fault())), "what it touches is not known now: there is no such pod"),
        (("when", breaks(Fault("pod/demo/gone-1"))), "what it touches is not known now"),
    ],
)
def test_what_may_disturb_others_runs_alone(needs: Any, step: tuple[str, Any], why: str) -> None:
    assert why in needs(step).alone


@pytest.mark.parametrize("tag", ["node", "maintenance", "protected", "load", "scaling", "addon"])
def test_by_its_tag(needs: Any, tag: str) -> None:
    assert needs(("when", WEB), tags=(tag,)).alone == f"it is tagged @{tag}"


def test_what_only_reads_needs_no_meaning(needs: Any) -> None:
    assert needs(("when", WEB), ("then", None)).alone == ""
