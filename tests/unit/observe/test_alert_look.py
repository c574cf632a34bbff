"""The look back at alerts: spans, evaluation facts, and that the judges can read it."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from aftershock.cluster.connection import Endpoint
from aftershock.errors import TransientError
from aftershock.observe.alerts import record_alerts, record_firing_before, spans_of
from aftershock.observe.prometheus import Prometheus, Series
from aftershock.testing import FakeClock
from aftershock.timeline import Timeline
from tests.unit.observe.server import Answer, serving
from tests.unit.observe.test_prometheus import data, matrix

NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)
T = NOON.timestamp()
OOM = {"__name__": "ALERTS", "alertname": "PodOOMKilled", "pod": "a", "alertstate": "firing"}
GROUP = "/etc/rules.yaml;pods"


def series(*times: float) -> Series:
    return Series(labels={}, samples=tuple((T + at, 1.0) for at in times))


def test_unbroken_samples_are_one_span() -> None:
    (span,) = spans_of(series(0.25, 5.25, 10.3, 15.25), 5.0)
    assert (span["from"], span["until"], span["samples"]) == (
        "2026-03-01T12:00:00.250000Z",
        "2026-03-01T12:00:15.250000Z",
        4,
    )


def test_missing_evaluation_splits() -> None:
    assert [span["samples"] for span in spans_of(series(0, 5, 15, 20, 40), 5.0)] == [2, 2, 1]
    assert spans_of(series(), 5.0) == []


def test_zero_ends_a_span() -> None:
    found = Series(labels={}, samples=((T, 1.0), (T + 5, 1.0), (T + 10, 0.0), (T + 15, 1.0)))
    assert [span["samples"] for span in spans_of(found, 5.0)] == [2, 1]


def test_active_since_comes_from_alerts_for_state() -> None:
    started = Series(labels={}, samples=((T, T - 3), (T + 5, T - 3)))
    (span,) = spans_of(series(0, 5), 5.0, started)
    assert span["active_at"] == "2026-03-01T11:59:57.000000Z"


class FakePrometheus:
    """Answers by the metric's name in the query."""

    def __init__(self, **found: list[tuple[dict[str, str], list[tuple[float, str]]]]) -> None:
        self.found = found
        self.before: list[str] = []
        self.rules = [self.group()]

    @staticmethod
    def group(**more: Any) -> dict[str, Any]:
        rule = {
            "name": "PodOOMKilled",
            "type": "alerting",
            "health": "ok",
            "duration": 0,
            "query": "q",
            "labels": {"severity": "warning"},
        }
        recording = {"name": "node:cpu:ratio", "type": "recording", "health": "ok", "query": "q"}
        return {
            "name": "pods",
            "file": "/etc/rules.yaml",
            "interval": 5,
            "lastEvaluation": "2026-03-01T12:00:58.123456789Z",
            "rules": [rule, recording],
            **more,
        }

    def __call__(self, path: str, query: dict[str, str]) -> Answer:
        if path == "/api/v1/rules":
            return 200, {"data": {"groups": self.rules}}
        if path == "/api/v1/alerts":
            alerts = [
                {"labels": {"alertname": "Old"}, "state": "firing"},
                {"labels": {"alertname": "Soon"}, "state": "pending"},
            ]
            return 200, {"data": {"alerts": alerts}}
        if query["query"] == "time()":
            return 200, data("scalar", [T, str(T + 60)])
        if query["query"].startswith("group by (job)"):
            jobs = [{"metric": {"job": job}, "value": [T, "1"]} for job in self.before]
            return 200, data("vector", jobs)
        name = query["query"].partition("[")[0]
        return 200, matrix(*self.found.get(name, []))


def counter(start: int, *, count: int = 13, step: int = 1, begin: float = 0) -> list[tuple[float, str]]:
    return [(T + begin + number * 5, str(start + number * step)) for number in range(count)]


def look(fake: FakePrometheus) -> dict[str, Any]:
    clock = FakeClock(NOON + timedelta(seconds=60))
    timeline = Timeline(clock=clock)
    with serving(fake) as server:
        prometheus = Prometheus(Endpoint(url=server.url), clock=clock)
        record_alerts(prometheus, timeline, since=NOON, until=NOON + timedelta(seconds=60))
    (event,) = timeline.select(source="prometheus", kind="alerts")
    return dict(event.data)


def test_alerts_with_labels_state_and_their_groups_interval() -> None:
    found = look(FakePrometheus(ALERTS=[(OOM, [(T + 7.5, "1"), (T + 12.5, "1")])]))
    (alert,) = found["alerts"]
    assert (alert["alert"], alert["state"], alert["interval_s"]) == ("PodOOMKilled", "firing", 5.0)
    assert alert["labels"] == {"alertname": "PodOOMKilled", "pod": "a"}
    assert alert["spans"][0]["from"] == "2026-03-01T12:00:07.500000Z"


