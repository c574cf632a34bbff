"""Verdicts on engines, from made-up records."""

from __future__ import annotations

from typing import Any

import pytest

from aftershock.judge.engine import engine_passed
from tests.conformance.generator import Story

ABOUT = {
    "experiment": "pod-delete",
    "name": "web answers",
    "mode": "Continuous",
    "tolerance": "status == 200",
    "url": "http://web.demo/",
    "asked_at": "http://127.0.0.1:30080/",
    "every_s": 2.0,
    "slowest_s": 7.0,
}


def engine(
    *looks: tuple[float, str, bool],
    mode: str = "Continuous",
    landed: bool = True,
    own: bool = True,
    ended: bool = True,
    stopped_by: str = "",
) -> Story:
    """An engine with one probe that looked at these times, in these phases, with this outcome."""
    facts = {"file": "e.yaml", "experiments": ["pod-delete"], "probes": [{**ABOUT, "mode": mode}]}
    story = Story().add(0, "harness", "engine", "e", state="started", stopped_by="", **facts)
    story.add(1, "harness", "injecting", "pod/demo/web-0", fault_id="pod-kill-1")
    if landed:
        story.add(2, "harness", "landed", "pod/demo/web-0", fault_id="pod-kill-1")
    for when, phase, good in looks:
        story.add(when, "client", "check", "web answers", **look(phase, good))
    story.add(29, "harness", "check", "the application's pods", **look("after", own, said="2 of 3 pods"))
    if ended:
        story.add(30, "harness", "engine", "e", state="ended", stopped_by=stopped_by, **facts)
    return story


def look(phase: str, good: bool, said: str = "") -> dict[str, Any]:
    said = said if said and not good else "200" if good else "503"
    about = {"engine": "e", "experiment": "pod-delete", "phase": phase}
    return {**about, "ok": good, "said": said, "attempts": 1, "took_s": 0.1}


THROUGHOUT = [(when, "during", True) for when in (2.0, 4.1, 6.2, 8.5)]


def test_every_look_was_good() -> None:
    verdict = engine_passed(engine(*THROUGHOUT).timeline, engine="e")
    assert (verdict.status, verdict.observed) == ("met", "1 of 1 probes passed")
    assert verdict.evidence == (
        "probe success percentage: 100 %",
        "web answers (Continuous, status == 200): 4 of 4 looks good, asked at http://127.0.0.1:30080/",
        "the application's pods, after the chaos: 200 after 0.1 s",
        "1 faults landed",
    )
    assert verdict.resolution_s == pytest.approx(2.3)


def test_one_failed_look_decides_and_the_others_are_evidence() -> None:
    looks = [*THROUGHOUT, (10.5, "during", False), (12.6, "after", True)]
    verdict = engine_passed(engine(*looks).timeline, engine="e")
    assert verdict.status == "violated"
    assert verdict.reason.startswith("web answers failed during the chaos, at ")
    assert verdict.reason.endswith("503 after 1 attempts")
    assert verdict.evidence[0] == "probe success percentage: 0 %"
    assert "5 of 6 looks good" in verdict.evidence[1]


def test_an_application_that_did_not_come_back() -> None:
    verdict = engine_passed(engine(*THROUGHOUT, own=False).timeline, engine="e")
    assert (verdict.status, verdict.reason) == ("violated", "the application's pods: 2 of 3 pods")


def test_a_failure_before_the_chaos_is_said_to_be_one() -> None:
    story = engine((0.5, "before", False), mode="SOT", stopped_by="web answers")
    verdict = engine_passed(story.timeline, engine="e")
    assert verdict.status == "violated"
    assert "failed before the chaos" in verdict.reason
    assert verdict.evidence[-1] == "stopped by web answers"


def test_without_proof_of_the_fault_it_is_unknown() -> None:
    verdict = engine_passed(engine(*THROUGHOUT, landed=False).timeline, engine="e")
    assert verdict.status == "unknown"
    assert "no proof that the fault on pod/demo/web-0 landed" in verdict.reason


def test_without_a_fault_it_is_unknown() -> None:
    events = [event for event in engine(*THROUGHOUT).timeline if event.kind not in {"injecting", "landed"}]
    verdict = engine_passed(events, engine="e")
    assert (verdict.status, verdict.reason) == ("unknown", "no fault landed")


@pytest.mark.parametrize(
    ("mode", "phases", "missing"),
    [
        ("SOT", [], "before"),
        ("EOT", ["before"], "after"),
        ("Edge", ["before"], "after"),
        ("Edge", ["after"], "before"),
        ("Continuous", ["before", "after"], "during"),
        ("OnChaos", [], "during"),
    ],
)
def test_what_was_not_looked_at_has_not_passed(mode: str, phases: list[str], missing: str) -> None:
    story = engine(*((3.0 + n, phase, True) for n, phase in enumerate(phases)), mode=mode)
    verdict = engine_passed(story.timeline, engine="e")
    assert (verdict.status, verdict.reason) == ("unknown", f"web answers did not look {missing} the chaos")


def test_a_hole_between_the_looks_is_unknown() -> None:
    verdict = engine_passed(engine((2, "during", True), (9, "during", True)).timeline, engine="e")
    assert verdict.status == "unknown"
    assert verdict.reason.startswith("web answers did not look for 6.9 s from ")


def test_looks_at_the_edges_have_no_holes_between_them() -> None:
    story = engine((0.5, "before", True), (28, "after", True), mode="Edge")
    verdict = engine_passed(story.timeline, engine="e")
    assert (verdict.status, verdict.resolution_s) == ("met", 0.0)


@pytest.mark.parametrize("story", [Story(), engine(*THROUGHOUT, ended=False)])
def test_an_engine_that_never_ended_is_unknown(story: Story) -> None:
    verdict = engine_passed(story.timeline, engine="e")
    assert verdict.status == "unknown"
    assert "ran to its end" in verdict.reason
