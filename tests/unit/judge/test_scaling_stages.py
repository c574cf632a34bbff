"""Where the time of a scale-up went: every stage, in order, and the sum is the whole."""

from __future__ import annotations

from typing import Any

import pytest

from aftershock.judge.scaling_stages import SUM_WITHIN, Stage, scaling_accounted_for, scaling_stages
from aftershock.report.plots.scaling import write_scaling_plot
from aftershock.verdict import Verdict
from tests.conformance.generator import Story, at, healthy_web

HPA = "hpa/demo/web"
CPU = [{"type": "Resource", "name": "cpu", "percent": 50, "average_m": None}]
BUSY = [{"type": "Resource", "name": "cpu", "percent": 90, "average_m": None}]
THREE = ("web-1", "web-2", "web-3")
NAMES = [
    "load starts", "CPU above the target", "metrics-server shows it", "the HPA decides", "replicas set",
    "scheduled", "started", "Ready", "in the endpoints", "serving",
]  # fmt: skip


def scale_up(*, but: str = "", resize: float = 40.0, served: float = 46.0) -> Story:
    """Load at 2; 90 % shown at 15; the HPA knows it at 25 and acts at 40; web-4 serves at 46."""
    story = healthy_web().endpoints(-60, THREE).hpa(-60, targets=CPU).metrics(-10, dict.fromkeys(THREE, 1))
    if but != "load":
        story.add(2, "load", "load-started", "http://127.0.0.1:30080/")
    story.metrics(5, dict.fromkeys(THREE, 2))
    if but != "sample":
        story.metrics(15, dict.fromkeys(THREE, 90), age=1.0)
    if but != "status":
        story.hpa(25, change="MODIFIED", targets=CPU, measured=BUSY)
    if but != "resize":
        story.deployment(resize, 4, change="MODIFIED")
    begins: dict[str, Any] = {"change": "ADDED", "ready": False, "phase": "Pending", "started": None}
    waiting = [{"name": "main", "state": "waiting", "cpu_request_m": 100, "memory_request": None}]
    story.pod(40.2, "web-4", node=None, containers=waiting, **begins)
    story.pod(40.3, "web-4", **{**begins, "change": "MODIFIED"}, containers=waiting)
    story.pod(42.0, "web-4", ready=False)
    if but != "Ready":
        story.pod(44.0, "web-4")
    if but != "in the endpoints":
        story.endpoints(44.5, [*THREE, "web-4"])
    story.add(43.0, "client", "served", "pod/demo/web-4", resolution_s=0.5, requests=0, by="page")
    if but != "serving":
        story.add(served, "client", "served", "pod/demo/web-4", resolution_s=0.5, requests=7, by="page")
    return story.end(90)


def stages(story: Story) -> list[Stage]:
    found = scaling_stages(story.timeline, hpa=HPA, service="web", since=at(0))
    assert not isinstance(found, str), found
    return found


def judge(story: Story) -> Verdict:
    return scaling_accounted_for(story.timeline, hpa=HPA, service="web", since=at(0))


def test_each_stage_with_its_time() -> None:
    found = stages(scale_up())
    assert [stage.name for stage in found] == NAMES
    # The sample ended at 14, in whole seconds; it is of 10 s.
    expected = [0, 12, 1, 10, 15, 0.3, 1.7, 2, 0.5, 1.5]
    assert [round(stage.took_s, 3) for stage in found] == expected
    assert [stage.when.resolution_s for stage in found] == [0, 11, 1, 0.1, 0.1, 0.1, 0.1, 0.1, 0.1, 0.5]


def test_they_sum_to_the_whole() -> None:
    verdict = judge(scale_up())
    assert verdict.status == "met", verdict.lines()
    assert verdict.observed == 44.0
    assert abs(sum(stage.took_s for stage in stages(scale_up())) - 44.0) <= SUM_WITHIN * 44.0
    assert verdict.evidence[-1] == "sum 44.000 s, whole 44.000 s"


def test_the_controller_may_see_a_sample_and_act_before_our_poll_does() -> None:
    found = {stage.name: stage for stage in stages(scale_up(but="status", resize=14.5))}
    assert [found[name].took_s for name in ("the HPA decides", "replicas set")] == [0, 0]
    assert found["replicas set"].when.at == found["metrics-server shows it"].when.at
    assert found["replicas set"].when.resolution_s >= 0.5


def test_a_clock_that_was_set_in_between_is_found() -> None:
    verdict = judge(scale_up().clock_set(30, 5.0))
    assert verdict.status == "unknown", verdict.lines()


@pytest.mark.parametrize(
    ("but", "reason"),
    [
        ("load", "shows no load"),
        ("sample", "no sample above the target"),
        ("resize", "was not scaled up"),
        ("Ready", "pod/demo/web-4 was not seen to be Ready"),
        ("in the endpoints", "not seen to be in the endpoints"),
        ("serving", "not seen to be serving"),
    ],
)
def test_a_stage_that_is_missing_is_named(but: str, reason: str) -> None:
    verdict = judge(scale_up(but=but))
    assert verdict.status == "unknown"
    assert reason in verdict.reason


def test_without_a_status_before_it_the_resize_is_the_decision() -> None:
    found = {stage.name: stage for stage in stages(scale_up(but="status"))}
    assert found["the HPA decides"].when.at == found["replicas set"].when.at == at(40)
    assert found["replicas set"].took_s == 0


def test_a_poll_that_comes_after_the_decision_took_no_time() -> None:
    found = {stage.name: stage for stage in stages(scale_up(but="status", resize=14.9))}
    assert found["the HPA decides"].took_s == 0
    assert found["metrics-server shows it"].took_s >= 0


def test_the_slowest_of_the_new_pods_counts() -> None:
    story = scale_up()
    story.deployment(40, 5, change="MODIFIED").pod(41, "web-5", change="ADDED")
    story.endpoints(41.5, [*THREE, "web-5"]).endpoints(44.5, [*THREE, "web-4", "web-5"])
    story.add(43, "client", "served", "pod/demo/web-5", resolution_s=0.5, requests=3, by="page")
    assert judge(story.end(90)).observed == 44.0


def test_out_of_order_beyond_the_errors_is_unknown() -> None:
    verdict = judge(scale_up(served=43.2))
    assert verdict.status == "unknown"
    assert "serving was seen" in verdict.reason


def test_gap_is_unknown() -> None:
    assert judge(scale_up().gap(20, 21, "pod")).status == "unknown"


class TestPlot:
    def test_it_is_drawn_with_every_stage(self, tmp_path: Any) -> None:
        path = tmp_path / "scaling.svg"
        assert write_scaling_plot(path, scale_up().timeline, hpa=HPA, service="web", since=at(0)) == path
        text = path.read_text(encoding="utf-8")
        assert all(name in text for name in NAMES)
        assert "replicas wanted, up to 4" in text
        assert "CPU, up to 90 %" in text

    def test_without_stages_the_course_is_drawn(self, tmp_path: Any) -> None:
        path = tmp_path / "scaling.svg"
        story = scale_up(but="resize")
        assert write_scaling_plot(path, story.timeline, hpa=HPA, service="web", since=at(0)) == path
        assert "scheduled" not in path.read_text(encoding="utf-8")

    def test_without_a_record_nothing_is(self, tmp_path: Any) -> None:
        path = tmp_path / "scaling.svg"
        nothing = healthy_web().end(9).timeline
        assert write_scaling_plot(path, nothing, hpa=HPA, service="web", since=at(0)) is None
        assert not path.exists()