def test_evaluation_facts() -> None:
    by_group = {"rule_group": GROUP}
    fake = FakePrometheus(
        prometheus_rule_group_iterations_total=[(by_group, counter(100))],
        prometheus_rule_group_iterations_missed_total=[(by_group, counter(2, step=0))],
        prometheus_rule_evaluation_failures_total=[(by_group, [(T, "0"), (T + 5, "3")])],
    )
    (group,) = look(fake)["groups"]
    assert (group["evaluations"], group["expected"]) == (12, 12)
    assert (group["missed"], group["failures"]) == (0, 3)
    assert group["last_evaluation"] == "2026-03-01T12:00:58.123456Z"
    assert [rule["alert"] for rule in group["rules"]] == ["PodOOMKilled"]


def test_restarted_prometheus_is_seen_in_the_counter() -> None:
    samples = [(T, "100"), (T + 5, "101"), (T + 40, "1"), (T + 45, "2"), (T + 60, "5")]
    fake = FakePrometheus(prometheus_rule_group_iterations_total=[({"rule_group": GROUP}, samples)])
    (group,) = look(fake)["groups"]
    assert (group["evaluations"], group["expected"]) == (6, 12)


def test_unscraped_prometheus_and_unevaluated_group_are_null() -> None:
    fake = FakePrometheus()
    fake.rules = [FakePrometheus.group(lastEvaluation="0001-01-01T00:00:00Z")]
    (group,) = look(fake)["groups"]
    assert [group[name] for name in ("evaluations", "expected", "missed", "failures", "last_evaluation")] == [
        None
    ] * 5


@pytest.mark.parametrize(
    ("seen", "evaluations", "expected"),
    [
        # It came back without its data: what it counts began with it.
        ([({"instance": "b"}, counter(1, count=4, begin=45))], 3, 12),
        # It came back elsewhere, with its data: one counter ends, another begins.
        (
            [({"instance": "a"}, counter(100, count=3)), ({"instance": "b"}, counter(1, count=4, begin=45))],
            5,
            12,
        ),
        ([({"instance": "a"}, counter(100, count=5))], 4, 12),  # nobody scraped it any more
        (
            [({"instance": "a"}, counter(100, count=11, begin=4))],
            10,
            10,
        ),  # the window ends between two scrapes
    ],
)
def test_evaluations_are_expected_throughout(
    seen: list[tuple[dict[str, str], list[tuple[float, str]]]], evaluations: int, expected: int
) -> None:
    samples = [({"rule_group": GROUP, **labels}, counted) for labels, counted in seen]
    (group,) = look(FakePrometheus(prometheus_rule_group_iterations_total=samples))["groups"]
    assert (group["evaluations"], group["expected"]) == (evaluations, expected)


def test_targets_that_were_down_at_any_time() -> None:
    up = [
        (
            {"job": "ksm", "instance": "a:1"},
            [*counter(1, step=0)[:5], (T + 25, "0"), *counter(1, step=0)[6:]],
        ),
        ({"job": "node", "instance": "b:1"}, counter(1, step=0)),
    ]
    assert look(FakePrometheus(up=up))["down"] == ["ksm a:1"]


def test_jobs_without_any_target_for_some_time() -> None:
    whole = counter(1, step=0)
    up = [
        ({"job": "gone", "instance": "a:1"}, whole[:4]),
        ({"job": "away", "instance": "b:1"}, [*whole[:4], *whole[8:]]),
        ({"job": "moved", "instance": "c:1"}, whole[:6]),
        ({"job": "moved", "instance": "d:1"}, whole[6:]),
        ({"job": "here", "instance": "e:1"}, whole),
    ]
    fake = FakePrometheus(up=up)
    fake.before = ["here", "never seen in the window"]
    assert look(fake)["down"] == [
        "away (no target)",
        "gone (no target)",
        "never seen in the window (no target)",
    ]


def test_firing_before_leaves_pending_out() -> None:
    timeline = Timeline(clock=FakeClock())
    with serving(FakePrometheus()) as server:
        record_firing_before(Prometheus(Endpoint(url=server.url)), timeline)
    assert next(iter(timeline)).data == {"alerts": [{"alertname": "Old"}]}


def test_half_a_look_is_never_recorded() -> None:
    fake = FakePrometheus()

    def answer(path: str, query: dict[str, str]) -> Answer:
        return (503, {"error": "busy"}) if query.get("query", "").startswith("up[") else fake(path, query)

    timeline = Timeline(clock=FakeClock())
    with serving(answer) as server, pytest.raises(TransientError):
        record_alerts(Prometheus(Endpoint(url=server.url)), timeline, since=NOON, until=NOON)
    assert len(timeline) == 0
