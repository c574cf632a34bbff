"""The shipped rules are sound, and each check sees what it is for."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from tests.unit.stack.rule_checks import problems
from tests.unit.stack.rule_mutants import name_of
from tests.unit.stack.test_rules import groups_of

Render = Callable[[str], list[dict[str, Any]]]


@pytest.mark.parametrize("profile", ["ci", "nightly"])
def test_every_rule_is_sound(render: Render, profile: str) -> None:
    found = {
        name_of(rule): problems(rule)
        for group in groups_of(render(f"overlays/{profile}"))
        for rule in group["rules"]
    }
    assert len(found) >= 24
    assert {name: said for name, said in found.items() if said} == {}


def test_names_are_unique_and_groups_too(render: Render) -> None:
    groups = groups_of(render("overlays/nightly"))
    names = [group["name"] for group in groups]
    assert len(names) == len(set(names))
    alerts = [rule["alert"] for group in groups for rule in group["rules"] if "alert" in rule]
    twice = {name for name in alerts if alerts.count(name) > 1}
    assert twice <= {"ErrorBudgetBurn"}  # one for each speed and objective


@pytest.mark.parametrize(
    ("expr", "said"),
    [
        ("max by (node) (up", "does not parse"),
        ("max by (node) (up)", "compares nothing"),
        ("up == 0", "whatever the series have"),
        ("sum by (job) (http_requests_total) > 100", "read without a rate"),
        ("sum by (pod) (rate(kube_pod_container_status_restarts[15m])) > 5", "no counter"),
        ("histogram_quantile(0.95, sum by (job, le) (x_bucket)) > 0.5", "without their rate"),
        ("histogram_quantile(0.95, sum by (job) (rate(x_bucket[5m]))) > 0.5", "without le"),
        ("histogram_quantile(0.95, sum without (le) (rate(x_bucket[5m]))) > 0.5", "without le"),
        (
            "sum by (job, status) (rate(x_total[5m])) / sum by (job) (rate(x_total[5m])) > 0.05",
            "different labels",
        ),
        ("sum by (job) (rate(x_total[30s])) > 1", "fewer than 4 samples"),
    ],
)
def test_what_is_wrong_is_said(expr: str, said: str) -> None:
    found = problems({"alert": "X", "expr": expr, "labels": {}, "annotations": {}})
    assert any(said in problem for problem in found), found


def test_a_label_that_is_aggregated_away_is_missed_in_a_text() -> None:
    texts = {"summary": "{{ $labels.pod }} of {{ $labels.job }} {{ $labels.severity }}"}
    rule = {"alert": "X", "expr": "max by (job) (up) == 0", "labels": {"severity": "x"}, "annotations": texts}
    assert problems(rule) == ["summary names the label pod, which is aggregated away"]


@pytest.mark.parametrize(
    "expr",
    [
        "sum by (job) (rate(x_total[5m])) / on (job) sum by (job, pod) (rate(y_total[5m])) > 1",
        "max by (job) (time() - kube_pod_created > 5)",
        "max by (job) (up) == 0 and on (job) max by (job, pod) (up) == 1",
        'sum by (job) (increase(x_bucket{le="1"}[5m])) > 1',
        "1 - max by (job) (x) > 0.5",
    ],
)
def test_what_is_right_is_not_blamed(expr: str) -> None:
    assert problems({"alert": "X", "expr": expr, "labels": {}, "annotations": {}}) == []
