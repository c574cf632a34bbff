"""What an expression looks at: metrics, windows, functions that compare, ages, offsets."""

from __future__ import annotations

import pytest

from aftershock.forecast.promql import read_expression, seconds

OOM = """
max by (namespace, pod, container) (
  kube_reason{reason="OOMKilled"} == 1   # rate(comment[9m])
    and on (namespace, pod)
  (time() - kube_timestamp{pod=~"a|b)"}) < 120
)
"""


@pytest.mark.parametrize(
    ("text", "expected"),
    [("5m", 300), ("1h30m", 5400), ("500ms", 0.5), ("0s", 0), ("1d", 86400), ("120", 120), ("1.5", 1.5)],
)
def test_durations_and_numbers(text: str, expected: float) -> None:
    assert seconds(text) == expected


@pytest.mark.parametrize("text", ["", "5 m", "m", "5x"])
def test_what_is_no_duration(text: str) -> None:
    with pytest.raises(ValueError, match="float"):
        seconds(text)


@pytest.mark.parametrize(
    ("expr", "metrics"),
    [
        (OOM, ("kube_reason", "kube_timestamp")),
        ("node:cpu:ratio > 0.80", ("node:cpu:ratio",)),
        ("sum(a) by (le, job) / sum without (x) (b)", ("a", "b")),
        ("a * on (x) group_left (y) b", ("a", "b")),
        ("histogram_quantile(0.95, sum by (le) (rate(h_bucket[5m]))) > .5", ("h_bucket",)),
        ('{__name__="a", x="y"} > 0', ("a",)),
        ('{"a.b", x="y"} > 0', ("a.b",)),
        ('absent(up{job="a"}) or vector(1) > bool 2', ("up",)),
        ("max_over_time(rate(a[1m])[5m:30s]) > Inf", ("a",)),
        ("a{b=\"sum(c)\"} unless d{e='}'}", ("a", "d")),
        ("a > 1 and a < 3", ("a",)),
        ('{__name__=~"a|b"}', ("",)),
    ],
)
def test_metrics_are_found_and_nothing_else(expr: str, metrics: tuple[str, ...]) -> None:
    assert read_expression(expr).metrics == metrics


def test_the_window_and_the_function_around_it() -> None:
    found = read_expression('sum(rate(a{s=~"5.."}[1m])) / sum(max_over_time(b[2m])) > c')
    assert [(s.text, s.window_s, s.differs) for s in found.selectors] == [
        ('a{s=~"5.."}', 60, True),
        ("b", 120, False),
        ("c", 0, False),
    ]
    assert found.window_s == 120


def test_the_range_of_a_subquery_counts_too() -> None:
    assert read_expression("max_over_time(rate(a[1m])[5m:30s]) > 1").window_s == 360


@pytest.mark.parametrize(
    ("expr", "lasts_s"),
    [
        (OOM, 120),
        ('time() - a{x="y"} < 1h', 3600),
        ("(time() - a) <= 90", 90),
        ("time() - a > 120", None),
        ("time() - a < 1e+06", None),
        ("time() - a < 120 and b", 120),
        ("a - b < 120", None),
        ("(time() - a) < b", None),
    ],
)
def test_a_condition_that_ends_by_its_age(expr: str, lasts_s: float | None) -> None:
    assert read_expression(expr).lasts_s == lasts_s


def test_an_offset_is_seen() -> None:
    assert read_expression("a - a offset 1d > 3").offset_s == 86400
    assert read_expression("a > 3").offset_s == 0
