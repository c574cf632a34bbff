"""The picture of a scenario: everything is in it, in words too, and nothing comes from outside."""

from __future__ import annotations

import re
from xml.etree import ElementTree as ET

import pytest

from aftershock.report.plots.course import course_of
from aftershock.report.plots.style import COLOURS
from aftershock.report.plots.timeline import timeline_plot
from tests.conformance.generator import healthy_web
from tests.unit.report.told import FIRED, RECOVERED, SILENT, story

SVG = "{http://www.w3.org/2000/svg}"


def drawn(events: list, verdicts: list, *, name: str = "A pod is killed", alone: bool = True) -> ET.Element:
    course = course_of(events, verdicts)
    assert course is not None
    return ET.fromstring(timeline_plot(course, name=name, alone=alone))


@pytest.fixture
def picture() -> ET.Element:
    return drawn(story().timeline, [FIRED, RECOVERED, SILENT])


def words(picture: ET.Element) -> list[str]:
    return [element.text or "" for element in picture.iter(f"{SVG}text")]


def test_everything_is_named(picture: ET.Element) -> None:
    said = words(picture)
    for expected in (
        "out-of-memory",
        "landed after 2 s",
        "PodOOMKilled",
        "fired +9 s",
        "PodNotReady",
        "fired +62 s, not expected",
        "web",
        "recovered in 4.5 s (objective 30 s)",
        "3.31 % of 181 failed",
        "p95 up to 2 ms",
    ):
        assert any(expected in line for line in said), (expected, said)


def test_times_are_told_from_the_fault_and_in_utc(picture: ET.Element) -> None:
    said = words(picture)
    assert {"0", "+15 s", "\N{MINUS SIGN}15 s", "from the fault", "UTC"} <= set(said)
    assert "12:00:00" in said
    assert any("the fault at 12:00:00.000 UTC" in line for line in said)


def test_it_is_told_to_those_who_do_not_see_it(picture: ET.Element) -> None:
    assert picture.findtext(f"{SVG}title") == "A pod is killed"
    about = picture.findtext(f"{SVG}desc") or ""
    assert "one pod of 3 (seed 4711) at 12:00:00.000 UTC." in about
    assert "PodOOMKilled fired at 12:00:09.000, as expected." in about
    assert "PodNotReady fired at 12:01:02.000, not expected." in about
    assert "deployment/demo/web was whole again after 4.500 s." in about


def test_nothing_is_drawn_outside(picture: ET.Element) -> None:
    _, _, width, height = map(float, (picture.get("viewBox") or "").split())
    for box in picture.iter(f"{SVG}rect"):
        x, y = float(box.get("x") or 0), float(box.get("y") or 0)
        assert 0 <= x <= x + float(box.get("width") or 0) <= width + 0.1
        assert 0 <= y <= y + float(box.get("height") or 0) <= height + 0.1
    for element in picture.iter(f"{SVG}text"):
        assert 0 <= float(element.get("y") or 0) <= height


def test_nothing_comes_from_outside(picture: ET.Element) -> None:
    text = ET.tostring(picture, encoding="unicode")
    assert not re.search(r"(href|src|url\()", text)
    assert not picture.findall(f".//{SVG}script")


def test_a_wide_record_stays_small() -> None:
    told = healthy_web().injected(0).probes(-60, 3600, rate=5.0).end(3600)
    course = course_of(told.timeline, [])
    assert course is not None
    assert len(timeline_plot(course, name="long")) < 60_000


def test_hostile_names_are_text() -> None:
    picture = drawn(healthy_web().injected(0).end(9).timeline, [], name="<script>x</script>")
    assert picture.findtext(f"{SVG}title") == "<script>x</script>"
    assert not picture.findall(f".//{SVG}script")


def test_nothing_at_all_is_drawn_too() -> None:
    said = words(drawn(healthy_web().end(9).timeline, []))
    assert any("no fault, no load" in line for line in said)


@pytest.mark.parametrize("theme", [0, 1], ids=["light", "dark"])
def test_words_can_be_read_on_the_paper(theme: int) -> None:
    paper = luminance(COLOURS["paper"][theme])
    for name in COLOURS.keys() - {"paper", "grid"}:
        light, dark = sorted((luminance(COLOURS[name][theme]), paper), reverse=True)
        contrast = (light + 0.05) / (dark + 0.05)  # WCAG 2.2, contrast ratio
        assert contrast >= 4.5, (name, contrast)


def luminance(colour: str) -> float:
    """Relative luminance as WCAG 2.2 defines it."""
    parts = [int(colour[place : place + 2], 16) / 255 for place in (1, 3, 5)]
    red, green, blue = (p / 12.92 if p <= 0.04045 else ((p + 0.055) / 1.055) ** 2.4 for p in parts)
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue
