"""From Prometheus' answers to paths: sources, records, second samples, unknowns."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import pytest

from aftershock.forecast.alerts import AlertPath
from aftershock.forecast.paths import Facts, alert_paths, scraped

KSM = ("kube-state-metrics", "ksm")
APP = ("app", "10.0.0.7:8080")


def rule(name: str, query: str, *, kind: str = "alerting", **more: Any) -> dict[str, Any]:
    return {"type": kind, "name": name, "query": query, "duration": 0, "health": "ok", "labels": {}, **more}


def group(
    name: str, *rules: dict[str, Any], interval: float = 5.0, last: str = "2026-03-01T12:00:03.1Z"
) -> Any:
    return {
        "name": name,
        "interval": interval,
        "lastEvaluation": last,
        "evaluationTime": 0.002,
        "rules": rules,
    }


def target(place: tuple[str, str], **more: Any) -> dict[str, Any]:
    return {
        "labels": {"job": place[0], "instance": place[1]},
        "scrapeInterval": "5s",
        "lastScrape": "2026-03-01T12:00:01.25Z",
        "lastScrapeDuration": 0.04,
        **more,
    }


def facts(*groups: Any, **more: Any) -> Facts:
    carriers = {"oom": {KSM}, "requests_total": {APP}, "usage": {APP}}
    base = Facts(groups=groups, targets=[target(KSM), target(APP)], carriers=carriers)
    return replace(base, **more)


def only(facts: Facts, name: str = "A") -> AlertPath:
    (path,) = alert_paths(facts)[name]
    return path


def test_a_rule_is_read_with_its_target_and_phases() -> None:
    path = only(facts(group("pods", rule("A", "oom == 1", duration=60, labels={"severity": "warning"}))))
    (source,) = path.sources
    assert source.scrape.last == datetime(2026, 3, 1, 12, 0, 1, 250000, UTC)
    assert (source.scrape.every_s, source.scrape.takes_s, source.metrics) == (5.0, 0.04, ("oom",))
    assert path.evaluation.last == datetime(2026, 3, 1, 12, 0, 3, 100000, UTC)
    assert (path.for_s, path.labels) == (60, {"severity": "warning", "alertname": "A"})
    assert path.unknown == ()


def test_go_writes_the_year_1_for_never() -> None:
    never = "0001-01-01T00:00:00Z"
    path = only(facts(group("g", rule("A", "oom"), last=never), targets=[target(KSM, lastScrape=never)]))
    assert path.evaluation.last is None
    assert path.sources[0].scrape.last is None


def test_only_the_alerts_that_are_asked_for() -> None:
    found = facts(group("g", rule("A", "oom"), rule("B", "usage")))
    assert set(alert_paths(found, {"B"})) == {"B"}
    assert [s.metric for s in scraped(found.groups, {"B"})] == ["usage"]


def test_two_rules_of_one_name_are_two_paths() -> None:
    assert len(alert_paths(facts(group("g", rule("A", "oom"), rule("A", "usage"))))["A"]) == 2


@pytest.mark.parametrize(
    ("missing", "needed"),
    [({"requests_total"}, True), (set(), False), (None, None)],
    ids=["none", "some", "unread"],
)
def test_a_second_sample_is_needed_where_there_is_no_series(
    missing: set[str] | None, needed: bool | None
) -> None:
    path = only(facts(group("g", rule("A", "rate(requests_total[1m]) > 1")), missing=missing))
    assert (path.second_sample, path.window_s) == (needed, 60.0)


def test_a_function_that_does_not_compare_needs_one_sample() -> None:
    path = only(facts(group("g", rule("A", "max_over_time(usage[1m]) > 1")), missing=None))
    assert path.second_sample is False


class TestRecords:
    USAGE = rule("node:usage", "rate(usage[1m])", kind="recording")
    ALERT = rule("A", "node:usage > 0.8")

    def test_before_the_alert_in_its_group_it_costs_nothing(self) -> None:
        path = only(facts(group("g", self.USAGE, self.ALERT)))
        assert path.records == ()
        assert path.sources[0].metrics == ("usage",)
        assert path.window_s == 60.0

    def test_after_it_costs_an_evaluation(self) -> None:
        path = only(facts(group("g", self.ALERT, self.USAGE)))
        assert [beat.what for beat in path.records] == ["group g is evaluated"]

    def test_another_group_is_waited_for(self) -> None:
        path = only(facts(group("g", self.ALERT), group("records", self.USAGE, interval=30.0)))
        assert [beat.every_s for beat in path.records] == [30.0]

    def test_records_on_records_in_the_order_of_the_signal(self) -> None:
        first = rule("first", "usage", kind="recording")
        second = rule("second", "first", kind="recording")
        path = only(
            facts(
                group("g", rule("A", "second > 1")),
                group("one", first, interval=10.0),
                group("two", second, interval=20.0),
            )
        )
        assert [beat.every_s for beat in path.records] == [10.0, 20.0]

    def test_a_circle_ends(self) -> None:
        path = only(facts(group("g", rule("A", "x > 1"), rule("x", "x + usage", kind="recording"))))
        assert path.sources[0].metrics == ("usage",)


class TestUnknown:
    def test_a_metric_that_nobody_exposes(self) -> None:
        path = only(facts(group("g", rule("A", "nowhere > 1"))))
        assert path.unknown == ("no target is known to expose nowhere",)

    def test_a_target_that_is_gone(self) -> None:
        path = only(facts(group("g", rule("A", "oom")), targets=[]))
        assert "no longer scraped" in path.unknown[0]

    def test_targets_that_cannot_be_read(self) -> None:
        path = only(facts(group("g", rule("A", "oom")), carriers={}, unread={"targets": "it says 403"}))
        assert path.unknown == ("it says 403",)

    def test_an_offset_is_not_modelled(self) -> None:
        assert "offset" in only(facts(group("g", rule("A", "oom - oom offset 5m")))).unknown[0]

    def test_a_rule_that_fails(self) -> None:
        path = only(facts(group("g", rule("A", "oom", health="err", lastError="many-to-many"))))
        assert path.unknown == ("its evaluation fails: many-to-many",)

    def test_who_is_told(self) -> None:
        rules = group("g", rule("A", "oom"))
        assert only(facts(rules)).untold == "there is no Alertmanager to ask"
        assert only(facts(rules, unread={"routing": "it says 403"})).untold == "it says 403"
        tree = {"route": {"receiver": "d", "routes": [{"receiver": "x", "match": {"team": "a"}}]}}
        assert only(facts(rules, routing=tree)).untold == "who is told depends on the label team"
        assert only(facts(rules, routing={"route": {"receiver": "d"}})).notify[0].receiver == "d"

    @pytest.mark.parametrize("matcher", ["nonsense", 'alertname=~"(?P<x"'])
    def test_a_tree_that_cannot_be_read(self, matcher: str) -> None:
        tree = {"route": {"receiver": "d", "routes": [{"receiver": "x", "matchers": [matcher]}]}}
        path = only(facts(group("g", rule("A", "oom")), routing=tree))
        assert path.untold.startswith("the routing tree cannot be read")
        assert path.unknown == ()
