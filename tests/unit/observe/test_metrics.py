"""The sampler: each sample once, what vanished, and gaps."""

from __future__ import annotations

import pytest

from aftershock.cluster.api import Json, KubeApi
from aftershock.errors import AftershockError, NotFoundError, TransientError
from aftershock.observe.metrics import PodMetrics
from aftershock.testing import FakeClock
from aftershock.timeline import Timeline

WAIT_S = 5.0


class MetricsApi(KubeApi):
    """Answers each poll with the next of `answers`, then the last one again."""

    def __init__(self, *answers: list[Json] | Exception) -> None:
        self.answers = list(answers)

    def get(self, path: str, **query: str) -> Json:
        answer = self.answers.pop(0) if len(self.answers) > 1 else self.answers[0]
        if isinstance(answer, Exception):
            raise answer
        return {"items": answer}


def item(name: str, timestamp: str = "2026-01-01T00:00:00Z", **cpu: str) -> Json:
    containers = [
        {"name": container, "usage": {"cpu": value, "memory": "1Mi"}} for container, value in cpu.items()
    ]
    return {
        "metadata": {"name": name},
        "timestamp": timestamp,
        "window": "12.5s",
        "containers": containers,
    }


def sampler(*answers: list[Json] | Exception) -> tuple[PodMetrics, Timeline, FakeClock]:
    clock = FakeClock()
    timeline = Timeline(clock=clock)
    return PodMetrics(MetricsApi(*answers), timeline, namespaces=["demo"]), timeline, clock


def test_sample_is_recorded_once_at_the_poll_that_first_saw_it() -> None:
    first, second = item("a", main="100m"), item("a", "2026-01-01T00:00:15Z", main="200m")
    sampling, timeline, clock = sampler([first], [first], [second])
    for _ in range(4):
        sampling.sample_once()
        clock.sleep(1.5)
    events = timeline.select(kind="pod-metrics")
    assert [(event.mono, event.data["cpu_m"]) for event in events] == [(0.0, 100), (3.0, 200)]
    assert events[1].resolution_s == pytest.approx(1.5)
    assert events[1].data["window_s"] == 12.5
    assert events[1].subject == "pod/demo/a"


def test_sample_that_changes_under_the_same_time_is_recorded() -> None:
    sampling, timeline, _ = sampler([item("a", main="100m")], [item("a", main="101m")])
    for _ in range(2):
        sampling.sample_once()
    assert [event.data["cpu_m"] for event in timeline] == [100, 101]


def test_resolution_reaches_back_to_when_the_poll_before_was_asked() -> None:
    class Slow(MetricsApi):
        def get(self, path: str, **query: str) -> Json:
            answer = super().get(path, **query)
            clock.sleep(0.4)
            return answer

    clock = FakeClock()
    timeline = Timeline(clock=clock)
    api = Slow([item("a", main="1m")], [item("a", main="2m")])
    sampling = PodMetrics(api, timeline, namespaces=["demo"])
    sampling.sample_once()
    clock.sleep(1.0)
    sampling.sample_once()
    *_, second = timeline
    assert (second.mono, second.resolution_s) == (pytest.approx(1.8), pytest.approx(1.8))


def test_usage_is_rounded_up_per_container() -> None:
    sampling, timeline, _ = sampler([item("a", main="1200001n", side="1n")])
    sampling.sample_once()
    (event,) = timeline
    assert event.data["cpu_m"] == 3
    assert event.data["containers"]["main"]["cpu_cores"] == pytest.approx(0.001200001)
    assert event.data["memory"] == 2 * 2**20


def test_container_without_a_value_leaves_the_pod_without_one() -> None:
    bare = item("a", main="1m")
    bare["containers"].append({"name": "side", "usage": {"memory": "1Mi"}})
    sampling, timeline, _ = sampler([bare])
    sampling.sample_once()
    assert next(iter(timeline)).data["cpu_m"] is None


def test_all_samples_of_a_poll_share_one_instant() -> None:
    sampling, timeline, _ = sampler([item("a", main="1m"), item("b", main="2m")])
    sampling.sample_once()
    assert len({event.mono for event in timeline}) == 1


def test_vanished_metrics_are_recorded_without_a_time() -> None:
    sampling, timeline, _ = sampler([item("a", main="1m")], [])
    for _ in range(3):
        sampling.sample_once()
    assert [event.data["timestamp"] for event in timeline] == ["2026-01-01T00:00:00Z", None]


def test_polls_that_fail_are_one_gap() -> None:
    busy = TransientError("503 Service Unavailable")
    sampling, timeline, clock = sampler([item("a", main="1m")], busy, busy, [item("a", main="1m")])
    for _ in range(5):
        sampling.sample_once()
        clock.sleep(1)
    (gap,) = timeline.select(kind="gap")
    assert (gap.data["resource"], gap.data["namespace"]) == ("pod-metrics", "demo")
    assert (gap.data["from_mono"], gap.data["until_mono"]) == (0.0, 3.0)
    assert gap.data["reason"] == "503 Service Unavailable"


def test_stop_while_blind_leaves_the_gap_open() -> None:
    sampling, timeline, _ = sampler([item("a", main="1m")], TransientError("away"))
    sampling.sample_once()
    sampling.sample_once()
    sampling.stop()
    *_, gap, stopped = timeline
    assert (gap.kind, gap.data["until"]) == ("gap", None)
    assert stopped.data == {"state": "stopped"}


def test_cluster_without_the_api_is_refused_at_the_start() -> None:
    sampling, _, _ = sampler(NotFoundError("no metrics API", status=404))
    with pytest.raises(NotFoundError):
        sampling.start()


def test_refusal_ends_the_sampling_loudly() -> None:
    sampling, timeline, _ = sampler([], [], NotFoundError("no metrics API", status=404))
    sampling.start()
    sampling._poller._thread.join(WAIT_S)
    with pytest.raises(AftershockError, match="gave up"):
        sampling.check()
    with pytest.raises(AftershockError, match="gave up"):
        sampling.stop()
    assert timeline.select(kind="gap")[-1].data["until"] is None
    assert timeline.select(kind="watching")[-1].data["state"] == "stopped"


@pytest.mark.parametrize(
    ("text", "seconds"),
    [("15s", 15.0), ("12.345s", 12.345), ("1m30s", 90.0), ("250ms", 0.25), ("1h", 3600.0)],
)
def test_windows(text: str, seconds: float) -> None:
    sampling, timeline, _ = sampler([item("a", main="1m") | {"window": text}])
    sampling.sample_once()
    assert next(iter(timeline)).data["window_s"] == pytest.approx(seconds)
