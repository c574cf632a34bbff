"""The forecast of scenarios: each promise, what is unknown, and what is refused."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from aftershock.cluster.api import Json
from aftershock.cluster.targets import Amount
from aftershock.collect.gherkin import Step
from aftershock.collect.meaning import Meaning
from aftershock.config import Settings
from aftershock.errors import RefusedError, TransientError
from aftershock.forecast.objectives import (
    AlertFires,
    AlertResolves,
    Expectation,
    HpaScales,
    Recovers,
    Replaced,
    Serves,
)
from aftershock.forecast.paths import Facts
from aftershock.judge.forecast_record import forecast_lines
from aftershock.scene import outlook as module
from aftershock.scene.acts import Breaks, Experiment, out_of_memory, users_load
from aftershock.scene.outlook import Outlook, record_forecast, refuse_impossible, write_comparison
from aftershock.scene.stage import Stage
from aftershock.testing import FakeClock
from aftershock.testing.kube import FakeApi, node, pod
from aftershock.verdict import met

ROOT = Path(__file__).parents[3]
OOM = 'kube_pod_container_status_last_terminated_reason{reason="OOMKilled"} == 1'
AGE = "(time() - kube_pod_container_status_last_terminated_timestamp) < 120"
KSM = ("ksm", "ksm")
STARTUP = {"startupProbe": {"initialDelaySeconds": 40, "periodSeconds": 10}}


def meaning(what: object, line: int = 7) -> Meaning:
    step = Step(keyword="Then", type="then", text=str(what), line=line)
    return Meaning(step=step, what=what, place=f"features/a.feature:{line}")


def rule(name: str, query: str, for_s: float = 0.0) -> Json:
    labels = {"severity": "warning"}
    return {
        "type": "alerting",
        "name": name,
        "query": query,
        "duration": for_s,
        "health": "ok",
        "labels": labels,
    }


@pytest.fixture
def facts() -> Facts:
    """A monitoring in which OOM fires at once and PodNotReady after five minutes."""
    rules = [
        rule("PodOOMKilled", f"{OOM} and {AGE}"),
        rule("PodNotReady", "kube_pod_status_ready == 0", 300.0),
    ]
    last = "2025-12-31T23:59:5{}.5Z"
    return Facts(
        groups=[{"name": "pods", "interval": 5, "lastEvaluation": last.format(8), "rules": rules}],
        targets=[
            {
                "labels": {"job": "ksm", "instance": "ksm"},
                "scrapeInterval": "5s",
                "lastScrape": last.format(6),
                "lastScrapeDuration": 0.05,
            }
        ],
        carriers={
            "kube_pod_container_status_last_terminated_reason": {KSM},
            "kube_pod_container_status_last_terminated_timestamp": {KSM},
            "kube_pod_status_ready": {KSM},
        },
        routing={"route": {"receiver": "everyone", "group_wait": "3s"}},
        clock_error_s=0.01,
    )


@pytest.fixture
def look(stage: Stage, api: FakeApi, facts: Facts, monkeypatch: pytest.MonkeyPatch, clock: FakeClock) -> Any:
    api.add("/api/v1/namespaces", {"metadata": {"name": "demo", "labels": {"aftershock.dev/allow": "true"}}})
    api.add_pods(pod("web-1"), pod("web-2"))
    monkeypatch.setattr(module, "read_cadence", lambda *_, **__: facts)

    def expect(*meanings: Meaning, soon: bool = True) -> list[Expectation]:
        outlook = Outlook(cluster=stage.cluster, settings=Settings(), alerts=["PodOOMKilled"], clock=clock)
        outlook.alerts = module.alerts_of(meanings)
        return outlook.expectations(meanings, soon=soon)

    return expect


BREAK = meaning(out_of_memory(amount=Amount(count=1), workload="web"), 5)


def test_an_alert_after_a_fault_that_says_how_soon_it_shows(look: Any, api: FakeApi) -> None:
    (found,) = look(BREAK, meaning(AlertFires(alert="PodOOMKilled", within_s=30)))
    assert found.bounds.earliest_s == 0.5
    assert found.bounds.latest_s == pytest.approx(9 + 5 + 0.1 + 5 + 0.1)
    assert (found.limit_s, found.unknown, found.place) == (30, (), "features/a.feature:7")
    assert found.resolution_s == pytest.approx(0.01)
    shows, told = found.notes
    assert shows.startswith("the fault shows after 0.5 to 9 s, usually 2.1 s (carrier's start")
    assert told == "then told: everyone after 3 s"
    assert found.because == "ksm is scraped every 5 s, group pods is evaluated every 5 s, no `for`"
    assert api.calls == []


def test_an_alert_that_no_fault_speaks_of_has_a_floor_only(look: Any) -> None:
    (found,) = look(BREAK, meaning(AlertFires(alert="PodNotReady", within_s=600)))
    assert (found.bounds.earliest_s, found.bounds.latest_s) == (300, None)
    assert found.unknown == ("how soon the fault shows in what the rule reads is not known",)


def test_an_alert_that_ends_by_itself(look: Any) -> None:
    (found,) = look(BREAK, meaning(AlertResolves(alert="PodOOMKilled", within_s=180)))
    assert found.bounds.earliest_s == pytest.approx(119 - 19.2)
    assert found.bounds.latest_s == pytest.approx(125.1)
    assert found.resolution_s == pytest.approx(2.51)
    assert "the condition lasts 2 min" in found.because


def test_of_an_alert_without_rule_nothing_is_known(look: Any) -> None:
    (found,) = look(meaning(AlertFires(alert="Nobody", within_s=30)))
    assert found.unknown == ("no loaded rule is called Nobody",)
    assert found.impossible("ci") == ""


def test_a_prometheus_that_cannot_be_asked(look: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    def silent(*_: object, **__: object) -> Facts:
        raise TransientError("it does not answer")

    monkeypatch.setattr(module, "read_cadence", silent)
    (found,) = look(meaning(AlertFires(alert="PodOOMKilled", within_s=30)))
    assert found.unknown == ("Prometheus cannot be asked: it does not answer",)


def crashed_often(name: str) -> Json:
    found = pod(name)
    found["status"]["containerStatuses"][0] |= {
        "restartCount": 3,
        "state": {"running": {"startedAt": "2025-12-31T23:59:50Z"}},
        "lastState": {"terminated": {"finishedAt": "2025-12-31T23:59:29Z"}},
    }
    return found


class TestRecovery:
    STEP = meaning(Recovers(workload="web", within_s=30))

    def test_a_first_restart_has_no_floor(self, look: Any) -> None:
        (found,) = look(BREAK, self.STEP)
        assert (found.bounds.earliest_s, found.bounds.latest_s) == (0, 1)
        assert found.resolution_s == 0.2
        assert "application itself" in found.unknown[0]

    def test_one_fresh_pod_is_enough_for_hope(self, look: Any, api: FakeApi) -> None:
        api.add_pods(crashed_often("web-1"))
        (found,) = look(BREAK, self.STEP)
        assert (found.bounds.earliest_s, found.bounds.latest_s) == (0, 41)
        assert found.notes == ("web-1/main was restarted lately: its next restart waits 40 s",)

    def test_a_back_off_beyond_the_objective_is_refused(self, look: Any, api: FakeApi) -> None:
        api.add_pods(crashed_often("web-1"), crashed_often("web-2"))
        (found,) = look(BREAK, self.STEP)
        assert found.bounds.earliest_s == 39
        assert "recovers within 30 s cannot be: restart back-off" in found.impossible("ci")

    def test_later_in_the_run_it_may_be_over(self, look: Any, api: FakeApi) -> None:
        api.add_pods(crashed_often("web-1"), crashed_often("web-2"))
        (found,) = look(BREAK, self.STEP, soon=False)
        assert (found.bounds.earliest_s, found.bounds.latest_s) == (0, 41)

    def test_probes_count_for_new_pods(self, look: Any, api: FakeApi) -> None:
        slow = pod("web-3")
        slow["spec"]["containers"][0] |= STARTUP
        api.objects.clear()
        api.add(
            "/api/v1/namespaces", {"metadata": {"name": "demo", "labels": {"aftershock.dev/allow": "true"}}}
        )
        api.add_pods(slow)
        (found,) = look(meaning(Serves(workload="web", within_s=30)))
        assert found.bounds.earliest_s == 39
        assert found.impossible("ci").startswith(
            "features/a.feature:7: every added replica of web serves within"
        )

    def test_a_workload_that_is_not_there_is_unknown(self, look: Any) -> None:
        (found,) = look(BREAK, meaning(Recovers(workload="nobody", within_s=30)))
        assert "there is no workload 'nobody'" in found.unknown[0]
        assert found.bounds.latest_s is None


def test_the_slowest_evicted_pod_decides(look: Any, api: FakeApi) -> None:
    slow = pod("slow", app="other")
    slow["spec"]["containers"][0] |= STARTUP
    api.add("/api/v1/nodes", node("worker"))
    api.add_pods(slow, pod("nginx", app="nginx-web"))
    drain = meaning(Experiment(path=ROOT / "experiments" / "drain-worker.yaml"))
    (found,) = look(drain, meaning(Replaced(within_s=30)))
    assert found.bounds.earliest_s == 39
    assert api.calls == []


def test_an_hpa_is_held_against_how_long_the_load_lasts(look: Any, api: FakeApi) -> None:
    behaviour = {"scaleUp": {"stabilizationWindowSeconds": 120}}
    path = "/apis/autoscaling/v2/namespaces/demo/horizontalpodautoscalers"
    api.add(path, {"metadata": {"name": "web"}, "spec": {"behavior": behaviour}})
    load = meaning(users_load(users=1, service=Path("web.py"), rate=1, time=90))
    (found,) = look(load, meaning(HpaScales(workload="web")))
    assert (found.bounds.earliest_s, found.limit_s) == (120, 90)
    assert "scale-up is stabilised for 2 min" in found.impossible("nightly")


class TestRefusing:
    def refuse(self, stage: Stage, *scenarios: Sequence[Meaning]) -> None:
        settings = Settings(profile="nightly")
        refuse_impossible(stage.cluster, settings, scenarios, clock=stage.timeline.clock)

    def test_the_numbers_are_told(self, look: Any, stage: Stage, api: FakeApi) -> None:
        step = meaning(AlertFires(alert="PodNotReady", within_s=30), 9)
        with pytest.raises(RefusedError) as caught:
            self.refuse(stage, [BREAK, step])
        assert caught.value.message == (
            "features/a.feature:9: PodNotReady fires within 30 s cannot be: ksm is scraped every 5 s, "
            "group pods is evaluated every 5 s, the rule's `for` is 5 min; profile nightly, earliest 300 s"
        )
        assert caught.value.exit_code == 4
        assert api.calls == []

    def test_all_of_them_at_once(self, look: Any, stage: Stage) -> None:
        steps = [[meaning(AlertFires(alert="PodNotReady", within_s=s), s)] for s in (30, 31)]
        with pytest.raises(RefusedError, match="2 objectives cannot be met") as caught:
            self.refuse(stage, *steps)
        assert ":30: " in caught.value.found
        assert ":31: " in caught.value.found

    def test_what_can_be_met_passes(self, look: Any, stage: Stage) -> None:
        self.refuse(stage, [BREAK, meaning(AlertFires(alert="PodOOMKilled", within_s=30))], [])

    def test_what_is_unknown_is_not_refused(self, look: Any, stage: Stage) -> None:
        self.refuse(stage, [meaning(AlertFires(alert="Nobody", within_s=1))])


class TestRecord:
    def test_the_judge_finds_it_beside_what_happened(self, look: Any, stage: Stage) -> None:
        step = meaning(AlertFires(alert="PodOOMKilled", within_s=30))
        event = record_forecast(stage.timeline, stage.cluster, Settings(), name="S", meanings=[BREAK, step])
        assert (event.source, event.kind, event.subject) == ("harness", "forecast", "S")
        # It begins at 0: shows at 2.1, scraped at 6.5 - 5 + 5, evaluated at 8.5.
        (line,) = forecast_lines(list(stage.timeline), alert="PodOOMKilled", start=event.at, observed_s=8.6)
        assert line == "forecast: 8.5 s (3.4 s to 13.6 s) after the injection; observed 8.6 s"
        (expected,) = event.data["expectations"]
        assert (expected["what"], expected["limit_s"]) == ("PodOOMKilled fires", 30)

    def test_a_silent_prometheus_leaves_the_reason(
        self, look: Any, stage: Stage, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        def silent(*_: object, **__: object) -> Facts:
            raise TransientError("it does not answer")

        monkeypatch.setattr(module, "read_cadence", silent)
        step = meaning(AlertFires(alert="PodOOMKilled", within_s=30))
        event = record_forecast(stage.timeline, stage.cluster, Settings(), name="S", meanings=[step])
        assert event.data["alerts"] == []
        assert event.data["expectations"][0]["unknown"] == ["Prometheus cannot be asked: it does not answer"]

    def test_what_happened_stands_below_it(self, look: Any, stage: Stage, tmp_path: Path) -> None:
        step = meaning(AlertFires(alert="PodOOMKilled", within_s=30))
        event = record_forecast(stage.timeline, stage.cluster, Settings(), name="S", meanings=[BREAK, step])
        verdict = met("PodOOMKilled fires within 30 s", observed=8.6, unit="s", expected="soon", query="x")
        write_comparison(tmp_path / "forecast.txt", event, [verdict])
        forecast, happened = (tmp_path / "forecast.txt").read_text().split("\n\n")
        assert "profile ci" in forecast
        assert "PodOOMKilled fires: 0.5 s to" in forecast
        assert happened == "what happened\n  met: PodOOMKilled fires within 30 s: 8.6 s\n"

    def test_where_nothing_is_promised_nothing_is_compared(
        self, look: Any, stage: Stage, tmp_path: Path
    ) -> None:
        event = record_forecast(stage.timeline, stage.cluster, Settings(), name="S", meanings=[BREAK])
        write_comparison(tmp_path / "forecast.txt", event, [])
        assert not (tmp_path / "forecast.txt").exists()


def test_a_fault_without_delays_adds_none(stage: Stage) -> None:
    class Silent:
        name = "silent"

    outlook = Outlook(cluster=stage.cluster, settings=Settings(), alerts=())
    act = Breaks(fault=lambda ground: Silent(), by="restart")  # type: ignore[arg-type,return-value]  # never planned
    assert outlook.delays([act, replace(act)]) == {}
