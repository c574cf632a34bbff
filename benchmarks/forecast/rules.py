"""The alert rules: what they read, and how long they wait, in many combinations."""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from benchmarks.forecast.exporter import STEPS_PER_S, Kind

__all__ = ["FILLING", "PREFIX", "WINDOW_S", "Rule", "draw", "groups"]

PREFIX = "ForecastBench"

FILLING = "a window that has to fill"
"""The kind whose condition is not true from its first sample on: its point is not meant to hold."""

WINDOW_S = 20

# Kinds, each with its share of sixteen rules.
_SHARES = {
    "a gauge": 5,
    "rate() of a counter": 3,
    "increase() of a counter without series yet": 2,
    "a recording rule in another group": 2,
    "a recording rule in the same group": 1,
    "a sum, or the most of a window": 3,
}
_FOR_S = (0, 2, 7, 0, 12, 4, 11)
"""No multiples of most of the intervals, so that `for` has to be rounded up."""
_EVERY_S = (0, 3, 0, 7, 2)
"""Of groups, 0 for the stack's own interval. Seven, five, sixteen and every third by the slow port: no
two have a common divisor, so that the rules of each kind get different combinations."""


@dataclass(frozen=True, kw_only=True)
class Rule:
    """One alert rule in a group of its own, and the signal that it reads.

    `slow` says by which of the exporter's ports; `every_s` is the group's interval, 0 for the
    stack's own; `record` the expression of a recording rule before it, evaluated with it or,
    if `apart`, in another group every `record_every_s`.
    """

    alert: str
    kind: str
    signal: str
    signal_kind: Kind
    slow: bool
    expr: str
    for_s: int = 0
    every_s: int = 0
    record: str = ""
    apart: bool = False
    record_every_s: int = 4

    @property
    def recorded(self) -> str:
        """The name under which `record` is kept."""
        return f"{self.signal}:recorded"


def draw(count: int, *, filling: int) -> list[Rule]:
    """Return `count` rules whose condition is true from its first sample on, then `filling` others."""
    kinds = [*itertools.islice(itertools.cycle(_in_turn()), count), *[FILLING] * filling]
    return [_rule(number, kind) for number, kind in enumerate(kinds)]


def groups(rules: Sequence[Rule]) -> list[dict[str, Any]]:
    """Return them as the groups of a PrometheusRule."""
    found = []
    for rule in rules:
        own: dict[str, Any] = {"name": rule.alert, "rules": [_alert(rule)]}
        if rule.every_s:
            own["interval"] = f"{rule.every_s}s"
        if rule.record:
            record = {"record": rule.recorded, "expr": rule.record}
            if rule.apart:
                every = f"{rule.record_every_s}s"
                found.append({"name": f"{rule.alert}-records", "interval": every, "rules": [record]})
            else:
                own["rules"].insert(0, record)
        found.append(own)
    return found


def _in_turn() -> Iterator[str]:
    """Yield the kinds, mixed, each as often as its share says."""
    left = dict(_SHARES)
    while any(left.values()):
        for kind in _SHARES:
            if left[kind]:
                left[kind] -= 1
                yield kind


def _rule(number: int, kind: str) -> Rule:
    signal = f"forecast_bench_{number:02d}"
    signal_kind: Kind = "gauge"
    record, apart = "", False
    if kind == "rate() of a counter":
        signal_kind, expr = "counter", f"rate({signal}[{WINDOW_S}s]) > 0"
    elif kind == "increase() of a counter without series yet":
        signal_kind, expr = "new-counter", f"increase({signal}[{WINDOW_S}s]) > 0"
    elif kind.startswith("a recording rule"):
        record, apart = f"sum by (job) ({signal})", "another" in kind
        expr = f"{signal}:recorded == 1"
    elif kind == "a sum, or the most of a window":
        expr = f"max_over_time({signal}[{WINDOW_S}s]) > 0" if number % 2 else f"sum by (job) ({signal}) > 0"
    elif kind == FILLING and number % 2:
        signal_kind, expr = "counter", f"rate({signal}[{WINDOW_S}s]) > {STEPS_PER_S / 2:g}"
    elif kind == FILLING:
        expr = f"avg_over_time({signal}[{WINDOW_S}s]) > 0.5"
    else:
        expr = f"{signal} == 1"
    return Rule(
        alert=f"{PREFIX}{number:02d}",
        kind=kind,
        signal=signal,
        signal_kind=signal_kind,
        slow=number % 3 == 0,
        expr=expr,
        for_s=_FOR_S[number % len(_FOR_S)],
        every_s=_EVERY_S[number % len(_EVERY_S)],
        record=record,
        apart=apart,
    )


def _alert(rule: Rule) -> dict[str, Any]:
    alert: dict[str, Any] = {"alert": rule.alert, "expr": rule.expr, "labels": {"severity": "none"}}
    return {**alert, "for": f"{rule.for_s}s"} if rule.for_s else alert
