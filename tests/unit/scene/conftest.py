"""A stage on a cluster in memory, with a clock that moves only when somebody waits."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from aftershock.cluster.connection import Cluster, Endpoint, Monitoring
from aftershock.config import Settings
from aftershock.judge.question import JUDGES, Question
from aftershock.report.verdicts import Verdicts
from aftershock.scene.stage import Stage
from aftershock.testing import FakeClock
from aftershock.testing.kube import FakeApi
from aftershock.timeline import Timeline
from aftershock.verdict import Verdict, met, unknown, violated

Judge = Callable[..., Verdict]


@pytest.fixture
def clock() -> FakeClock:
    return FakeClock()


@pytest.fixture
def api() -> FakeApi:
    return FakeApi()


@pytest.fixture
def stage(api: FakeApi, clock: FakeClock, tmp_path: Path) -> Stage:
    """A stage that has opened. Nobody listens at its Prometheus."""
    cluster = Cluster(
        context="kind-aftershock",
        provider="kind",
        kubeconfig="",
        api=api,
        monitoring=Monitoring(namespace="monitoring", prometheus=Endpoint(url="http://127.0.0.1:9")),
        services={
            "demo/nginx-web": "http://127.0.0.1:30080",
            "bookinfo/productpage": "http://127.0.0.1:30082",
        },
    )
    stage = Stage(
        cluster=cluster,
        settings=Settings(),
        timeline=Timeline(clock=clock),
        verdicts=Verdicts(tmp_path / "verdicts.json", profile="ci"),
        run_id="run1",
        run_folder=tmp_path,
        folder=tmp_path,
    )
    stage.opened = clock.now()
    return stage


Asks = Callable[[Judge], Question]


@pytest.fixture
def asks(monkeypatch: pytest.MonkeyPatch) -> Asks:
    """Return what makes the question that a judge of the test's own answers."""

    def question(judge: Judge) -> Question:
        monkeypatch.setitem(JUDGES, "it", judge)
        return Question(judge="it", arguments={})

    return question


class Judging:
    """A judge that answers in turn, the last answer for ever; notes when it was asked."""

    def __init__(self, clock: FakeClock, *statuses: str) -> None:
        self.clock = clock
        self.statuses = list(statuses)
        self.asked_at: list[float] = []

    def __call__(self, *args: object, **details: object) -> Verdict:
        self.asked_at.append(self.clock.elapsed)
        status = self.statuses.pop(0) if len(self.statuses) > 1 else self.statuses[0]
        if status == "met":
            return met("it", expected="yes", observed="yes")
        if status == "violated":
            return violated("it", expected="yes", observed="no")
        return unknown("it", expected="yes", reason="nothing seen yet")
