"""The Vertical Pod Autoscaler: it recommends, evicts, and the new pod asks for what it says."""

from __future__ import annotations

from typing import Any

import pytest

from aftershock.judge.vertical import vpa_evicted, vpa_recommended
from aftershock.verdict import Verdict
from tests.conformance.generator import Story, at, healthy_web

VPA = "vpa/demo/web"
MIB = 2**20
TARGET = {"main": {"target": {"cpu_m": 20, "memory": 32 * MIB}, "lower": {"cpu_m": 20, "memory": 32 * MIB}}}


def look(story: Story, when: float, recommended: dict[str, Any]) -> Story:
    return story.add(
        when, "kubernetes", "vpa", VPA, resolution_s=2.0, mode="Recreate", recommended=recommended
    )


def asks(cpu_m: int, mib: int) -> dict[str, Any]:
    container = {"name": "main", "state": "running", "cpu_request_m": cpu_m, "memory_request": mib * MIB}
    return {"containers": [container]}


def corrected(*, cpu_m: int = 20, evicted: bool = True, replaced: bool = True, end: float = 200) -> Story:
    """Recommended at 20; web-1 evicted at 40; its successor there at 41."""
    story = look(look(healthy_web(), 5, {}), 20, TARGET)
    if evicted:
        story.kube_event(40, "pod/demo/web-1", "EvictedByVPA", "Pod was evicted by VPA Updater to apply it.")
        story.pod(40.1, "web-1", deleting=True)
    if replaced:
        story.pod(41, "web-9", change="ADDED", ready=False, **asks(cpu_m, 32))
    return story.end(end)


class TestRecommended:
    def judge(self, story: Story, within_s: float = 60) -> Verdict:
        return vpa_recommended(story.timeline, vpa=VPA, within_s=within_s, since=at(0))

    def test_met_with_the_figures(self) -> None:
        verdict = self.judge(corrected())
        assert (verdict.status, verdict.observed) == ("met", 20.0)
        assert verdict.evidence == ("recommended for main: target 20m and 32 MiB, lower 20m and 32 MiB",)

    @pytest.mark.parametrize(("within_s", "status"), [(21, "unknown"), (17, "violated")])
    def test_bound(self, within_s: float, status: str) -> None:
        assert self.judge(corrected(), within_s).status == status

    def test_none(self) -> None:
        assert self.judge(look(healthy_web(), 61, {}).end(70)).status == "violated"
        assert self.judge(look(healthy_web(), 30, {}).end(70)).status == "unknown"
        assert "does not show vpa/demo/web" in self.judge(healthy_web().end(70)).reason


class TestEvicted:
    def judge(self, story: Story, within_s: float = 120) -> Verdict:
        return vpa_evicted(
            story.timeline, vpa=VPA, workload="deployment/demo/web", within_s=within_s, since=at(10)
        )

    def test_met_by_a_new_pod_that_asks_for_the_target(self) -> None:
        verdict = self.judge(corrected())
        assert (verdict.status, verdict.observed) == ("met", 31.0), verdict.lines()
        assert "pod/demo/web-9 asks for main: 20m, 32 MiB" in verdict.evidence[1]

    def test_a_new_pod_that_asks_for_something_else(self) -> None:
        verdict = self.judge(corrected(cpu_m=10))
        assert (verdict.status, verdict.observed) == ("violated", "main: 10m, 32 MiB")

    def test_not_evicted_and_not_replaced(self) -> None:
        assert self.judge(corrected(evicted=False, replaced=False)).observed == "not evicted"
        assert self.judge(corrected(replaced=False)).observed == "evicted, not replaced"
        assert self.judge(corrected(evicted=False, replaced=False, end=100)).status == "unknown"

    def test_a_new_pod_without_an_eviction_is_nothing(self) -> None:
        assert self.judge(corrected(evicted=False)).status == "violated"

    def test_gap_and_no_recommendation(self) -> None:
        assert self.judge(corrected(evicted=False, replaced=False).gap(30, 31)).status == "unknown"
        assert self.judge(healthy_web().end(200)).status == "unknown"

    def test_too_late(self) -> None:
        assert self.judge(corrected(), within_s=20).status == "violated"
