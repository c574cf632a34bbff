"""What a scenario spends of an error budget, against outages that are known."""

from __future__ import annotations

from typing import Any

import pytest

from aftershock.judge.error_budget import MONTH_S, budget_kept, budget_of, spent_of
from aftershock.verdict import Verdict
from tests.conformance.generator import URL, Story, at
from tests.unit.judge.test_load import LOAD, loaded, row

THREE_NINES = 2592.0  # seconds that 99.9 % of 30 days leave


def story(*down: tuple[float, float], end: float = 60.0) -> Story:
    return Story().probes(0.0, end, down=down).end(end)


def judge(tale: Story, at_most: float = 0.05, **more: Any) -> Verdict:
    return budget_kept(tale.timeline, url=URL, at_most=at_most, target=0.999, since=at(0), **more)


def test_an_outage_is_its_share_of_the_months_downtime() -> None:
    verdict = judge(story((10.0, 23.0)), at_most=1.0)
    assert verdict.status == "met"
    time, requests = verdict.evidence
    assert time.startswith("in time: down for 13 s of 60 s, 0.50")
    assert requests.startswith("in requests: 260 of 120")
    # 13 of 60 s failed, for 60 s of 30 days: the same share, as all requests are the probe's.
    assert verdict.observed == pytest.approx(100 * 13.0 / THREE_NINES, rel=0.01)
    assert verdict.unit == "% of the budget"


@pytest.mark.parametrize(("seconds", "status"), [(12.0, "met"), (12.96, "unknown"), (14.0, "violated")])
def test_half_a_percent_is_just_under_thirteen_seconds(seconds: float, status: str) -> None:
    verdict = judge(story((10.0, 10.0 + seconds)), at_most=0.005)
    assert verdict.status == status, verdict.lines()


def test_without_a_failure_nothing_is_spent() -> None:
    verdict = judge(story(), at_most=0.0)
    assert (verdict.status, verdict.observed) == ("met", 0.0)


def test_requests_of_the_load_count_as_well() -> None:
    tale = loaded(story(), since=0, until=60, rate=100)
    for second in range(60):
        row(tale, second, [5.0] * 100, failures={"status 503": list(range(30))})
    record = list(tale.timeline)
    spent = spent_of(record, url=URL, load=LOAD, since=at(0), until=at(60))
    assert (spent.failed, spent.requests) == (1800, 6000 + 1201)
    assert spent.down_s == 0
    share = 1800 / 7201 * 60 / THREE_NINES
    assert spent.in_requests(target=0.999, window_s=30 * 86400) == pytest.approx(share)
    assert spent_of(record, url=URL, load="load/other", since=at(0), until=at(60)).failed == 0
    verdict = judge(tale, at_most=share / 2, load=LOAD)
    assert verdict.status == "violated"
    assert "in requests" in verdict.reason


def test_a_looser_objective_and_a_shorter_window_leave_another_budget() -> None:
    tale = story((10.0, 20.0))
    loose = budget_kept(tale.timeline, url=URL, at_most=1.0, target=0.9, since=at(0), window_s=86400.0)
    assert loose.observed == pytest.approx(100 * 10 / 8640, rel=0.02)


def test_an_outage_that_lasts_to_the_end_counts_to_the_end() -> None:
    assert judge(story((50.0, 60.0)), at_most=1.0).observed == pytest.approx(100 * 10 / THREE_NINES, rel=0.02)


def test_a_time_without_probes_is_unknown_unless_too_much_is_spent_already() -> None:
    gap = Story().probes(0.0, 20.0).probes(40.0, 60.0, announce=False).end(60.0)
    assert judge(gap).status == "unknown"
    spent = Story().probes(0.0, 30.0, down=[(5.0, 25.0)]).probes(45.0, 60.0, announce=False).end(60.0)
    assert judge(spent, at_most=0.005).status == "violated"


def test_nobody_watched() -> None:
    assert judge(Story()).status == "unknown"
    assert judge(Story().end(60.0)).status == "unknown"


def lines(tale: Story) -> list[str]:
    found = budget_of(tale.timeline, service="web", url=URL, load=LOAD, target=0.999)
    return found.lines() if found else []


class TestLines:
    def test_what_a_client_saw(self) -> None:
        head, time, requests = lines(story((10.0, 23.0)))
        assert head == "web: 99.9 % over 30 days is a budget of 43 min 12 s"
        assert time.startswith("  in time: down for 13 s of 60 s, 0.50")
        assert requests.startswith("  in requests: 260 of 120")

    def test_a_load_that_no_client_watched_says_nothing_of_time(self) -> None:
        tale = loaded(Story(), since=0, until=60, rate=100)
        for second in range(60):
            row(tale, second, [5.0] * 100, failures={"status 503": [0]})
        _, time, requests = lines(tale.end(90.0))
        assert time == "  in time: not known, no client watched"
        # One request in a hundred failed, for the minute of the load: ten times what a minute may lose.
        share = float(requests.removesuffix(" %").rpartition(" ")[2]) / 100
        assert share == pytest.approx(10 * 60 / MONTH_S, rel=0.02)
        assert "60 of 6000 failed" in requests

    def test_time_without_probes_makes_it_a_least(self) -> None:
        gap = Story().probes(0.0, 20.0).probes(40.0, 60.0, announce=False).end(60.0)
        assert "at least" in lines(gap)[1]

    def test_a_service_that_nobody_asked(self) -> None:
        assert lines(Story().end(60.0)) == []
