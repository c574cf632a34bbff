"""Rules with one thing changed: each must make a test fail, or the tests do not hold that thing.

All mutants of a rule are evaluated beside one another, under names of their own, against the series of the
rule's own tests: the price is one more run of promtool, not one for each mutant.
"""

from __future__ import annotations

import copy
import re
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

Rule = dict[str, Any]
Group = Mapping[str, Any]

SMALL = 20
SHARE = 0.05
UNITS = {"ms": 0.001, "s": 1.0, "m": 60.0, "h": 3600.0, "d": 86400.0}
MARK = "__mutant_"

_BOUND = re.compile(r"(?<=[<>=] )\d+(?:\.\d+)?|(?<=\(\n  )0\.95")
_WINDOW = re.compile(r"(?<=\[)\d+[smhd](?=\])")
_BRACES = re.compile(r"\{([^}]*)\}")
_MATCHER = re.compile(r'\s*([a-z_]+)(=~|!~|!=|=)"([^"]*)"\s*')
_LABELS = re.compile(r"(?:(?<=\bby \()|(?<=\bon \())[a-z_, ]+(?=\))")
_METRIC = re.compile(r"\b(?:up|[a-z]+(?:[_:][a-z0-9]+)+)\b(?=\{|\[|\s|\)|$)")
_IN_BRACKETS = re.compile(r"\{[^}]*\}|(?<=y )\([a-z_, ]+\)|(?<=n )\([a-z_, ]+\)")
_NOT_METRICS = frozenset({"histogram_quantile", "min_over_time", "sum_over_time", "count_over_time"})


def seconds(text: str) -> float:
    """Return a duration in seconds; "" is 0."""
    return sum(float(number) * UNITS[unit] for number, unit in re.findall(r"(\d+)(ms|[smhd])", text))


def name_of(rule: Rule) -> str:
    return str(rule.get("alert") or rule["record"])


def needed(groups: list[Group], name: str) -> list[Rule]:
    """Return the rule of that name and, before it, the records that it reads."""
    rules = [rule for group in groups for rule in group["rules"]]
    own = [rule for rule in rules if name_of(rule) == name]
    found: list[Rule] = []
    for rule in rules:
        read = "record" in rule and any(rule["record"] in other["expr"] for other in own)
        found += [*needed(groups, rule["record"])] if read and rule["record"] != name else []
    return [rule for rule in found if rule not in own] + own


def mutants(rule: Rule, *, step_s: float) -> Iterator[tuple[str, Rule]]:
    """Yield what was changed, and the rule with it; `step_s` is one evaluation of its tests."""
    for what, expr in _expressions(rule["expr"]):
        yield what, {**rule, "expr": expr}
    if "record" in rule:
        return
    held = seconds(rule.get("for", ""))
    for changed in {held + step_s, held - step_s}:
        if changed >= 0:
            yield f"for {changed:g}s", {**rule, "for": f"{changed:g}s"}
    for label in rule["labels"]:
        dropped = copy.deepcopy(rule)
        del dropped["labels"][label]
        yield f"label {label} dropped", dropped
        yield f"label {label} changed", {**rule, "labels": {**rule["labels"], label: "other"}}


def _expressions(expr: str) -> Iterator[tuple[str, str]]:
    for change in (_bounds, _windows, _matchers, _labels, _metrics):
        for match, what, text in change(expr):
            yield what, expr[: match.start()] + text + expr[match.end() :]


Change = tuple[re.Match[str], str, str]


def _bounds(expr: str) -> Iterator[Change]:
    for match in _BOUND.finditer(expr):
        number = float(match.group())
        apart = 1 if number == int(number) and number <= SMALL else number * SHARE
        for other in (number - apart, number + apart):
            yield match, f"bound {match.group()} → {other:g}", f"{other:g}"


def _windows(expr: str) -> Iterator[Change]:
    for match in _WINDOW.finditer(expr):
        for factor in (0.5, 2):
            other = f"{seconds(match.group()) * factor:g}s"
            yield match, f"window {match.group()} → {other}", other


def _matchers(expr: str) -> Iterator[Change]:
    for match in _BRACES.finditer(expr):
        matchers = _MATCHER.findall(match.group(1))
        for place, (label, sign, value) in enumerate(matchers):
            rest = [f'{a}{b}"{c}"' for number, (a, b, c) in enumerate(matchers) if number != place]
            other = [*rest, f'{label}{sign}"{value}-other"']
            yield match, f"matcher {label}{sign}{value} dropped", "{" + ", ".join(rest) + "}"
            yield match, f"matcher {label}{sign}{value} changed", "{" + ", ".join(other) + "}"


def _labels(expr: str) -> Iterator[Change]:
    for match in _LABELS.finditer(expr):
        labels = [label.strip() for label in match.group().split(",")]
        for label in labels:
            rest = ", ".join(other for other in labels if other != label)
            yield match, f"without {label} in ({match.group()})", rest


def _metrics(expr: str) -> Iterator[Change]:
    # Blanked, so that what is found stands where it stands in the expression.
    bare = _IN_BRACKETS.sub(lambda found: "{" + " " * (len(found.group()) - 1), expr)
    for match in _METRIC.finditer(bare):
        if match.group() not in _NOT_METRICS:
            yield match, f"metric {match.group()}", f"{match.group()}_other"


def renamed(rule: Rule, number: int) -> Rule:
    """Return the rule under the name of its mutant `number`."""
    key = "alert" if "alert" in rule else "record"
    return {**rule, key: f"{rule[key]}{MARK}{number}"}


def asked_of(node: Any, name: str, other: str) -> Any:
    """Return a test's content with `name` replaced by `other`, except in the series it is given."""
    if isinstance(node, dict):
        return {key: asked_of(value, name, other) for key, value in node.items()}
    if isinstance(node, list):
        return [asked_of(item, name, other) for item in node]
    return re.sub(rf"(?<![\w:/]){re.escape(name)}(?![\w:.])", other, node) if isinstance(node, str) else node


def asking(test: dict[str, Any], name: str, numbers: Iterable[int]) -> dict[str, Any]:
    """Return a test that asks of each of those mutants what it asked of the rule `name`."""
    asked = [key for key in ("alert_rule_test", "promql_expr_test") if key in test]
    others = [f"{name}{MARK}{number}" for number in numbers]
    return {
        "interval": test["interval"],
        "input_series": test.get("input_series", []),
        **{key: [asked_of(item, name, other) for other in others for item in test[key]] for key in asked},
    }
