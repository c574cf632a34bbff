from __future__ import annotations

from collections import Counter

import pytest

from aftershock.forecast.promql import read_expression
from benchmarks.forecast.rules import FILLING, Rule, draw, groups

RULES = draw(50, filling=6)


def test_as_many_as_asked_for_each_with_a_name_and_a_signal_of_its_own() -> None:
    assert len(RULES) == 56
    assert [rule.kind == FILLING for rule in RULES] == [False] * 50 + [True] * 6
    assert len({rule.alert for rule in RULES}) == len({rule.signal for rule in RULES}) == 56
    assert len({group["name"] for group in groups(RULES)}) == len(groups(RULES))


def test_every_kind_comes_and_with_different_waits_and_intervals() -> None:
    counts = Counter(rule.kind for rule in RULES)
    assert len(counts) == 7
    assert min(counts.values()) >= 3
    for kind in counts:
        own = [rule for rule in RULES if rule.kind == kind]
        assert len({(rule.for_s, rule.every_s, rule.slow) for rule in own}) >= 3, kind


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule.alert)
def test_a_rule_reads_its_signal_and_nothing_else(rule: Rule) -> None:
    read = set(read_expression(rule.expr).metrics)
    if rule.record:
        assert read == {rule.recorded}
        read = set(read_expression(rule.record).metrics)
    assert read == {rule.signal}
    compares = any(selector.differs for selector in read_expression(rule.expr).selectors)
    assert compares == (rule.signal_kind != "gauge")


def test_groups_hold_the_recording_rule_before_its_reader_or_apart_from_it() -> None:
    together = next(r for r in RULES if r.record and not r.apart)
    (group,) = groups([together])
    assert [next(iter(rule)) for rule in group["rules"]] == ["record", "alert"]
    apart = next(r for r in RULES if r.apart)
    records, alerts = groups([apart])
    assert records["rules"] == [{"record": apart.recorded, "expr": apart.record}]
    assert alerts["rules"][0]["alert"] == apart.alert


def test_without_for_and_interval_the_group_says_nothing_of_them() -> None:
    rule = Rule(alert="A", kind="k", signal="s", signal_kind="gauge", slow=False, expr="s == 1")
    (group,) = groups([rule])
    assert "interval" not in group
    assert "for" not in group["rules"][0]
