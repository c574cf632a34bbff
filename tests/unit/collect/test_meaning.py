"""What steps mean, as plain data, before they run."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from pytest_bdd.steps import StepFunctionContext, step_function_context_registry

from aftershock.collect.gherkin import read_feature
from aftershock.collect.meaning import Meaning, meanings, means
from aftershock.collect.types import phrase
from aftershock.collect.vocabulary import Definition
from aftershock.forecast.objectives import AlertFires, AlertResolves, HpaScales, Recovers, Replaced, Serves
from aftershock.load.spec import Demand
from aftershock.scene.acts import Breaks, Experiment, Loads, Looks
from aftershock.scene.alert_names import Silent, Told
from aftershock.steps import alerts, experiments, nodes, scaling, traffic, workloads

ROOT = Path(__file__).parents[3]


def definition(sentence: str, function: Callable[..., Any], kind: Any = "then") -> Definition:
    context = StepFunctionContext(type=kind, step_func=function, parser=phrase(sentence))
    return Definition(sentence=sentence, type=kind, where="here:1", context=context)


def ours() -> list[Definition]:
    modules = {module.__name__ for module in (alerts, experiments, nodes, scaling, traffic, workloads)}
    return [
        Definition(sentence=context.parser.name, type=context.type, where="", context=context)
        for context in step_function_context_registry.values()
        if context.step_func.__module__ in modules
    ]


def of(path: str) -> list[Meaning]:
    (scenario,) = read_feature(ROOT / "features" / path, root=ROOT).scenarios
    return meanings(scenario, ours())


def test_a_scenario_of_ours_says_what_it_does_and_promises() -> None:
    found = of("recovery/out_of_memory.feature")
    assert found[0].what == Looks(namespace="bookinfo")
    assert isinstance(found[1].what, Breaks)
    assert [meaning.what for meaning in found[2:]] == [
        Recovers(workload="reviews", within_s=30),
        AlertFires(alert="PodOOMKilled", within_s=30),
        Told(alert="PodOOMKilled", receiver="warning"),
        AlertResolves(alert="PodOOMKilled", within_s=180),
        Silent(),
    ]
    assert found[2].place == "features/recovery/out_of_memory.feature:7"


def test_load_scaling_and_drains_do_too() -> None:
    acts = [m.what for m in of("scaling/nginx_web.feature") if not isinstance(m.what, Looks | Silent)]
    load, reaches, scales, serves = acts
    assert reaches == HpaScales(workload="nginx-web", within_s=70)
    assert load == Loads(
        locustfile=ROOT / "loadtests" / "nginx_web.py",
        demand=Demand(users=100, rate_per_user=2),
        duration_s=90,
    )
    assert load.service == "nginx-web"
    assert (scales, serves) == (HpaScales(workload="nginx-web"), Serves(workload="nginx-web", within_s=30))
    acts = [m.what for m in of("maintenance/drain_worker.feature") if not isinstance(m.what, Looks | Silent)]
    _, drain, replaced = acts
    assert drain == Experiment(path=ROOT / "experiments" / "drain-worker.yaml")
    assert replaced == Replaced(within_s=30)


@pytest.fixture
def scenario(tmp_path: Path) -> Any:
    path = tmp_path / "a.feature"
    path.write_text("Feature: F\n  Scenario: S\n    Then web is back within 2 minutes\n    Then nothing\n")
    return read_feature(path, root=tmp_path).scenarios[0]


def test_the_words_come_as_the_steps_code_gets_them(scenario: Any) -> None:
    @means(lambda service, limit: (service, limit))
    def step(service: str, limit: float) -> None: ...

    found = meanings(scenario, [definition("{service:w} is back within {limit:Duration}", step)])
    assert [(meaning.what, meaning.place) for meaning in found] == [(("web", 120.0), "a.feature:3")]


def test_a_step_that_says_nothing_means_nothing(scenario: Any) -> None:
    def step(service: str, limit: float) -> None: ...

    assert meanings(scenario, [definition("{service:w} is back within {limit:Duration}", step)]) == []
