"""The rules that are made of objectives: what is shipped is what is made, and promtool proves it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from aftershock.slo.files import read_objectives
from aftershock.slo.objective import Objective
from aftershock.slo.rules import ALERT, groups_of, write_rules
from tests.unit.stack.rule_mutants import MARK, asking, mutants, renamed
from tests.unit.stack.test_rules import Bench

Render = Callable[[str], list[dict[str, Any]]]
Test = dict[str, Any]

OBJECTIVE = Objective(
    name="availability",
    service="shop",
    target=0.999,
    bad='sum(rate(requests_total{status="bad"}[{{.window}}]))',
    total="sum(rate(requests_total[{{.window}}]))",
)
BUDGET = 0.001
# Long and short window in minutes, bound as a share of requests, minutes between two evaluations.
BURNS = {
    "Page": ((60, 5, 14.4 * BUDGET, 5), (360, 30, 6 * BUDGET, 10)),
    "Ticket": ((1440, 120, 3 * BUDGET, 30), (4320, 360, 1 * BUDGET, 60)),
}
PAIRS = [(alert, number) for alert in BURNS for number in (0, 1)]


@pytest.fixture(scope="module")
def bench(promtool: str, tmp_path_factory: pytest.TempPathFactory) -> Bench:
    return Bench(promtool, tmp_path_factory.mktemp("slo"))


@pytest.fixture(scope="module")
def rules() -> list[dict[str, Any]]:
    [group] = groups_of([OBJECTIVE])
    return list(group["rules"])


def test_what_is_shipped_is_what_is_made(root: Path) -> None:
    files = [root / f"stack/monitoring/slo/{name}.yaml" for name in ("sample-app", "productpage")]
    shipped = (root / "stack/monitoring/base/rules/slo.yaml").read_text()
    assert shipped == write_rules(read_objectives(files), name="slo")


def series(*parts: tuple[int, float, float]) -> list[dict[str, str]]:
    """Return counters of all and of bad requests, of (minutes, requests per second, share of bad ones)."""
    values: dict[str, list[str]] = {"good": [], "bad": []}
    at = {"good": 0.0, "bad": 0.0}
    for minutes, rate, share in parts:
        steps = {"good": rate * 60 * (1 - share), "bad": rate * 60 * share}
        for status, step in steps.items():
            values[status].append(f"{at[status]:.10g}+{step:.10g}x{minutes - 1}")
            at[status] += step * minutes
    return [
        {"series": f'requests_total{{status="{status}"}}', "values": " ".join(pieces)}
        for status, pieces in values.items()
    ]


def case(alert: str, at: int, value: str | None, *parts: tuple[int, float, float]) -> Test:
    """Return a test that at minute `at` the alert fires with `value`, or does not where that is None."""
    severity = "critical" if alert == "Page" else "warning"
    failing = f"{value} of the requests to shop fail the objective availability"
    texts = {
        "summary": "shop spends its error budget (availability) too fast",
        "description": f"{failing}, of which 0.1 % may.",
        "runbook_url": "docs/runbooks/ErrorBudgetBurn.md",
    }
    labels = {"slo": "availability", "service": "shop", "severity": severity}
    expected = [{"exp_labels": labels, "exp_annotations": texts}] if value else []
    return {
        "interval": "1m",
        "input_series": series(*parts),
        "alert_rule_test": [{"alertname": alert, "eval_time": f"{at}m", "exp_alerts": expected}],
    }


def cases(alert: str, number: int) -> Iterator[Test]:
    long, short, bound, every = BURNS[alert][number]
    first = 3 * long // 4 + every
    above, below = 1.03 * bound, 0.97 * bound
    shown = f"{100 * above:.4g}%"
    # As soon as there is something in the long window's first quarter, and not before.
    yield case(alert, first - every, None, (first + 10, 10, above))
    yield case(alert, first, shown, (first + 10, 10, above))
    yield case(alert, first, None, (first + 10, 10, below))
    # The long window is above, the short one just below: it has nearly ceased.
    end = first + short + 2 * every
    yield case(alert, end, None, (first, 10, 1.5 * bound), (short + 2 * every + 5, 10, below))
    # The short window is above, the long one just below: a burst.
    yield case(alert, long + every, None, (long, 10, below), (every + 5, 10, 1.3 * bound))
    # Too few requests over the long window: idle in its first half, or busy only before it.
    half = long // 2
    yield case(alert, long + every, None, (half + every, 0.3, above), (half + 5, 1.6, above))
    yield case(alert, 2 * long + every, None, (long, 30, above), (long + every + 5, 0.97, above))
    yield case(alert, 2 * long + every, shown, (long, 0.5, above), (long + every + 5, 1.03, above))
    # It is over: the short window forgets first.
    yield case(alert, first + short + every, None, (first, 10, above), (short + every + 5, 10, 0))


RECORDS = {
    "interval": "1m",
    "input_series": series((60, 10, 0.1), (70, 30, 0.02)),
    "promql_expr_test": [
        {
            "expr": 'round(slo:error:ratio{window=~"5m|1h|2h"}, 0.01)',
            "eval_time": "125m",
            "exp_samples": [
                # 2 % of the last hour; over both hours 1 of 10 and 0.6 of 30 a second: not the
                # average of 10 % and 2 %.
                {"labels": '{slo="availability", service="shop", window="5m"}', "value": 0.02},
                {"labels": '{slo="availability", service="shop", window="1h"}', "value": 0.02},
                {"labels": '{slo="availability", service="shop", window="2h"}', "value": 0.04},
            ],
        },
        {
            "expr": "round(slo:budget:spent_ratio, 1)",
            "eval_time": "125m",
            "exp_samples": [{"labels": '{slo="availability", service="shop"}', "value": 39}],
        },
    ],
}
# Bad requests have no series, and nobody asks at all: no error, and no ratio.
SILENT = [
    {
        "interval": "1m",
        "input_series": [{"series": 'requests_total{status="good"}', "values": "0+60x30"}],
        "promql_expr_test": [
            {
                "expr": 'slo:error:ratio{window="5m"}',
                "eval_time": "20m",
                "exp_samples": [
                    {
                        "labels": 'slo:error:ratio{slo="availability", service="shop", window="5m"}',
                        "value": 0,
                    }
                ],
            }
        ],
    },
    {
        "interval": "1m",
        "input_series": [{"series": 'requests_total{status="good"}', "values": "5+0x30"}],
        "promql_expr_test": [{"expr": "slo:error:ratio", "eval_time": "20m", "exp_samples": []}],
    },
]


def named(rules: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Return the rules with the two alerts told apart by name."""
    names = iter(("Page", "Ticket"))
    return [{**rule, "alert": next(names)} if "alert" in rule else rule for rule in rules]


