"""The pods' own metrics: each new value once, what vanished, and gaps."""

from __future__ import annotations

import pytest

from aftershock.cluster.api import Json, KubeApi
from aftershock.errors import NotFoundError, TransientError
from aftershock.observe.own_metrics import OwnMetrics, metrics_of_hpas
from aftershock.testing import FakeClock
from aftershock.testing.kube import FakeApi
from aftershock.timeline import Timeline

RATE = "http_requests_per_second"


class CustomApi(KubeApi):
    """Answers each poll with the next of `answers`, then the last one again."""

    def __init__(self, *answers: dict[str, str] | Exception) -> None:
        self.answers = list(answers)
        self.asked: list[str] = []

    def get(self, path: str, **query: str) -> Json:
        self.asked.append(path)
        answer = self.answers.pop(0) if len(self.answers) > 1 else self.answers[0]
        if isinstance(answer, Exception):
            raise answer
        return {"items": [{"describedObject": {"name": n}, "value": v} for n, v in answer.items()]}


@pytest.fixture
def clock() -> FakeClock:
    return FakeClock()


def polled(clock: FakeClock, *answers: dict[str, str] | Exception) -> Timeline:
    timeline = Timeline(clock=clock)
    sampler = OwnMetrics(CustomApi(*answers), timeline, wanted=[("demo", RATE)])
    for _ in answers:
        sampler.sample_once()
        clock.sleep(1)
    sampler.stop()
    return timeline


def test_new_values_are_recorded_in_milli_units(clock: FakeClock) -> None:
    timeline = polled(clock, {"a": "12500m", "b": "3"}, {"a": "12500m", "b": "4"}, {"b": "4"})
    found = [(e.subject, e.data["metric"], e.data["value_m"]) for e in timeline]
    assert found == [
        ("pod/demo/a", RATE, 12500),
        ("pod/demo/b", RATE, 3000),
        ("pod/demo/b", RATE, 4000),
        ("pod/demo/a", RATE, None),
    ]
    assert all(event.resolution_s == pytest.approx(1.0) for event in timeline)


@pytest.mark.parametrize(
    "error", [TransientError("the server is away"), NotFoundError("no such metric", status=404)]
)
def test_no_answer_is_a_gap(clock: FakeClock, error: Exception) -> None:
    (_, gap, _) = polled(clock, {"a": "1"}, error, error, {"a": "2"})
    assert (gap.kind, gap.subject, gap.data["resource"]) == ("gap", "pod-own-metric/demo", "pod-own-metric")
    assert gap.data["until_mono"] - gap.data["from_mono"] == pytest.approx(3.0)
    assert RATE in gap.data["reason"]


def test_a_gap_at_the_end_is_open(clock: FakeClock) -> None:
    (gap,) = polled(clock, TransientError("away"))
    assert gap.data["until"] is None


def test_what_hpas_go_by() -> None:
    api = FakeApi()
    pods = {"type": "Pods", "pods": {"metric": {"name": RATE}}}
    for name, metrics in (("a", [pods]), ("b", [{"type": "Resource"}, pods]), ("c", [])):
        path = "/apis/autoscaling/v2/namespaces/demo/horizontalpodautoscalers"
        api.add(path, {"metadata": {"name": name, "namespace": "demo"}, "spec": {"metrics": metrics}})
    assert metrics_of_hpas(api, ["demo", "demo", "other"]) == [("demo", RATE)]
