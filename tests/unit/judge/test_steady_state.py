"""The steady state of an experiment, from its record."""

from __future__ import annotations

from aftershock.judge.steady_state import steady_state_held
from tests.conformance.generator import Story


def ran(when: float, *, deviated: bool, title: str = "drain") -> Story:
    probe = {"name": "web answers", "output": 503 if deviated else 200, "tolerance": 200}
    return Story().add(
        when,
        "harness",
        "experiment",
        title,
        hypothesis="all is well",
        deviated=deviated,
        journal="j.json",
        probes=[probe],
    )


def test_every_probe_is_evidence() -> None:
    verdict = steady_state_held(ran(1, deviated=False).timeline, experiment="drain")
    assert (verdict.status, verdict.expected) == ("met", "all is well")
    assert verdict.evidence == ("web answers: 200, tolerated: 200",)
    assert verdict.query == "the experiment's journal, j.json"


def test_the_last_run_counts() -> None:
    timeline = [*ran(1, deviated=False).timeline, *ran(2, deviated=True).timeline]
    assert steady_state_held(timeline, experiment="drain").status == "violated"


def test_an_experiment_that_never_ended_is_unknown() -> None:
    verdict = steady_state_held(ran(1, deviated=False, title="other").timeline, experiment="drain")
    assert verdict.status == "unknown"
    assert "ran to its end" in verdict.reason
