"""Load: latency from when requests were due, failures, throughput; by phase, and when it is not known."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pytest

from aftershock.judge.load import answered_at_least, failures_below, latency_below, limit_of, load_report
from aftershock.judge.load_record import loads_of
from aftershock.judge.question import Question, ask_again
from aftershock.verdict import Verdict
from tests.conformance.generator import Story, healthy_web

LOAD = "load/web"
ENDED = {"cpu_shares": [0.25], "requests": 0}


def row(
    story: Story,
    second: int,
    ms: Sequence[float],
    *,
    failures: dict[str, list[int]] | None = None,
    dropped: int = 0,
    sent_ms: float = 0.0,
    servers: dict[str, list[int]] | None = None,
) -> None:
    """A second of load: its requests evenly spaced, with those latencies."""
    due = [round(1000 * n / len(ms), 3) for n in range(len(ms))]
    columns = {"due_ms": due, "sent_ms": [sent_ms] * len(ms), "ms": list(ms)}
    more = {"dropped_ms": [float(n) for n in range(dropped)], "unfinished_ms": []}
    story.add(
        float(second),
        "load",
        "requests",
        LOAD,
        **columns,
        **more,
        failures=failures or {},
        servers=servers or {},
    )


def loaded(
    story: Story, *, since: int, until: int, rate: int = 10, model: str = "open", **asked: Any
) -> Story:
    """Begin a load of that rate; the rows are for the test to add."""
    demand = {"arrivals": rate, "users": 0, "rate_per_user": 1.0, "shape": "constant", **asked}
    facts = {"host": "http://127.0.0.1:1", "model": model, **demand, "duration_s": float(until - since)}
    return story.add(float(since), "load", "load-started", LOAD, **facts, asked=rate * (until - since))


def calm(**more: Any) -> Story:
    """20 s of load around a pod's death at 0, which is made good at 5; 10 ms a request, 300 ms meanwhile."""
    story = loaded(healthy_web(), since=-10, until=10, **more)
    story.injected(0.0)
    story.add(0.0, "harness", "landed", "pod/demo/web-1")
    story.pod(0.5, "web-1", ready=False).pod(5.0, "web-1", restarts=1)
    for second in range(-10, 10):
        row(story, second, [300.0 if 0 <= second < 5 else 10.0] * 10, servers={"a": [0, 1], "b": [2, 3, 4]})
    story.add(10.0, "load", "load-ended", LOAD, **ENDED)
    return story.end(20)


def p95(story: Story, phase: str, *, limit_ms: float = 200, percent: float = 95) -> Verdict:
    return latency_below(
        story.timeline,
        load=LOAD,
        percent=percent,
        limit_ms=limit_ms,
        phase=phase,  # type: ignore[arg-type]  # one of the phases
    )


class TestPhases:
    @pytest.mark.parametrize(
        ("phase", "status", "observed"),
        [
            ("before the fault", "met", 10),
            ("during the fault", "violated", 300),
            ("after the fault", "met", 10),
            ("throughout", "violated", 300),
        ],
    )
    def test_each_has_its_own_requests(self, phase: str, status: str, observed: float) -> None:
        verdict = p95(calm(), phase)
        assert (verdict.status, verdict.observed) == (status, observed)

    def test_during_ends_when_what_broke_is_whole_again(self) -> None:
        assert "50 requests sent (10.0/s) of 50 due" in p95(calm(), "during the fault").evidence[0]

    def test_a_lasting_fault_ends_it_if_that_is_later(self) -> None:
        story = calm()
        for kind in ("planned", "undoing", "undone"):
            story.add(
                7.0, "harness", kind, "pod/demo/web-1", fault_id="f", lasts_until="2026-11-02T13:00:00Z"
            )
        assert "70 requests sent" in p95(story.end(30), "during the fault").evidence[0]

    def test_without_a_fault_there_are_none(self) -> None:
        story = loaded(healthy_web(), since=0, until=1)
        row(story, 0, [10.0] * 10)
        story.add(1.0, "load", "load-ended", LOAD, **ENDED)
        assert p95(story, "throughout").status == "met"
        verdict = p95(story, "during the fault")
        assert (verdict.status, verdict.reason) == ("unknown", "the record shows no fault")

    def test_what_never_recovered_has_no_after(self) -> None:
        story = calm().pod(15.0, "web-2", ready=False).end(20)
        verdict = p95(story, "after the fault")
        assert verdict.status == "unknown"
        assert "does not show that deployment/demo/web recovered" in verdict.reason


