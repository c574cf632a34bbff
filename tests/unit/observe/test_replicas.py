"""Ready replicas as Prometheus scraped them: waited for, and honest where there is nothing."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from aftershock.cluster.connection import Endpoint
from aftershock.observe.prometheus import Prometheus
from aftershock.observe.replicas import record_ready_replicas
from aftershock.testing import FakeClock
from aftershock.timeline import Event, Timeline
from tests.unit.observe.server import Answer, serving
from tests.unit.observe.test_prometheus import data, matrix

WEB = "deployment/demo/web"
Points = list[tuple[float, str]]


class Scraping:
    """Scrapes every 5 s by the clock that is waited on; its own clock may be `ahead`.

    Until `whole_at` one pod is not Ready.
    """

    def __init__(
        self,
        clock: FakeClock,
        *,
        ahead: float = 0.0,
        since: float = 0.0,
        ready: str = "3",
        whole_at: float = 0.0,
    ) -> None:
        self.ready = ready
        self.whole_at = whole_at
        self.clock = clock
        self.ahead = ahead
        self.since = since
        self.asked: list[str] = []

    def points(self, value: str, *, whole_at: float = 0.0) -> Points:
        start = self.clock.start.timestamp() + self.ahead
        count = int((self.clock.elapsed - self.since) // 5) + 1
        after = [self.since + 5 * number for number in range(max(0, count))]
        return [(start + seconds, value if seconds >= whole_at else "2") for seconds in after]

    def __call__(self, path: str, query: dict[str, str]) -> Answer:
        if query["query"] == "time()":
            return 200, data("scalar", [0, str(self.clock.now().timestamp() + self.ahead)])
        self.asked.append(query["query"].partition("[")[0])
        ready = self.asked[-1].startswith("kube_deployment_status_replicas_ready")
        points = self.points(self.ready, whole_at=self.whole_at) if ready else self.points("3")
        return 200, matrix(({"instance": "a"}, points)) if points else matrix()


def look(answer: Any, clock: FakeClock, *, past_s: float = 22.0) -> Event:
    timeline = Timeline(clock=clock)
    clock.elapsed = 20.0
    with serving(answer) as server:
        return record_ready_replicas(
            Prometheus(Endpoint(url=server.url), clock=clock),
            timeline,
            workload=WEB,
            since=clock.start + timedelta(seconds=10),
            past=clock.start + timedelta(seconds=past_s),
            confirm_s=3,
            within_s=15,
        )


def test_it_waits_for_a_sample_after_the_recovery() -> None:
    clock = FakeClock()
    event = look(Scraping(clock), clock)
    assert clock.elapsed == 25
    assert (event.kind, event.subject, event.data["problem"]) == ("ready-replicas", WEB, "")
    assert event.data["samples"][-1] == {"at": "2026-01-01T00:00:25.000000Z", "ready": 3.0, "wanted": 3.0}
    assert len(event.data["samples"]) == 6


def test_it_asks_for_that_deployment_alone() -> None:
    clock = FakeClock()
    scraping = Scraping(clock)
    look(scraping, clock)
    assert set(scraping.asked) == {
        'kube_deployment_status_replicas_ready{namespace="demo",deployment="web"}',
        'kube_deployment_spec_replicas{namespace="demo",deployment="web"}',
    }


def test_a_clock_that_is_ahead_does_not_make_old_samples_new() -> None:
    clock = FakeClock()
    event = look(Scraping(clock, ahead=100.0), clock)
    assert clock.elapsed == 25
    assert event.data["offset_s"] == pytest.approx(100.0)
    assert event.data["samples"][-1]["at"] == "2026-01-01T00:02:05.000000Z"


def test_it_waits_until_health_has_lasted_by_the_samples() -> None:
    clock = FakeClock()
    event = look(Scraping(clock, whole_at=22.0), clock)
    assert clock.elapsed == 30
    assert [sample["ready"] for sample in event.data["samples"]][-3:] == [2.0, 3.0, 3.0]


def test_pods_that_are_not_ready_in_time_are_recorded_as_they_are() -> None:
    clock = FakeClock()
    event = look(Scraping(clock, ready="2"), clock)
    assert clock.elapsed == 35
    assert event.data["samples"][-1] == {"at": "2026-01-01T00:00:35.000000Z", "ready": 2.0, "wanted": 3.0}
    assert event.data["problem"] == ""


def test_samples_that_do_not_come_in_time_are_recorded_as_far_as_they_are() -> None:
    clock = FakeClock()
    event = look(Scraping(clock), clock, past_s=500)
    assert clock.elapsed == 35
    assert len(event.data["samples"]) == 8
    assert event.data["problem"] == ""


def test_what_is_no_number_is_null() -> None:
    clock = FakeClock()
    event = look(Scraping(clock, ready="NaN"), clock)
    assert {sample["ready"] for sample in event.data["samples"]} == {None}
    assert "NaN" not in event.to_json()


def test_a_metric_that_nobody_has_is_a_problem() -> None:
    clock = FakeClock()
    event = look(Scraping(clock, since=900), clock)
    assert event.data["samples"] == []
    assert event.data["problem"].startswith("Prometheus has no series kube_deployment_status_replicas_ready")


@pytest.mark.parametrize(("status", "problem"), [(503, "503"), (400, "400")])
def test_a_prometheus_that_fails_or_refuses_is_a_problem_and_no_error(status: int, problem: str) -> None:
    clock = FakeClock()
    event = look(lambda path, query: (status, {"error": "no"}), clock)
    assert event.data["samples"] == []
    assert problem in event.data["problem"]
