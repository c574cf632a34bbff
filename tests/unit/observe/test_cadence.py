"""What is asked of Prometheus and Alertmanager for a forecast, and what is said where they refuse."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, cast

import pytest

from aftershock.errors import QueryError, TransientError
from aftershock.forecast.paths import Facts
from aftershock.observe.alertmanager import Alertmanager
from aftershock.observe.cadence import read_cadence
from aftershock.observe.prometheus import Prometheus, Sample
from aftershock.testing import FakeClock


def rule(name: str, query: str) -> dict[str, Any]:
    return {"type": "alerting", "name": name, "query": query, "duration": 0, "health": "ok", "labels": {}}


@dataclass
class Asked:
    """A Prometheus that answers from tables, and notes what it was asked."""

    rule_list: list[dict[str, Any]]
    series: dict[str, list[dict[str, str]]] = field(default_factory=dict)
    declared: dict[str, list[dict[str, str]]] = field(default_factory=dict)
    refusal: Exception | None = None
    queries: list[str] = field(default_factory=list)

    def clock_offset(self) -> tuple[float, float]:
        return 0.02, 0.004

    def rules(self) -> list[dict[str, Any]]:
        return [{"name": "g", "interval": 5, "rules": self.rule_list}]

    def targets(self) -> list[dict[str, Any]]:
        if self.refusal:
            raise self.refusal
        return [{"labels": {"job": "ksm", "instance": "a"}}]

    def query(self, expr: str) -> list[Sample]:
        self.queries.append(expr)
        return [Sample(labels=labels, value=1, at=FakeClock().now()) for labels in self.series.get(expr, [])]

    def exposed_by(self, metric: str) -> list[dict[str, str]]:
        return self.declared.get(metric, [])


@dataclass
class Told:
    """An Alertmanager that has a tree, or refuses to show it."""

    answer: dict[str, Any] | Exception

    def configuration(self) -> dict[str, Any]:
        if isinstance(self.answer, Exception):
            raise self.answer
        return self.answer


def read(asked: Asked, told: Told | None = None, **more: Any) -> Facts:
    return read_cadence(cast("Prometheus", asked), alertmanager=cast("Alertmanager | None", told), **more)


def test_targets_are_found_by_their_series_in_one_question() -> None:
    question = 'group by (__name__, job, instance) ({__name__=~"oom|oom_time"})'
    series = [{"__name__": name, "job": "ksm", "instance": "a"} for name in ("oom", "oom_time")]
    asked = Asked([rule("A", "oom == 1 and oom_time > 2")], series={question: series})
    facts = read(asked)
    assert facts.carriers == {"oom": {("ksm", "a")}, "oom_time": {("ksm", "a")}}
    assert asked.queries == [question]
    assert (facts.offset_s, facts.clock_error_s, facts.missing, facts.unread) == (0.02, 0.004, set(), {})


def test_a_metric_without_series_is_found_by_what_targets_declare() -> None:
    place = {"job": "app", "instance": "b"}
    asked = Asked([rule("A", "oom"), rule("B", "h_bucket")], declared={"oom": [place], "h": [place]})
    assert read(asked).carriers == {"oom": {("app", "b")}, "h_bucket": {("app", "b")}}


def test_names_are_quoted_as_a_pattern_in_a_string() -> None:
    asked = Asked([rule("A", '{"a.b"} > 1')])
    read(asked)
    assert asked.queries == ['group by (__name__, job, instance) ({__name__=~"a\\\\.b"})']


def test_only_what_compares_samples_is_asked_for_its_series() -> None:
    asked = Asked([rule("A", 'rate(errors{s="5"}[1m]) / rate(requests[1m]) > 1 and up == 1')])
    asked.series = {"group(requests)": [{}]}
    facts = read(asked)
    assert asked.queries[1:] == ['group(errors{s="5"})', "group(requests)"]
    assert facts.missing == {'errors{s="5"}'}


def test_only_the_alerts_that_are_asked_for() -> None:
    asked = Asked([rule("A", "oom"), rule("B", "other")])
    assert set(read(asked, alerts={"A"}).carriers) == {"oom"}
    assert read(Asked([rule("A", "oom")]), alerts=()).carriers == {}


@pytest.mark.parametrize("error", [QueryError("403 Forbidden", status=403), TransientError("503 Busy")])
def test_a_refusal_is_kept_with_its_reason(error: QueryError | TransientError) -> None:
    facts = read(Asked([rule("A", "rate(oom[1m])")], refusal=error), Told(error))
    assert error.message in facts.unread["targets"]
    assert error.message in facts.unread["routing"]
    assert (facts.missing, facts.routing, facts.targets) == (None, None, [])


def test_the_routing_tree() -> None:
    assert read(Asked([]), Told({"route": {"receiver": "x"}})).routing == {"route": {"receiver": "x"}}
    assert read(Asked([])).unread == {}
