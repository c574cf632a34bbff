"""The plan: what would be touched, what is forecast, what is refused, and what is not known."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from aftershock.cluster.targets import Amount
from aftershock.collect.gherkin import Scenario
from aftershock.config import Settings
from aftershock.errors import EnvironmentUnusableError, RefusedError
from aftershock.forecast.objectives import AlertFires
from aftershock.forecast.paths import Facts
from aftershock.scene import outlook as outlook_module
from aftershock.scene import plan as module
from aftershock.scene.acts import Experiment, LitmusEngine, out_of_memory, users_load
from aftershock.scene.plan import Planner
from aftershock.scene.stage import Stage
from aftershock.testing.kube import FakeApi, node, pod
from tests.unit.scene.test_outlook import meaning, rule

ROOT = Path(__file__).parents[3]
SCENARIO = Scenario(
    file="features/a.feature",
    line=4,
    feature="F",
    rule="",
    name="S",
    template="S",
    description="",
    tags=frozenset(),
    steps=(),
)
BREAK = meaning(out_of_memory(amount=Amount(count=1), workload="web"), 5)


@pytest.fixture
def planner(stage: Stage, api: FakeApi, monkeypatch: pytest.MonkeyPatch) -> Planner:
    api.add("/api/v1/namespaces", {"metadata": {"name": "demo", "labels": {"aftershock.dev/allow": "true"}}})
    api.add("/api/v1/nodes", node("worker"), node("other"))
    api.add_pods(
        pod("web-1"), pod("web-2"), pod("nginx", app="nginx-web"),
        pod("p", namespace="monitoring", app="prometheus", node="elsewhere"),
    )  # fmt: skip
    facts = Facts(
        groups=[{"name": "g", "interval": 5, "rules": [rule("Slow", "up == 0", 300.0)]}],
        targets=[],
        carriers={},
    )
    monkeypatch.setattr(outlook_module, "read_cadence", lambda *_, **__: facts)
    monkeypatch.setattr(module, "connect", lambda settings: stage.cluster)
    return Planner(settings=Settings())


def test_targets_and_blast_radius(planner: Planner, api: FakeApi) -> None:
    targets, radius, ends, forecast = planner.lines(SCENARIO, [BREAK])
    assert targets.startswith("out-of-memory: targets: pod/demo/web-")
    assert "1 of 2 pods of demo/web" in radius
    assert ends == "  ends by itself after 60 s at the latest"
    assert forecast == "forecast: no step promises a time"
    assert planner.refusals == []
    assert api.calls == []


def test_experiments_and_load(planner: Planner, api: FakeApi) -> None:
    drain = meaning(Experiment(path=ROOT / "experiments" / "drain-worker.yaml"))
    load = meaning(users_load(users=20, service=ROOT / "loadtests" / "nginx_web.py", rate=2, time=60))
    said = planner.lines(SCENARIO, [load, drain])
    assert said[0] == "load on nginx-web: 20 users, 2 requests/s each (40/s) for 60 s"
    assert said[1].startswith("node-drain: targets: node/worker, pod/demo/nginx")
    assert api.calls == []


def test_an_engine_of_litmus(planner: Planner, api: FakeApi) -> None:
    engine = meaning(LitmusEngine(path=ROOT / "experiments" / "litmus" / "pod-cpu-hog.yaml"))
    api.add_pods(pod("app-1", app="sample-app"), pod("app-2", app="sample-app"))
    for name in ("app-1", "app-2"):
        main = {"name": "main", "resources": {"limits": {"cpu": "500m"}}}
        api.add_pods(pod(name, app="sample-app", spec={"containers": [main]}))
    said = planner.lines(SCENARIO, [engine])
    assert said[0].startswith("cpu-hog: ")
    assert api.calls == []


def test_a_scenario_that_touches_nothing_says_so(planner: Planner) -> None:
    assert planner.lines(SCENARIO, [])[0] == "targets: none; no step of it touches anything"


def test_what_the_guard_refuses_is_shown_and_kept(planner: Planner) -> None:
    both = meaning(out_of_memory(amount=Amount(count=2), workload="web"), 6)
    said = planner.lines(SCENARIO, [both])
    assert "out-of-memory: refused: 2 of 2 pods of demo/web at once is too many" in said
    assert [error.message for error in planner.refusals] == [
        "features/a.feature:6: 2 of 2 pods of demo/web at once is too many"
    ]


def test_a_target_that_is_not_there_is_refused(planner: Planner) -> None:
    said = planner.lines(SCENARIO, [meaning(out_of_memory(amount=Amount(count=1), workload="nobody"))])
    assert said[0].startswith("out-of-memory: refused: there is no workload 'nobody'")
    assert len(planner.refusals) == 1


def test_an_objective_that_cannot_be_is_shown_and_kept(planner: Planner) -> None:
    said = planner.lines(SCENARIO, [BREAK, meaning(AlertFires(alert="Slow", within_s=30))])
    assert "forecast, profile ci:" in said
    made_of = "group g is evaluated every 5 s, the rule's `for` is 5 min"
    assert f"  Slow fires: 5 min or later, objective 30 s  ({made_of})" in said
    assert "    unknown: no target is known to expose up" in said
    assert "earliest 300 s" in said[-2]
    assert "whether alerts and receivers are there is unknown" in said[-1]
    assert "Slow fires within 30 s cannot be" in planner.refusals[0].message


@pytest.mark.parametrize(
    ("error", "refusals"),
    [(EnvironmentUnusableError("there is no cluster"), 0), (RefusedError("context x is not allowed"), 1)],
)
def test_without_a_cluster_it_says_what_is_unknown_and_why(
    planner: Planner, monkeypatch: pytest.MonkeyPatch, error: Any, refusals: int
) -> None:
    asked = []

    def unreachable(settings: Settings) -> None:
        asked.append(settings)
        raise error

    monkeypatch.setattr(module, "connect", unreachable)
    for _ in range(2):
        assert planner.lines(SCENARIO, [BREAK]) == [
            f"targets and blast radius: unknown: {error.message}",
            f"forecast: unknown: {error.message}",
        ]
    assert len(asked) == 1
    assert len(planner.refusals) == refusals
