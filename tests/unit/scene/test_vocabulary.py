"""Alerts, traffic, scaling and nodes: what each waits for, and steps that come too early."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from aftershock.clock import rfc3339
from aftershock.cluster.api import Json
from aftershock.errors import EnvironmentUnusableError, FeatureError, InconclusiveError
from aftershock.judge.question import JUDGES
from aftershock.load.spec import Demand, LoadSpec
from aftershock.scene import scaling as scaling_module
from aftershock.scene import traffic as traffic_module
from aftershock.scene.alerts import LAST_EVALUATIONS_S, LOOK_EVERY_S, Alerts
from aftershock.scene.nodes import Nodes
from aftershock.scene.scaling import Scaling
from aftershock.scene.stage import GRACE_S, Stage
from aftershock.scene.traffic import Traffic
from aftershock.testing import FakeClock
from aftershock.testing.kube import FakeApi
from aftershock.verdict import Verdict, met
from tests.unit.scene.conftest import Judging


class Looks:
    """Counts how often Prometheus was asked, in place of asking."""

    def __init__(self, stage: Stage) -> None:
        self.count = 0
        stage.look_at_alerts = self.look  # type: ignore[method-assign]  # nobody listens there

    def look(self) -> None:
        self.count += 1


class TestAlerts:
    @pytest.fixture
    def asked(self, monkeypatch: pytest.MonkeyPatch, clock: FakeClock) -> dict[str, Judging]:
        judges = {
            name: Judging(clock, "violated")
            for name in ("fired_within", "resolved_within", "nothing_else_fired")
        }
        for name, judge in judges.items():
            monkeypatch.setitem(JUDGES, name, judge)
        return judges

    def test_firing_is_counted_from_the_fault(
        self, stage: Stage, clock: FakeClock, asked: dict[str, Judging]
    ) -> None:
        looks = Looks(stage)
        stage.timeline.record("harness", "landed", "pod/demo/a")
        clock.sleep(10)
        with pytest.raises(AssertionError):
            Alerts(stage).fires("PodOOMKilled", within_s=30)
        assert clock.elapsed == pytest.approx(30 + GRACE_S)
        assert asked["fired_within"].asked_at[1] == 10 + LOOK_EVERY_S
        assert looks.count >= 25 / LOOK_EVERY_S

    def test_resolving_is_waited_for_from_now(
        self, stage: Stage, clock: FakeClock, asked: dict[str, Judging]
    ) -> None:
        Looks(stage)
        clock.sleep(10)
        with pytest.raises(AssertionError):
            Alerts(stage).resolves("PodOOMKilled", within_s=60)
        assert clock.elapsed == pytest.approx(70 + GRACE_S)

    def test_silence_waits_for_the_last_evaluations(
        self, stage: Stage, clock: FakeClock, asked: dict[str, Judging]
    ) -> None:
        Looks(stage)
        with pytest.raises(AssertionError):
            Alerts(stage).stay_silent()
        assert clock.elapsed == pytest.approx(LAST_EVALUATIONS_S + GRACE_S)

    def test_what_a_step_has_named_is_no_other_alert(
        self, stage: Stage, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        Looks(stage)
        given: dict[str, object] = {}

        def silent(timeline: object, **details: object) -> Verdict:
            given.update(details)
            return met("silence", expected="none", observed="none")

        fine = lambda timeline, **details: met("it", expected="x", observed="x")  # noqa: E731 - a judge in one line
        monkeypatch.setitem(JUDGES, "fired_within", fine)
        monkeypatch.setitem(JUDGES, "resolved_within", fine)
        monkeypatch.setitem(JUDGES, "nothing_else_fired", silent)
        alerts = Alerts(stage)
        alerts.fires("B", within_s=1)
        alerts.resolves("A", within_s=1, of="shop")
        alerts.stay_silent()
        expected = [{"alertname": "A", "of": "shop"}, {"alertname": "B", "of": ""}]
        assert (given["expected"], given["since"]) == (expected, rfc3339(stage.opened))


class TestTraffic:
    @pytest.fixture
    def load(self, monkeypatch: pytest.MonkeyPatch) -> list[object]:
        """What was asked of Locust, in place of running it."""
        told: list[object] = []

        class FakeLocust:
            left_s = 42.0

            def __init__(self, spec: object, **more: object) -> None:
                self.spec = spec
                told.append(spec)

            def look(self) -> None:
                """Nothing to see."""

            def start(self) -> None:
                told.append("start")

            def stop(self) -> None:
                told.append("stop")

            def wait(self) -> None:
                told.append("wait")

        monkeypatch.setattr(traffic_module, "Locust", FakeLocust)
        return told

    def test_load_goes_to_the_service_of_the_locustfiles_name(
        self, stage: Stage, load: list[object], tmp_path: Path
    ) -> None:
        path = tmp_path / "nginx_web.py"
        path.touch()
        traffic = Traffic(stage)
        demand = Demand(users=100, rate_per_user=2)
        traffic.start(path, demand, duration_s=90)
        assert load[0] == LoadSpec(
            locustfile=path, host="http://127.0.0.1:30080/", demand=demand, duration_s=90, spawn_rate=100
        )
        assert traffic.loaded_at == stage.opened
        traffic.finish()
        Looks(stage)
        stage.close()
        assert load[1:] == ["start", "wait", "stop"]
        assert (stage.folder / "load.txt").read_text() == ""

    def test_each_load_of_a_service_has_a_name_of_its_own(
        self, stage: Stage, load: list[object], tmp_path: Path
    ) -> None:
        path = tmp_path / "nginx_web.py"
        path.touch()
        traffic = Traffic(stage)
        for _ in range(2):
            traffic.start(path, Demand(arrivals=5), duration_s=1)
        Looks(stage)
        stage.close()
        subjects = [spec.subject for spec in load if isinstance(spec, LoadSpec)]
        assert subjects == ["load/nginx_web", "load/nginx_web-2"]

    @pytest.mark.parametrize(
        ("ask", "judge"),
        [
            (
                lambda t: t.stays_below("nginx-web", percent=95, limit_s=0.2, phase="throughout"),
                "latency_below",
            ),
            (lambda t: t.fail_below("nginx-web", percent=1, phase="throughout"), "failures_below"),
            (lambda t: t.answers("nginx-web", rps=5, phase="throughout"), "answered_at_least"),
        ],
        ids=["latency", "failures", "throughput"],
    )
    def test_what_users_saw_is_judged_when_the_load_has_ended(
        self, stage: Stage, load: list[object], tmp_path: Path, ask: Any, judge: str
    ) -> None:
        path = tmp_path / "nginx_web.py"
        path.touch()
        traffic = Traffic(stage)
        with pytest.raises(FeatureError, match="no load on nginx-web"):
            ask(traffic)
        traffic.start(path, Demand(arrivals=5), duration_s=1)
        with pytest.raises(InconclusiveError, match="the record has no load/nginx_web"):
            ask(traffic)
        assert load[-1] == "wait"
        (verdict,) = stage.verdicts.given
        assert verdict.question is not None
        assert verdict.question["judge"] == judge
        Looks(stage)
        stage.close()

    def test_a_service_that_is_not_reachable(self, stage: Stage, load: list[object], tmp_path: Path) -> None:
        with pytest.raises(FeatureError, match="no service 'shop' can be reached") as caught:
            Traffic(stage).start(tmp_path / "shop.py", Demand(users=1), duration_s=1)
        assert "demo/nginx-web" in caught.value.expected
        assert load == []

    def test_waiting_for_a_load_that_never_began(self, stage: Stage) -> None:
        with pytest.raises(FeatureError, match="no load"):
            Traffic(stage).finish()

    def test_nobody_watched(self, stage: Stage) -> None:
        with pytest.raises(FeatureError, match="nobody watched nginx-web") as caught:
            Traffic(stage).answered("nginx-web")
        assert "a client watches nginx-web" in caught.value.hint


def hpa(*, replicas: int, measured: bool = True) -> Json:
    return {
        "metadata": {"name": "nginx-web", "namespace": "demo"},
        "spec": {"minReplicas": 2},
        "status": {"currentReplicas": replicas, "currentMetrics": [{}] if measured else None},
    }


class TestScaling:
    HPAS = "/apis/autoscaling/v2/namespaces/demo/horizontalpodautoscalers"

    @pytest.fixture
    def scaling(self, stage: Stage) -> Scaling:
        return Scaling(stage, Traffic(stage))

    @pytest.mark.parametrize(
        "step",
        [
            lambda scaling: scaling.passes("nginx-web", percent=50),
            lambda scaling: scaling.follows_formula("nginx-web"),
            lambda scaling: scaling.added_serve("nginx-web", within_s=30),
            lambda scaling: scaling.scales_to("nginx-web", replicas=5, within_s=60),
            lambda scaling: scaling.stays_at_most("nginx-web", replicas=10),
            lambda scaling: scaling.returns_to("nginx-web", replicas=3, within_s=60),
            lambda scaling: scaling.does_not_flap("nginx-web"),
            lambda scaling: scaling.accounted_for("nginx-web"),
        ],
    )
    def test_before_there_is_load(self, scaling: Scaling, step: object) -> None:
        with pytest.raises(FeatureError, match="no load yet"):
            step(scaling)  # type: ignore[operator]  # a case

    @pytest.mark.parametrize(
        ("judge", "step", "waits_s"),
        [
            ("scaled_to_at_least", lambda s: s.scales_to("nginx-web", replicas=5, within_s=60), 60),
            ("hpa_in_trouble", lambda s: s.in_trouble("nginx-web", trouble="short of room", within_s=40), 40),
            ("stayed_at_most", lambda s: s.stays_at_most("nginx-web", replicas=5), None),
            ("not_flapping", lambda s: s.does_not_flap("nginx-web"), None),
            ("returned_to", lambda s: s.returns_to("nginx-web", replicas=3, within_s=90), 30 + 90),
            ("scaling_accounted_for", lambda s: s.accounted_for("nginx-web"), 20),
        ],
    )
    def test_how_long_each_is_waited_for(
        self,
        scaling: Scaling,
        clock: FakeClock,
        monkeypatch: pytest.MonkeyPatch,
        *,
        judge: str,
        step: Callable[[Scaling], None],
        waits_s: float | None,
    ) -> None:
        """Load since 0, to end at 20; told to have ended at 30. A judge that says no is asked to the end."""
        asked = Judging(clock, "violated")
        monkeypatch.setitem(JUDGES, judge, asked)

        def finish() -> None:
            clock.sleep(30)
            scaling.stage.timeline.record("load", "load-ended", "http://127.0.0.1:30080/")

        scaling.traffic.loaded_at = clock.now()
        scaling.traffic.load = type("Load", (), {"left_s": 20.0, "wait": lambda _: finish()})()  # type: ignore[assignment]  # all that is asked of it
        with pytest.raises(AssertionError):
            step(scaling)
        assert clock.elapsed == pytest.approx(0 if waits_s is None else waits_s + GRACE_S)

    def test_an_unknown_workload(self, scaling: Scaling) -> None:
        with pytest.raises(FeatureError, match="there is no 'shop'"):
            scaling.rests("shop")

    def test_at_rest(
        self, scaling: Scaling, api: FakeApi, clock: FakeClock, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        told: list[object] = []

        class FakeFirstServed:
            def __init__(self, *_: object, **more: object) -> None:
                told.append((more["namespace"], more["selector"]))

            def start(self) -> None:
                told.append("start")

            def stop(self) -> None:
                told.append("stop")

        monkeypatch.setattr(scaling_module, "FirstServed", FakeFirstServed)
        api.add(self.HPAS, hpa(replicas=2))
        scaling.rests("nginx-web")
        assert clock.elapsed == 0
        Looks(scaling.stage)
        scaling.stage.close()
        assert told == [("demo", "app=nginx-web"), "start", "stop"]

    @pytest.mark.parametrize("found", [hpa(replicas=3), hpa(replicas=2, measured=False)])
    def test_never_at_rest(self, scaling: Scaling, api: FakeApi, clock: FakeClock, found: Json) -> None:
        api.add(self.HPAS, found)
        with pytest.raises(EnvironmentUnusableError, match="the HPA of nginx-web does not come to rest"):
            scaling.rests("nginx-web")
        assert clock.elapsed > 300


class TestNodes:
    @pytest.mark.parametrize(
        "step",
        [
            lambda nodes: nodes.emptied(),
            lambda nodes: nodes.replaced(within_s=30),
            lambda nodes: nodes.schedulable(),
            lambda nodes: nodes.budget("nginx-web"),
        ],
    )
    def test_before_anything_was_drained(self, stage: Stage, step: object) -> None:
        with pytest.raises(FeatureError, match=r"no node was drained|no experiment ran"):
            step(Nodes(stage))  # type: ignore[operator]  # a case