class TestLatency:
    def test_is_of_every_request_exactly(self) -> None:
        story = loaded(healthy_web(), since=0, until=10)
        for second in range(10):
            row(story, second, [second * 10.0 + n + 1 for n in range(10)])
        story.add(10.0, "load", "load-ended", LOAD, **ENDED)
        assert p95(story, "throughout").observed == 95
        assert p95(story, "throughout", percent=99.5).observed == 100
        assert p95(story, "throughout", limit_ms=95).status == "violated"
        assert p95(story, "throughout", limit_ms=95.001).status == "met"

    def test_a_failure_is_slower_than_any_answer(self) -> None:
        story = loaded(healthy_web(), since=0, until=10)
        for second in range(10):
            row(story, second, [1.0] * 10, failures={"status 503": [0]} if second < 6 else None)
        story.add(10.0, "load", "load-ended", LOAD, **ENDED)
        verdict = p95(story, "throughout")
        assert (verdict.status, verdict.observed) == ("violated", "no answer")
        assert verdict.reason == "6 of 100 requests had no good answer"
        assert p95(story, "throughout", percent=94).status == "met"

    def test_our_own_lateness_is_no_fault_of_the_target(self) -> None:
        story = loaded(healthy_web(), since=0, until=10)
        for second in range(10):
            row(story, second, [250.0] * 10, sent_ms=150.0)
        story.add(10.0, "load", "load-ended", LOAD, **ENDED)
        verdict = p95(story, "throughout")
        assert verdict.status == "unknown"
        assert "we ourselves sent late (p95 150.0 ms)" in verdict.reason
        assert p95(story, "throughout", limit_ms=90).status == "violated"


class TestRate:
    @pytest.mark.parametrize(("dropped", "status"), [(0, "met"), (1, "met"), (2, "unknown")])
    def test_below_99_percent_of_what_was_due_nothing_is_known(self, dropped: int, status: str) -> None:
        story = loaded(healthy_web(), since=0, until=1, rate=100)
        row(story, 0, [1.0] * (100 - dropped), dropped=dropped)
        story.add(1.0, "load", "load-ended", LOAD, **ENDED)
        verdicts = [
            p95(story, "throughout"),
            failures_below(story.timeline, load=LOAD, percent=1, phase="throughout"),
            answered_at_least(story.timeline, load=LOAD, rps=90, phase="throughout"),
        ]
        assert [verdict.status for verdict in verdicts] == [status] * 3
        if status == "unknown":
            assert {verdict.reason for verdict in verdicts} == {
                "the load did not reach its rate: it sent 98 of 100 requests (98.0 %), 2 were dropped"
            }

    def test_what_was_never_even_due_is_missing_too(self) -> None:
        story = loaded(healthy_web(), since=0, until=10, rate=10)
        row(story, 0, [1.0] * 10)
        story.add(1.0, "load", "load-ended", LOAD, **ENDED)
        assert "10 of 100 requests (10.0 %)" in p95(story, "throughout").reason

    def test_a_part_of_it_is_held_to_its_own_rate(self) -> None:
        story = calm()
        row(story, 2, [1.0], dropped=5)
        assert p95(story, "during the fault").status == "unknown"
        assert p95(story, "before the fault").status == "met"

    def test_a_closed_load_whose_users_had_to_wait(self) -> None:
        story = loaded(healthy_web(), since=0, until=10, rate=10, model="closed", users=5, rate_per_user=2.0)
        for second in range(10):
            row(story, second, [10.0] * 9)
        story.add(10.0, "load", "load-ended", LOAD, **ENDED)
        verdict = p95(story, "throughout")
        assert verdict.status == "unknown"
        assert "it sent 90 of 95 requests (94.7 %), its users waited for answers" in verdict.reason

    def test_a_load_that_broke_off(self) -> None:
        story = calm()
        story.add(9.0, "load", "load-broken", LOAD, reason="Locust was killed by SIGKILL")
        assert p95(story, "before the fault").reason == "the load broke off: Locust was killed by SIGKILL"

    def test_no_such_load_and_one_that_has_not_ended(self) -> None:
        assert p95(healthy_web().end(1), "throughout").reason == "the record has no load/web"
        story = loaded(healthy_web(), since=0, until=10)
        assert "does not show how load/web ended" in p95(story, "throughout").reason