def test_the_alerts_of_an_objective_are_told_apart_by_severity(rules: list[dict[str, Any]]) -> None:
    alerts = [rule for rule in rules if "alert" in rule]
    assert [(rule["alert"], rule["labels"]["severity"]) for rule in alerts] == [
        (ALERT, "critical"),
        (ALERT, "warning"),
    ]


@pytest.mark.parametrize(("alert", "number"), PAIRS)
def test_a_budget_that_burns_too_fast_is_told(
    bench: Bench, rules: list[dict[str, Any]], alert: str, number: int
) -> None:
    stem = f"{alert}_{number}"
    content = {"evaluation_interval": f"{BURNS[alert][number][3]}m", "tests": list(cases(alert, number))}
    said = bench.run([bench.write(stem, named(rules), content)])
    assert said[stem].strip() == "SUCCESS", said[stem]


def test_ratios_are_of_sums(bench: Bench, rules: list[dict[str, Any]]) -> None:
    tests = [RECORDS, *SILENT]
    said = bench.run([bench.write("records", rules, {"evaluation_interval": "5m", "tests": tests})])
    assert said["records"].strip() == "SUCCESS", said["records"]


@pytest.mark.parametrize("alert", list(BURNS))
def test_every_mutant_is_caught(bench: Bench, rules: list[dict[str, Any]], alert: str) -> None:
    """Bounds, windows and labels; the rest is one template for all, and compared as it is written."""
    [rule] = [rule for rule in named(rules) if rule.get("alert") == alert]
    # How long the window's first quarter is does not matter much.
    quarters = tuple(f"window {burn[0] // 4}m" for burn in BURNS[alert])
    found = [
        (what, one)
        for what, one in mutants(rule, step_s=300)
        if what.startswith(("bound", "window", "label severity")) and not what.startswith(quarters)
    ]
    assert len(found) >= 18
    records = [rule for rule in rules if "record" in rule]
    text = ""
    for pair, burn in enumerate(BURNS[alert]):
        own = [number for number in range(len(found)) if _pair(found, number) == pair]
        others = [renamed(found[number][1], number) for number in own]
        tests = [asking(test, alert, own) for test in cases(alert, pair)]
        content = {"evaluation_interval": f"{burn[3]}m", "tests": tests}
        stem = f"mutants_{alert}_{pair}"
        text += bench.run([bench.write(stem, [*records, *others], content)])[stem]
    assert " err: " not in text
    assert [what for number, (what, _) in enumerate(found) if f"{MARK}{number}, time" not in text] == []


def _pair(found: list[tuple[str, Any]], number: int) -> int:
    """Return the pair of windows whose tests a mutant is for: of each kind the first half is of the first."""
    kind = found[number][0].split()[0]
    alike = [other for other, (what, _) in enumerate(found) if what.split()[0] == kind]
    return 0 if kind == "label" or alike.index(number) < len(alike) / 2 else 1
