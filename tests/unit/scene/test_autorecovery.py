"""Auto-recovery in a scenario: let and held back by its annotation, and what is asked of the record."""

from __future__ import annotations

from typing import Any

import pytest

from aftershock.errors import EnvironmentUnusableError
from aftershock.faults.switch import REAPER_LEASE
from aftershock.judge.question import JUDGES
from aftershock.scene import autorecovery as module
from aftershock.scene.autorecovery import DRY_RUN, AutoRecovery
from aftershock.scene.stage import Stage
from aftershock.scene.vertical import ADDONS
from aftershock.testing import FakeClock
from aftershock.testing.kube import FakeApi, pod
from aftershock.timeline import Event, Timeline
from tests.unit.scene.conftest import Judging

OPEN = {"aftershock.dev/allow": "true"}
PATH = ADDONS["autorecovery"]


@pytest.fixture
def deployed(api: FakeApi) -> FakeApi:
    api.renewing.add(REAPER_LEASE)
    for name in ("autorecovery", "demo"):
        api.add("/api/v1/namespaces", {"metadata": {"name": name, "labels": OPEN}})
    for namespace, name in (("autorecovery", "autorecovery"), ("demo", "web")):
        api.add(
            f"/apis/apps/v1/namespaces/{namespace}/deployments",
            {
                "metadata": {
                    "name": name, "namespace": namespace, "uid": f"uid-{name}", "generation": 1,
                    "annotations": {DRY_RUN: "true"},
                },
                "spec": {
                    "replicas": 1,
                    "selector": {"matchLabels": {"app": name}},
                    "template": {"spec": {"containers": []}},
                },
                "status": {"observedGeneration": 1, "replicas": 1, "updatedReplicas": 1, "readyReplicas": 1},
            },
        )  # fmt: skip
    api.add_pods(pod("web-1"))
    return api


def says(monkeypatch: pytest.MonkeyPatch, api: FakeApi, *, leaders: int = 1, deaf: bool = False) -> None:
    """Have its metrics say what its annotation does, and that so many lead."""

    def look(prometheus: Any, timeline: Timeline) -> Event:
        dry_run = deaf or api.get(PATH)["metadata"]["annotations"][DRY_RUN] == "true"
        return timeline.record(
            "prometheus", "autorecovery", "deployment/autorecovery/autorecovery",
            replicas=2, leaders=leaders, may_act=not dry_run, counted={},
        )  # fmt: skip

    monkeypatch.setattr(module, "record_autorecovery", look)


def annotation(api: FakeApi) -> str:
    text: str = api.get(PATH)["metadata"]["annotations"][DRY_RUN]
    return text


def test_it_may_act_until_the_scenario_ends(
    stage: Stage, deployed: FakeApi, monkeypatch: pytest.MonkeyPatch
) -> None:
    says(monkeypatch, deployed)
    AutoRecovery(stage).may_act()
    assert annotation(deployed) == "false"
    stage.injector.undo_all()
    assert annotation(deployed) == "true"


def test_it_is_held_back(stage: Stage, deployed: FakeApi, monkeypatch: pytest.MonkeyPatch) -> None:
    says(monkeypatch, deployed)
    deployed.objects[PATH]["metadata"]["annotations"][DRY_RUN] = "false"
    AutoRecovery(stage).only_says()
    assert annotation(deployed) == "true"


def test_where_it_is_not_deployed_that_is_said(stage: Stage, api: FakeApi) -> None:
    with pytest.raises(EnvironmentUnusableError) as caught:
        AutoRecovery(stage).may_act()
    assert caught.value.hint == "aftershock up --with autorecovery"


@pytest.mark.parametrize(("leaders", "deaf"), [(0, False), (2, False), (1, True)])
def test_where_it_does_not_say_so_nothing_is_begun(
    stage: Stage, deployed: FakeApi, monkeypatch: pytest.MonkeyPatch, leaders: int, deaf: bool
) -> None:
    says(monkeypatch, deployed, leaders=leaders, deaf=deaf)
    with pytest.raises(EnvironmentUnusableError, match="may act"):
        AutoRecovery(stage).may_act()


def test_what_it_did_is_counted_from_the_fault_and_allowed_later(
    stage: Stage, deployed: FakeApi, clock: FakeClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    says(monkeypatch, deployed)
    asked: list[dict[str, Any]] = []
    for name in ("autorecovery_acted", "autorecovery_did_nothing_else", "autorecovery_would_act"):
        answer = Judging(clock, "met")

        def judge(*args: object, answer: Judging = answer, **arguments: Any) -> Any:
            asked.append(arguments)
            return answer()

        monkeypatch.setitem(JUDGES, name, judge)
    clock.sleep(10)
    stage.timeline.record("harness", "landed", "pod/demo/web-1")
    scene = AutoRecovery(stage)
    scene.acts("out-of-memory", workload="web", within_s=30)
    scene.would_act("crash-loop", within_s=30)
    began = clock.elapsed
    scene.does_nothing_else()
    assert clock.elapsed - began == pytest.approx(20, abs=2)
    acted, would, nothing = asked
    assert (acted["playbook"], acted["about"]) == ("out-of-memory", "deployment/demo/web")
    assert would["playbook"] == "crash-loop"
    assert nothing["but"] == "out-of-memory on deployment/demo/web"
