from __future__ import annotations

import json

import pytest

from aftershock.judge.reliability import Figures, figures_of
from aftershock.verdict import Verdict, met
from tests.conformance.generator import Story
from tests.unit.judge.test_load import loaded, row


def verdict(judge: str, seconds: float | str, unit: str = "s") -> Verdict:
    return met("x", expected="x", observed=seconds, unit=unit, question={"judge": judge})


def story() -> Story:
    tale = Story().injected(10.0).probes(0.0, 100.0, down=[(20.0, 30.0)], ms=4.0)
    row(loaded(tale, since=50, until=51, rate=2), 50, [400.0, 1.0], failures={"status 503": [1]})
    return tale.end(100.0)


def test_one_scenario() -> None:
    given = [verdict("fired_within", 7.0), verdict("fired_within", 12.0), verdict("recovered_within", 15.0)]
    figures = figures_of(story().timeline, given)
    assert figures.availability == pytest.approx(0.9, abs=0.002)
    assert (figures.requests, figures.failed) == (2003, 201)
    assert figures.p95_ms == pytest.approx(4.0, rel=0.01)
    assert (figures.mttd_s, figures.mttr_s) == (7.0, 15.0)
    assert figures.mtbf_s == pytest.approx(85.0, abs=0.1)


def test_p95_is_of_all_requests_to_one_percent() -> None:
    tale = loaded(Story(), since=0, until=1, rate=1000)
    row(tale, 0, [float(ms) for ms in range(1, 1001)])
    assert figures_of(tale.timeline, []).p95_ms == pytest.approx(950, rel=0.011)


def test_a_fault_of_which_nothing_was_seen_is_no_failure() -> None:
    assert figures_of(story().timeline, []).failures == 0
    assert figures_of(story().timeline, [verdict("nothing_else_fired", "none", "")]).failures == 0


def test_without_a_fault_there_is_no_failure_whatever_fired() -> None:
    quiet = Story().probes(0.0, 10.0).end(10.0)
    figures = figures_of(quiet.timeline, [verdict("fired_within", 7.0)])
    assert (figures.failures, figures.mttd_s, figures.mtbf_s) == (0, None, None)


def test_what_did_not_happen_within_the_record_is_no_time() -> None:
    figures = figures_of(
        story().timeline, [verdict("fired_within", "did not fire", ""), verdict("recovered_within", 9)]
    )
    assert (figures.mttd_s, figures.mttr_s) == (None, 9.0)


def test_scenarios_add_up() -> None:
    one = figures_of(story().timeline, [verdict("recovered_within", 10.0), verdict("fired_within", 4.0)])
    other = figures_of(story().timeline, [verdict("recovered_within", 20.0)])
    both = one + other + Figures()
    assert both.scenarios == 2
    assert (both.mttr_s, both.mttd_s, both.failures) == (15.0, 4.0, 2)
    assert both.requests == one.requests + other.requests
    assert both.p95_ms == one.p95_ms
    assert both.mtbf_s == pytest.approx((200 - 30) / 2, abs=0.2)


def test_it_is_read_back_as_it_was() -> None:
    figures = figures_of(story().timeline, [verdict("recovered_within", 10.0)])
    assert Figures.from_dict(json.loads(json.dumps(figures.to_dict()))) == figures


def test_what_is_not_known_is_said_to_be() -> None:
    lines = list(figures_of(Story().timeline, []).lines())
    assert sum("unknown" in line for line in lines) == 7
    known = list(figures_of(story().timeline, [verdict("recovered_within", 10.0)]).lines())
    assert any(line.startswith("MTTR") and "10 s (of 1)" in line for line in known)
    assert any("availability" in line and "90" in line for line in known)
