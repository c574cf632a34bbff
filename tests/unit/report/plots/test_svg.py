"""The primitives of pictures: scales, ticks, and text that cannot break out."""

from __future__ import annotations

from xml.etree import ElementTree as ET

import pytest

from aftershock.report.plots.svg import Scale, document, shortened, steps, text, time_ticks, top_of
from aftershock.report.plots.words import milliseconds, signed

MINUS = "\N{MINUS SIGN}"


def test_a_scale_is_linear_and_ends_at_its_edges() -> None:
    scale = Scale(0, 10, 100, 200)
    assert [scale(value) for value in (-5, 0, 5, 10, 50)] == [100, 100, 150, 200, 200]
    assert Scale(3, 3, 0, 9)(3) == 0


@pytest.mark.parametrize(
    ("low", "high", "expected"),
    [
        (-10, 35, [-10, -5, 0, 5, 10, 15, 20, 25, 30, 35]),
        (0, 130, [0, 15, 30, 45, 60, 75, 90, 105, 120]),
        (-0.5, 3.2, [0, 1, 2, 3]),
    ],
)
def test_ticks_are_whole_and_hold_the_fault(low: float, high: float, expected: list[int]) -> None:
    assert time_ticks(low, high) == [tick for tick in expected if low <= tick <= high]
    assert len(time_ticks(low, high)) <= 10


@pytest.mark.parametrize("most", [0.02, 0.4, 1, 7.7, 99, 118.9, 1153, 26_000])
def test_nothing_is_above_the_top(most: float) -> None:
    assert most <= top_of([0, most]) <= max(10 * most, 0.1)


def test_no_values_have_a_top() -> None:
    assert top_of([]) == 1.0


def test_steps_hold_each_value_until_the_next() -> None:
    assert 'd="M0.0 5.0H10.0V8.0H20.0"' in steps([(0, 5), (10, 8)], until=20, classes="x")
    assert not steps([], until=20, classes="x")


def test_text_is_escaped_and_redacted() -> None:
    assert text(1, 2, "<b>&</b>") == '<text x="1.0" y="2.0">&lt;b&gt;&amp;&lt;/b&gt;</text>'
    assert "hunter22" not in text(0, 0, "password: hunter22")


def test_a_picture_is_well_formed_and_says_what_it_shows() -> None:
    root = ET.fromstring(document([], width=10, height=5, title='a "b" <c>', about="d & e", alone=True))
    assert root.get("role") == "img"
    assert root.get("aria-label") == 'a "b" <c>. d & e'
    assert [child.tag.rpartition("}")[2] for child in root] == ["title", "desc", "style", "rect"]
    inner = ET.fromstring(document([], width=10, height=5, title="a", about="b", alone=False))
    assert not inner.findall("{*}style")  # the page has the colours


def test_words() -> None:
    assert [signed(seconds) for seconds in (0.01, 30, -10.04, 125)] == [
        "0",
        "+30 s",
        f"{MINUS}10 s",
        "+2 min 5 s",
    ]
    assert [milliseconds(ms) for ms in (4.2, 1153)] == ["4.2 ms", "1.15 s"]
    assert shortened("a-long-name-of-a-workload", 64) == "a-long-na…"
