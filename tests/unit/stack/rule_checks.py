"""What is wrong with a rule that parses: each check reads the syntax tree of PromQL.

pint has checks of this kind, and cannot be had as a Go module everywhere; these are the ones that tell
without a Prometheus.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from typing import Any

import promql_parser as promql

Rule = dict[str, Any]
Check = Callable[[Rule, Any], Iterator[str]]

_OF_COUNTERS = frozenset({"rate", "increase", "irate"})
_COMPARISONS = frozenset({"==", "!=", ">", "<", ">=", "<="})
_SETS = frozenset({"and", "or", "unless"})
_COUNTER = re.compile(r".*(_total|_count|_sum|_bucket)$")
_IN_TEMPLATE = re.compile(r"\$labels\.([a-zA-Z_]\w*)")
_LEAST_SAMPLES = 4
SCRAPE_S = 15.0  # the longest scrape interval of the stack


def problems(rule: Rule) -> list[str]:
    """Return everything that is wrong with `rule`."""
    try:
        tree = promql.parse(rule["expr"])
    except ValueError as error:
        return [f"it does not parse: {error}"]
    return [problem for check in CHECKS for problem in check(rule, tree)]


def nodes(tree: Any) -> Iterator[Any]:
    """Yield every node of a syntax tree, itself first."""
    yield tree
    for name in ("lhs", "rhs", "expr", "param", "vector_selector"):
        child = getattr(tree, name, None)
        if child is not None and not isinstance(child, str):
            yield from nodes(child)
    for child in getattr(tree, "args", None) or ():
        yield from nodes(child)


def compares(rule: Rule, tree: Any) -> Iterator[str]:
    """An alert without a comparison fires for every series that there is, whatever its value."""
    if "alert" in rule and not any(_operator(node) in _COMPARISONS for node in nodes(tree)):
        yield "it compares nothing, and so fires for every series"


def rates_counters(rule: Rule, tree: Any) -> Iterator[str]:
    """A counter is compared or summed by its rate; a gauge has none."""
    rated: set[str] = set()
    windowed: set[str] = set()
    for node in nodes(tree):
        if isinstance(node, promql.Call):
            ranges = [arg for arg in node.args if isinstance(arg, promql.MatrixSelector)]
            names = {arg.vector_selector.name or "" for arg in ranges}
            windowed |= names
            if node.func.name in _OF_COUNTERS:
                rated |= names
                yield from (
                    f"{node.func.name}() of {name}, which is no counter" for name in names if _gauge(name)
                )
    for node in nodes(tree):
        name = getattr(node, "name", "") if isinstance(node, promql.VectorSelector) else ""
        if name and _COUNTER.match(name) and name not in rated | windowed:
            yield f"{name} is a counter and is read without a rate"


def quantiles_of_rates(rule: Rule, tree: Any) -> Iterator[str]:
    """A quantile needs `le` and the rate of the buckets."""
    for node in nodes(tree):
        if isinstance(node, promql.Call) and node.func.name == "histogram_quantile":
            inner = list(nodes(node.args[1]))
            if not any(isinstance(n, promql.Call) and n.func.name in _OF_COUNTERS for n in inner):
                yield "a quantile of buckets without their rate"
            kept = [n.modifier for n in inner if isinstance(n, promql.AggregateExpr)]
            if any(not _keeps(modifier, "le") for modifier in kept):
                yield "a quantile of an aggregation without le"


def matches_equal_labels(rule: Rule, tree: Any) -> Iterator[str]:
    """Arithmetic between vectors matches equal labels: both sides aggregated alike, or on given ones."""
    for node in nodes(tree):
        if not isinstance(node, promql.BinaryExpr) or _operator(node) in _SETS:
            continue
        left, right = _labels(node.lhs), _labels(node.rhs)
        chosen = node.modifier is not None and node.modifier.matching is not None
        if not chosen and left is not None and right is not None and left != right:
            yield f"the sides of {_operator(node)} have different labels: {sorted(left)}, {sorted(right)}"


def windows_hold_samples(rule: Rule, tree: Any) -> Iterator[str]:
    """A window of fewer than four scrapes is empty as soon as one of them fails."""
    for node in nodes(tree):
        if isinstance(node, promql.MatrixSelector):
            window_s = node.range.total_seconds()
            if window_s < _LEAST_SAMPLES * SCRAPE_S:
                yield f"a window of {window_s:g} s holds fewer than {_LEAST_SAMPLES} samples"


def names_labels_that_are_there(rule: Rule, tree: Any) -> Iterator[str]:
    """A template that names a label which the expression aggregates away shows nothing."""
    labels = _labels(tree)
    if labels is None:
        return
    known = labels | set(rule.get("labels", {}))
    for name, text in rule.get("annotations", {}).items():
        yield from (
            f"{name} names the label {label}, which is aggregated away"
            for label in _IN_TEMPLATE.findall(text)
            if label not in known
        )


def aggregates(rule: Rule, tree: Any) -> Iterator[str]:
    """An alert's labels are chosen: those of a scrape (pod, instance) change when its exporter does."""
    records = [n for n in nodes(tree) if isinstance(n, promql.VectorSelector) and ":" in (n.name or "")]
    if "alert" in rule and _labels(tree) is None and not records:
        yield "its labels are whatever the series have"


def _operator(node: Any) -> str:
    return str(node.op) if isinstance(node, promql.BinaryExpr) else ""


def _gauge(name: str) -> bool:
    return bool(name) and not _COUNTER.match(name) and ":" not in name


def _keeps(modifier: Any, label: str) -> bool:
    if modifier is None:
        return False
    by = modifier.type == promql.AggModifierType.By
    return (label in modifier.labels) is by


def _labels(tree: Any) -> set[str] | None:
    """Return the labels of an expression's result; None where they are those of the series."""
    if isinstance(tree, promql.ParenExpr):
        return _labels(tree.expr)
    if isinstance(tree, promql.AggregateExpr):
        modifier = tree.modifier
        if modifier is None:
            return set()
        return set(modifier.labels) if modifier.type == promql.AggModifierType.By else None
    if isinstance(tree, promql.Call) and tree.func.name == "histogram_quantile":
        inner = _labels(tree.args[1])
        return None if inner is None else inner - {"le"}
    if isinstance(tree, promql.BinaryExpr):
        return _labels(tree.rhs) if isinstance(tree.lhs, promql.NumberLiteral) else _labels(tree.lhs)
    return None


CHECKS: tuple[Check, ...] = (
    compares,
    rates_counters,
    quantiles_of_rates,
    matches_equal_labels,
    windows_hold_samples,
    names_labels_that_are_there,
    aggregates,
)
