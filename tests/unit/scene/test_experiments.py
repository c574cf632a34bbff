"""Experiments from files as steps: what the rest of the scenario gets to know of them."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from aftershock.config import Settings
from aftershock.errors import FaultError, FeatureError, RefusedError
from aftershock.litmus import EngineRun
from aftershock.scene import experiments as module
from aftershock.scene.experiments import Experiments
from aftershock.scene.nodes import Nodes
from aftershock.scene.stage import Stage
from aftershock.scene.workloads import Workloads
from aftershock.testing.kube import FakeApi

ENGINE = """\
apiVersion: litmuschaos.io/v1alpha1
kind: ChaosEngine
metadata: {name: hog}
spec:
  appinfo: {appns: demo, applabel: app=nginx-web, appkind: deployment}
  experiments:
    - name: pod-cpu-hog
      spec:
        probe:
          - name: it answers
            type: httpProbe
            mode: EOT
            httpProbe/inputs:
              url: URL
              method: {get: {criteria: ==, responseCode: "200"}}
            runProperties: {probeTimeout: 1, interval: 1}
"""


@dataclass(frozen=True)
class Result:
    """What an experiment came to, as far as a scene reads it."""

    title: str


@pytest.fixture
def experiments(stage: Stage) -> Experiments:
    return Experiments(stage, Nodes(stage), Workloads(stage))


class Ran:
    """Stands in for `chaos run`: what it lands on, and whether the steady state held."""

    def __init__(self, stage: Stage, *landed: str, deviated: bool = False, fails: bool = False) -> None:
        self.stage = stage
        self.landed = landed
        self.deviated = deviated
        self.fails = fails
        self.options: dict[str, Any] = {}

    def __call__(self, path: Path, **options: Any) -> Result:
        self.options = options
        for subject in self.landed:
            self.stage.timeline.record("harness", "landed", subject, fault_id="f")
        if self.fails:
            raise FaultError("the second action failed")
        data = {"hypothesis": "all is well", "journal": "j.json", "probes": [], "deviated": self.deviated}
        self.stage.timeline.record("harness", "experiment", "t", **data)
        return Result("t")


def seen(stage: Stage, name: str) -> None:
    """Record a pod of the deployment web, as the watches do."""
    common = {"type": "ADDED", "namespace": "demo"}
    owner = {"kind": "ReplicaSet", "name": "web-1", "uid": "rs"}
    stage.timeline.record("kubernetes", "pod", f"pod/demo/{name}", uid=name, name=name, owner=owner, **common)
    above = {"kind": "Deployment", "name": "web", "uid": "d"}
    stage.timeline.record(
        "kubernetes", "replicaset", "replicaset/demo/web-1", uid="rs", name="web-1", owner=above, **common
    )


class TestChaosToolkit:
    def test_it_is_told_the_runs_cluster_and_what_is_allowed(
        self, stage: Stage, experiments: Experiments, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        ran = Ran(stage)
        monkeypatch.setattr(module, "run_experiment", ran)
        stage.settings = Settings(experiment_providers=("http",))
        experiments.experiment(Path("e.yaml"))
        assert ran.options["allowed"] == ("http",)
        assert ran.options["env"] == {"AFTERSHOCK_CLUSTER": "kind", "AFTERSHOCK_PROFILE": "ci"}
        assert (ran.options["folder"], ran.options["run_dir"]) == (stage.folder, stage.run_folder)

    def test_the_drained_node_is_what_later_steps_speak_of(
        self, stage: Stage, experiments: Experiments, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        seen(stage, "a")
        monkeypatch.setattr(module, "run_experiment", Ran(stage, "node/worker2", "pod/demo/a"))
        experiments.experiment(Path("e.yaml"))
        assert experiments.nodes.node == "worker2"
        assert experiments.workloads.broken == []

    @pytest.mark.parametrize("fails", [False, True])
    def test_whose_pod_it_broke_is_known_from_the_record_even_if_the_pod_is_gone(
        self, stage: Stage, experiments: Experiments, monkeypatch: pytest.MonkeyPatch, fails: bool
    ) -> None:
        seen(stage, "a")
        ran = Ran(stage, "pod/demo/a", "deployment/demo/app", fails=fails)
        monkeypatch.setattr(module, "run_experiment", ran)
        if fails:
            with pytest.raises(FaultError):
                experiments.experiment(Path("e.yaml"))
        else:
            experiments.experiment(Path("e.yaml"))
        assert experiments.workloads.broken == ["deployment/demo/app", "deployment/demo/web"]
        with pytest.raises(FeatureError, match="no node was drained"):
            experiments.nodes.emptied()

    def test_a_steady_state_that_does_not_hold_ends_the_scenario(
        self, stage: Stage, experiments: Experiments, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(module, "run_experiment", Ran(stage, deviated=True))
        with pytest.raises(AssertionError, match="steady state of 't': violated"):
            experiments.experiment(Path("e.yaml"))
        assert [kept.status for kept in stage.verdicts.given] == ["violated"]


class TestLitmus:
    @pytest.fixture
    def ran(self, monkeypatch: pytest.MonkeyPatch) -> list[EngineRun]:
        """Engines that were run; nothing is done but telling so, and one landed fault."""
        found: list[EngineRun] = []

        def run(engine: EngineRun) -> None:
            found.append(engine)
            engine._tell("started")
            engine.timeline.record("harness", "landed", "pod/demo/a", fault_id="f")
            about = {
                "engine": "hog",
                "experiment": "pod-cpu-hog",
                "phase": "after",
                "attempts": 1,
                "took_s": 0.1,
            }
            engine.timeline.record("client", "check", "it answers", ok=True, said="200", **about)
            engine._tell("ended")

        monkeypatch.setattr(EngineRun, "run", run)
        return found

    def written(self, stage: Stage, url: str) -> Path:
        path = stage.folder / "hog.yaml"
        path.write_text(ENGINE.replace("URL", url))
        return path

    @pytest.mark.parametrize(
        ("url", "asked"),
        [
            ("http://nginx-web.demo.svc.cluster.local:80/x?a=1", "http://127.0.0.1:30080/x?a=1"),
            ("http://nginx-web.demo.svc", "http://127.0.0.1:30080/"),
            ("http://nginx-web.demo/", "http://127.0.0.1:30080/"),
            ("http://nginx-web", "http://127.0.0.1:30080/"),
            ("http://productpage.bookinfo.svc:9080/productpage", "http://127.0.0.1:30082/productpage"),
            ("http://127.0.0.1:30099/", "http://127.0.0.1:30099/"),
        ],
    )
    def test_services_are_asked_where_this_machine_reaches_them(
        self, stage: Stage, experiments: Experiments, ran: list[EngineRun], url: str, asked: str
    ) -> None:
        seen(stage, "a")
        experiments.litmus(self.written(stage, url))
        assert ran[0].urls == {url: asked}
        assert experiments.workloads.broken == ["deployment/demo/web"]
        assert [kept.status for kept in stage.verdicts.given] == ["met"]

    @pytest.mark.parametrize(
        "url", ["http://other.demo.svc/", "http://example.invalid/", "http://productpage/"]
    )
    def test_what_cannot_be_reached_is_refused_before_anything_is_done(
        self, stage: Stage, api: FakeApi, experiments: Experiments, ran: list[EngineRun], url: str
    ) -> None:
        with pytest.raises(RefusedError, match="requests may not go to"):
            experiments.litmus(self.written(stage, url))
        assert ran == []
        assert api.calls == []