class TestFailuresAndThroughput:
    @pytest.mark.parametrize(
        ("percent", "status"), [(2, "met"), (1.01, "met"), (1, "violated"), (0.5, "violated")]
    )
    def test_failures(self, percent: float, status: str) -> None:
        story = loaded(healthy_web(), since=0, until=1, rate=100)
        row(story, 0, [1.0] * 100, failures={"ConnectionRefusedError": [7]})
        story.add(1.0, "load", "load-ended", LOAD, **ENDED)
        verdict = failures_below(story.timeline, load=LOAD, percent=percent, phase="throughout")
        assert (verdict.status, verdict.observed) == (status, 1.0)
        assert "1 failed: 1 ConnectionRefusedError" in verdict.evidence

    @pytest.mark.parametrize(("rps", "status"), [(9, "met"), (10, "violated")])
    def test_good_answers_per_second(self, rps: float, status: str) -> None:
        story = loaded(healthy_web(), since=0, until=10)
        for second in range(10):
            row(story, second, [1.0] * 10, failures={"status 500": [3]})
        story.add(10.0, "load", "load-ended", LOAD, **ENDED)
        verdict = answered_at_least(story.timeline, load=LOAD, rps=rps, phase="throughout")
        assert (verdict.status, verdict.observed) == (status, 9.0)


class TestLimit:
    def limited(self, *, cpu: float = 0.3, late_ms: float = 1.0, sent: int = 5, kind: str = "") -> str:
        """A load of 10 a second, of which only so many are sent, and answered unless they fail so."""
        story = loaded(healthy_web(), since=0, until=10)
        for second in range(10):
            failures = {kind: list(range(sent))} if kind else None
            row(story, second, [5.0] * sent, failures=failures, dropped=10 - sent, sent_ms=late_ms)
        story.add(10.0, "load", "load-ended", LOAD, cpu_shares=[0.1, cpu])
        (load,) = loads_of(story.timeline)
        return limit_of(load)

    def test_nothing(self) -> None:
        assert self.limited(sent=10) == "nothing (10 good answers/s of 10 due)"

    def test_the_client_by_its_cpu_or_by_being_late(self) -> None:
        assert self.limited(cpu=0.95).startswith("the client (5 good answers/s of 10 due): 0.95 of a core")
        assert self.limited(late_ms=150).startswith("the client")

    def test_the_network_where_connections_come_to_nothing(self) -> None:
        assert self.limited(sent=10, kind="TimeoutError").startswith("the network, or nobody listened")

    def test_the_target_else(self) -> None:
        assert self.limited().startswith("the target")
        assert self.limited(sent=10, kind="status 503").startswith("the target")


def test_the_report_has_every_phase_with_percentiles_errors_and_shares() -> None:
    lines = load_report(calm().timeline)
    assert lines[0] == "load/web: 10 requests/s, constant, for 20 s, on http://127.0.0.1:1"
    assert lines[1].startswith("open model")
    text = "\n".join(lines)
    for part in ("before the fault, 10.0 s:", "during the fault, 5.0 s:", "after the fault, 5.0 s:"):
        assert part in text
    assert "p50 300.000 ms, p90 300.000 ms, p95 300.000 ms, p99 300.000 ms, max 300.000 ms" in text
    assert "answered by a 40.0 %, b 60.0 %" in text


def test_the_report_says_that_a_closed_load_is_closed() -> None:
    story = loaded(healthy_web(), since=0, until=1, model="closed", users=5, rate_per_user=2.0)
    assert load_report(story.timeline)[1].startswith("closed model: each user asks at most 2 times a second")


def test_it_can_be_asked_again() -> None:
    record = tuple(calm().timeline)
    asked = Question.of(latency_below, load=LOAD, percent=95.0, limit_ms=200.0, phase="throughout")
    assert ask_again(asked.ask(record), record) == asked.ask(record)
