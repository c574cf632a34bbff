"""Auto-recovery in a scenario: let and held back by its annotation, and what is asked of the record."""

from __future__ import annotations

from typing import Any, ClassVar

import pytest

from aftershock.clock import rfc3339
from aftershock.errors import DeadlineError, EnvironmentUnusableError, FeatureError
from aftershock.faults.switch import REAPER_LEASE
from aftershock.judge.question import JUDGES
from aftershock.observe import autorecovery as observed
from aftershock.scene import autorecovery as module
from aftershock.scene.autorecovery import DRY_RUN, OPT_OUT, AutoRecovery
from aftershock.scene.stage import Stage
from aftershock.scene.vertical import ADDONS
from aftershock.testing import FakeClock
from aftershock.testing.kube import FakeApi, pod
from aftershock.timeline import Event, Timeline
from tests.unit.scene.conftest import Judging

OPEN = {"aftershock.dev/allow": "true"}
PATH = ADDONS["autorecovery"]
WEB = "/apis/apps/v1/namespaces/demo/deployments/web"


class Seeing:
    """A recorder that notes what it was to see, and whether it still does."""

    made: ClassVar[list[Seeing]] = []

    def __init__(self, *args: object, namespaces: list[str], kinds: list[str]) -> None:
        self.sees, self.running = (namespaces, kinds), False
        self.made.append(self)

    def start(self) -> None:
        self.running = True

    def stop(self) -> None:
        self.running = False


@pytest.fixture(autouse=True)
def seeing(monkeypatch: pytest.MonkeyPatch) -> list[Seeing]:
    monkeypatch.setattr(module, "Recorder", Seeing)
    Seeing.made.clear()
    return Seeing.made


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
                    "template": {"spec": {"containers": [{"name": "main"}]}},
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

    for user in (module, observed):  # the scene looks by itself, and by what waits for the switch
        monkeypatch.setattr(user, "record_autorecovery", look)


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
    judges = (
        "autorecovery_acted",
        "autorecovery_took_back",
        "autorecovery_would_act",
        "autorecovery_counted_well",
        "autorecovery_did_nothing_else",
    )
    for name in judges:
        answer = Judging(clock, "met")

        def judge(*args: object, answer: Judging = answer, **arguments: Any) -> Any:
            asked.append(arguments)
            return answer()

        monkeypatch.setitem(JUDGES, name, judge)
    clock.sleep(10)
    acted_at = clock.now()
    stage.timeline.record("harness", "injecting", "pod/demo/web-1")
    clock.sleep(3)
    stage.timeline.record("harness", "landed", "pod/demo/web-1")
    scene = AutoRecovery(stage)
    scene.acts("out-of-memory", workload="web", within_s=30)
    scene.takes_back("out-of-memory", within_s=90)
    scene.would_act("crash-loop", within_s=30)
    scene.counts_well(percent=85)
    began = clock.elapsed
    scene.does_nothing_else()
    assert clock.elapsed - began == pytest.approx(20, abs=2)
    acted, took_back, would, counted, nothing = asked
    # From the act, not from its proof: it may be repaired before it is proven.
    assert {one["since"] for one in (acted, took_back, would)} == {rfc3339(acted_at)}
    assert (acted["playbook"], acted["about"]) == ("out-of-memory", "deployment/demo/web")
    assert (took_back["about"], took_back["within_s"]) == ("deployment/demo/web", 90)
    assert would["playbook"] == "crash-loop"
    assert counted["percent"] == 85
    assert nothing["but"] == "out-of-memory on deployment/demo/web"


def test_what_no_step_has_named_is_not_known_to_be_taken_back(stage: Stage, deployed: FakeApi) -> None:
    with pytest.raises(FeatureError, match="no step before has named what high-latency did"):
        AutoRecovery(stage).takes_back("high-latency", within_s=30)


def test_a_node_that_no_fault_has_touched_is_not_known(stage: Stage, deployed: FakeApi) -> None:
    with pytest.raises(FeatureError, match="no fault has touched a node"):
        AutoRecovery(stage).empties("memory-pressure", within_s=30)


def test_a_workload_opts_out_until_the_scenario_ends(stage: Stage, deployed: FakeApi) -> None:
    AutoRecovery(stage).leaves("web")
    assert deployed.get(WEB)["metadata"]["annotations"][OPT_OUT] == "true"
    stage.injector.undo_all()
    assert OPT_OUT not in deployed.get(WEB)["metadata"]["annotations"]


def test_the_record_shows_events_about_nodes_until_the_scenario_ends(
    stage: Stage, deployed: FakeApi, seeing: list[Seeing], monkeypatch: pytest.MonkeyPatch
) -> None:
    says(monkeypatch, deployed)
    scene = AutoRecovery(stage)
    scene.may_act()
    scene.only_says()
    (one,) = seeing
    assert (one.sees, one.running) == ((["default"], ["event"]), True)
    stage.injector.undo_all()
    monkeypatch.delattr(stage, "opened")
    stage.close()
    assert not one.running


def test_what_it_changed_is_put_back_once_it_changes_nothing_any_more(
    stage: Stage, deployed: FakeApi, monkeypatch: pytest.MonkeyPatch
) -> None:
    says(monkeypatch, deployed)
    AutoRecovery(stage).may_act()
    mark = {"autorecovery.aftershock.dev/last-action": "abc"}
    deployed.patch(WEB, {"metadata": {"annotations": mark}, "spec": {"replicas": 5}})
    stage.injector.undo_all()
    monkeypatch.delattr(stage, "opened")
    stage.close()
    assert deployed.get(WEB)["spec"]["replicas"] == 1


def test_while_it_may_still_act_nothing_is_put_back_and_that_is_an_error(
    stage: Stage, deployed: FakeApi, monkeypatch: pytest.MonkeyPatch
) -> None:
    says(monkeypatch, deployed)
    AutoRecovery(stage).may_act()
    stage.injector.undo_all()
    says(monkeypatch, deployed, leaders=0)
    monkeypatch.delattr(stage, "opened")
    with pytest.raises(DeadlineError, match="only says"):
        stage.close()
