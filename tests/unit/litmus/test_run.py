"""An engine at work on a cluster in memory: what is done when, and by whom it is ended."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any, ClassVar

import pytest

from aftershock.cluster.targets import Target
from aftershock.errors import FaultError, RefusedError
from aftershock.faults.injector import Injection
from aftershock.faults.protocol import Fault, Plan, Proof
from aftershock.faults.tools import tools
from aftershock.litmus import EngineRun, planned_faults, read_engine
from aftershock.litmus import run as run_module
from aftershock.litmus.checks import Checker
from aftershock.testing import FakeClock
from aftershock.testing.kube import FakeApi, pod
from aftershock.timeline import Timeline
from tests.unit.litmus.conftest import Kill, Latency, Write

FIRST = "spec.experiments.0"
PROBE = f"{FIRST}.spec.probe.0"


class Looks(Checker):
    """Says what the test says it sees, at once; one that looks throughout looks at its start and end."""

    bad: ClassVar[set[tuple[str, str]]] = set()

    def look(self) -> bool:
        phase = self._phase()
        good = (self.probe.name, phase) not in self.bad
        self.failed = self.failed or not good
        self._timeline.record("client", "check", self.probe.name, phase=phase, ok=good)
        return good

    def first_look(self) -> bool:
        return self.look()

    def start(self) -> None:
        self.look()

    def stop(self) -> None:
        self.look()


class Bench:
    """A cluster with three pods of web, and a run of the engine on it."""

    def __init__(self, path: Path) -> None:
        self.api = FakeApi()
        self.clock = FakeClock()
        self.timeline = Timeline(clock=self.clock)
        self.api.add_pods(pod("web-0"), pod("web-1"), pod("web-2"))
        web = {
            "metadata": {"name": "web", "generation": 1},
            "spec": {"replicas": 3, "selector": {"matchLabels": {"app": "web"}}},
            "status": {"observedGeneration": 1, "updatedReplicas": 3, "readyReplicas": 3, "replicas": 3},
        }
        self.api.add("/apis/apps/v1/namespaces/demo/deployments", web)
        self.tools = tools(self.api, clock=self.clock)
        self.done: list[tuple[str, float]] = []
        self.faults: list[Fault] = []
        self.on_inject: Callable[[], None] = lambda: None
        self.run = EngineRun(
            read_engine(path),
            tools=self.tools,
            timeline=self.timeline,
            inject=self.inject,
            undo=self.undo,
            reach=lambda url: url.replace("web.demo.svc.cluster.local", "127.0.0.1:30080"),
        )

    def inject(self, fault: Fault) -> Injection:
        self.done.append(("inject", self.clock.elapsed))
        self.faults.append(fault)
        self.on_inject()
        plan = Plan(
            fault=fault.name,
            targets=(Target(kind="pod", name="web-0", uid="u", namespace="demo"),),
            undo={},
            expires_after_s=60.0,
            blast_radius="one pod",
            switch="none",
            serial=str(len(self.done)),
        )
        record = plan.record(run_id="r", now=self.clock.now())
        return Injection(plan=plan, record=record, proof=Proof(holds=True, source="test"))

    def undo(self, fault_id: str) -> Proof:
        self.done.append((f"undo {fault_id}", self.clock.elapsed))
        return Proof(holds=True, source="test")

    def looks(self) -> list[tuple[str, str]]:
        found = self.timeline.select(source="client", kind="check")
        return [(event.subject, event.data["phase"]) for event in found]


@pytest.fixture
def bench(write: Write, monkeypatch: pytest.MonkeyPatch) -> Callable[..., Bench]:
    monkeypatch.setattr(run_module, "Checker", Looks)
    monkeypatch.setattr(Looks, "bad", set())
    return lambda changes=None: Bench(write(changes))


def test_a_pod_is_deleted_again_and_again_until_the_time_is_over(bench: Any) -> None:
    it = bench()
    it.run.run()
    assert [what for what, _ in it.done if what == "inject"] == ["inject"] * 3
    assert [when for what, when in it.done if what == "inject"] == pytest.approx([0, 10, 20])
    assert it.clock.elapsed == pytest.approx(30)
    assert all(isinstance(fault, Kill) and fault.given["workload"] == "app=web" for fault in it.faults)
    assert it.looks() == [("web answers", "before"), ("web answers", "after")]
    started, ended = it.timeline.select(kind="engine")
    assert (started.subject, started.data["state"], ended.data["state"]) == ("web-engine", "started", "ended")
    assert ended.data["stopped_by"] == ""
    (about,) = started.data["probes"]
    assert (about["url"], about["asked_at"]) == (
        "http://web.demo.svc.cluster.local/",
        "http://127.0.0.1:30080/",
    )
    phases = [event.data["phase"] for event in it.timeline.select(source="harness", kind="check")]
    assert phases == ["during", "during", "during", "after"]


def test_a_fault_that_lasts_is_injected_once_and_taken_back_at_the_end(bench: Any) -> None:
    env = [{"name": "TOTAL_CHAOS_DURATION", "value": "600"}, {"name": "RAMP_TIME", "value": "5"}]
    spec = {"components": {"env": env}}
    it = bench({FIRST: {"name": "pod-network-latency", "spec": spec}})
    it.run.run()
    assert isinstance(it.faults[0], Latency)
    assert it.done == [("inject", pytest.approx(5)), ("undo network-latency-1", pytest.approx(605))]
    assert it.clock.elapsed == pytest.approx(610)


@pytest.mark.parametrize(
    ("mode", "phases"),
    [
        ("SOT", ["before"]),
        ("EOT", ["after"]),
        ("Edge", ["before", "after"]),
        ("Continuous", ["before", "after"]),  # from before the chaos on until after it
        ("OnChaos", ["during", "during"]),
    ],
)
def test_each_mode_looks_at_its_time(bench: Any, mode: str, phases: list[str]) -> None:
    it = bench({f"{PROBE}.mode": mode})
    it.run.run()
    assert [phase for _, phase in it.looks()] == phases


@pytest.mark.parametrize(("stops", "injected"), [(True, 0), (False, 3)])
def test_a_probe_that_fails_before_ends_it_only_if_it_says_so(bench: Any, stops: bool, injected: int) -> None:
    it = bench({f"{PROBE}.runProperties.stopOnFailure": stops})
    Looks.bad.add(("web answers", "before"))
    it.run.run()
    assert len(it.faults) == injected
    assert it.timeline.select(kind="engine")[-1].data["stopped_by"] == ("web answers" if stops else "")


def test_a_probe_that_fails_meanwhile_ends_it_early_and_the_fault_is_taken_back(bench: Any) -> None:
    it = bench({f"{PROBE}.runProperties.stopOnFailure": True, f"{PROBE}.mode": "OnChaos"})
    Looks.bad.add(("web answers", "during"))
    it.run.run()
    assert [what for what, _ in it.done] == ["inject", "undo pod-kill-1"]
    assert it.clock.elapsed == 0


def test_an_application_that_is_not_whole_before(bench: Any) -> None:
    it = bench()
    it.api.delete("/api/v1/namespaces/demo/pods/web-2")
    with pytest.raises(FaultError, match="nothing was injected") as caught:
        it.run.run()
    assert "2 of 3 pods" in caught.value.found
    assert it.faults == []


def test_without_the_health_check_nobody_asks(bench: Any) -> None:
    it = bench({"spec.defaultHealthCheck": False, FIRST: {"name": "pod-cpu-hog", "spec": {}}})
    it.api.delete("/api/v1/namespaces/demo/pods/web-2")
    it.run.run()
    assert len(it.faults) == 1
    assert it.timeline.select(source="harness", kind="check") == []


def test_an_application_that_does_not_come_back_ends_it(bench: Any) -> None:
    timeouts = {"delay": 1, "timeout": 20}
    it = bench({f"{FIRST}.spec.components.statusCheckTimeouts": timeouts})
    it.on_inject = lambda: it.api.delete("/api/v1/namespaces/demo/pods/web-2")
    it.run.run()
    assert len(it.faults) == 1
    first, last = it.timeline.select(source="harness", kind="check")
    assert (first.data["phase"], first.data["ok"]) == ("during", False)
    assert first.data["said"] == "2 of 3 pods of demo/app=web are Ready"
    assert first.data["took_s"] == pytest.approx(20, abs=0.1)
    assert last.data["phase"] == "after"


def test_pods_of_another_kind_are_refused(bench: Any) -> None:
    it = bench({"spec.appinfo.appkind": "statefulset"})
    with pytest.raises(RefusedError, match="not those of a statefulset"):
        it.run.run()
    assert it.faults == []


def test_planned_but_not_injected(bench: Any) -> None:
    it = bench()
    ((name, fault),) = planned_faults(it.run.engine, it.tools)
    assert (name, fault.name) == ("pod-delete", "pod-kill")
    assert it.done == []
