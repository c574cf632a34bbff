"""The HTML and the Markdown: well-formed, whole, escaped, with nothing from outside, within the limit."""

from __future__ import annotations

import re
from html.parser import HTMLParser
from pathlib import Path

import msgspec
import pytest

from aftershock.report.gameday.build import build_day
from aftershock.report.gameday.model import Day
from aftershock.report.gameday.render import MOST_BYTES, as_html, as_markdown, verdicts_as_html
from aftershock.report.gameday.write import add_to_summary, write_gameday
from aftershock.verdict import met
from tests.conformance.generator import healthy_web
from tests.unit.report.told import scenario, write_run, write_scenario

VOID = {"meta", "br", "link", "input", "hr", "img"}
HOSTILE = '<img src=x onerror="alert(1)"> | **x** [a](http://evil.example) `c`\n# head'
SECRET = "eyJhbGciOiJSUzI1NiIsImtpZCI6Ing.eyJpc3MiOiJrdWJlcm5ldGVzL3NlcnZ.c2lnbmF0dXJl"


class Parsed(HTMLParser):
    """Tags in order; every one that was opened must be closed in turn."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.open: list[str] = []
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.words: list[str] = []
        self.feed(text)
        self.close()
        assert self.open == []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))
        if tag not in VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        self.words.append(data)

    @property
    def text(self) -> str:
        return " ".join(" ".join(self.words).split())


@pytest.fixture
def day(tmp_path: Path) -> Day:
    return build_day(write_run(tmp_path / "r1"))


@pytest.fixture
def hostile(tmp_path: Path) -> Day:
    run = write_run(
        tmp_path / "r1", planned=("bad",), why=HOSTILE, state="stopped", environment={"x": HOSTILE}
    )
    record = scenario(HOSTILE, message=f"{HOSTILE} {SECRET}", feature=HOSTILE, example=(("v", HOSTILE),))
    verdict = met(HOSTILE, expected=HOSTILE, observed=HOSTILE, evidence=(HOSTILE, SECRET), query=HOSTILE)
    story = healthy_web().injected(0, HOSTILE).alerts(-60, 30, (HOSTILE, 3, 9)).end(30)
    write_scenario(run / "bad", record, story.timeline, [verdict])
    (run / "bad" / "forecast.txt").write_text(f"{HOSTILE} {SECRET}", encoding="utf-8")
    (run / "findings.yaml").write_text(f"- what: {HOSTILE!r}\n", encoding="utf-8")
    return build_day(run)


def test_the_page_is_whole_and_well_formed(day: Day) -> None:
    page = Parsed(as_html(day))
    for expected in (
        "A pod is killed",
        "PodOOMKilled fires within 20 seconds",
        "one pod of 3 (seed 4711)",
        "PodNotReady fired, 62 s after the fault, and no step speaks of it",
        "4.50 s ± 0.2 s",
        "web: 99.9 % over 30 days is a budget of 43 min 12 s",
        "No earlier runs.",
        "Minute by minute",
        "minute 2",
        "3 of 5 objectives were met, 1 violated, 1 not known.",
        "not run: And web answers throughout",
        "it had no turn",
    ):
        assert expected in page.text, expected
    assert len([tag for tag, _ in page.tags if tag == "svg"]) == 2
    assert [attrs["data-id"] for tag, attrs in page.tags if "data-id" in attrs] == [
        f.id for f in day.findings
    ]


def test_every_link_leads_to_a_place_in_the_page(day: Day) -> None:
    page = Parsed(as_html(day))
    ids = [attrs["id"] for _, attrs in page.tags if "id" in attrs]
    assert len(ids) == len(set(ids))
    links = [attrs["href"] or "" for tag, attrs in page.tags if tag == "a"]
    assert links
    assert {link.removeprefix("#") for link in links} <= set(ids)


def test_nothing_comes_from_outside(day: Day) -> None:
    text = as_html(day)
    assert not re.search(r"""(?i)(src|href|action|srcset|poster)\s*=\s*["']?(?:https?:)?//""", text)
    assert not re.search(r"(?i)@import|url\(", text)
    page = Parsed(text)
    assert not {"link", "iframe", "object", "embed", "img", "base"} & {tag for tag, _ in page.tags}
    policy = next(a["content"] for tag, a in page.tags if a.get("http-equiv") == "Content-Security-Policy")
    assert "default-src 'none'" in (policy or "")


def test_colours_of_the_page_and_the_pictures_are_one_set(day: Day) -> None:
    text = as_html(day)
    defined = set(re.findall(r"(--[\w-]+):", text))
    assert set(re.findall(r"var\((--[\w-]+)", text)) <= defined
    assert text.count("prefers-color-scheme: dark") == 2  # one for the pictures' colours, one for the page's


def test_hostile_text_is_text(hostile: Day) -> None:
    page = Parsed(as_html(hostile))
    assert not [tag for tag, _ in page.tags if tag == "img"]
    assert not [attrs for _, attrs in page.tags if any(name.startswith("on") for name in attrs)]
    assert 'onerror="alert(1)"' in page.text


def test_hostile_text_does_not_break_the_markdown(hostile: Day) -> None:
    text = as_markdown(hostile)
    assert "<img" not in text
    for line in text.splitlines():
        assert not line.startswith("# ") or line == "# Game day"
        if line.startswith("|"):
            assert len(re.findall(r"(?<!\\)\|", line)) in {6, 7, 4}
    assert "\\*\\*x\\*\\*" in text


@pytest.mark.parametrize("render", [as_html, as_markdown])
def test_credentials_stay_out(hostile: Day, render) -> None:
    assert SECRET not in render(hostile)
    assert "redacted" in render(hostile)


def test_the_markdown_has_it_all(day: Day) -> None:
    text = as_markdown(day)
    assert text.startswith("# Game day\n")
    assert "**1 held, 1 not held, 1 not run**" in text
    assert (
        "| ✗ not held | A pod is killed | out-of-memory on web-1 | 4.50 s ± 0.2 s | 2 (1 not expected) |"
        in text
    )
    assert "- +9 s (12:00:09) alert: PodOOMKilled fires (namespace=demo)" in text
    assert "\n\n\n" not in text


@pytest.mark.parametrize(("share", "minutes"), [(1.0, True), (0.75, False)])
def test_what_is_too_long_loses_its_minutes_first(day: Day, share: float, minutes: bool) -> None:
    most = int(len(as_markdown(day).encode()) * share)
    text = as_markdown(day, most=most)
    assert len(text.encode()) <= most
    assert ("minute 1" in text) == minutes
    assert "## ✗ A pod is killed" in text


@pytest.mark.parametrize("most", [0, 10, 300, 1500])
def test_the_limit_holds_whatever_it_is(day: Day, most: int) -> None:
    text = as_markdown(day, most=most)
    assert len(text.encode()) <= most
    assert not text or "The rest is left out" in text


@pytest.mark.parametrize(
    ("state", "said"),
    [
        ("running", "had not ended"),
        ("interrupted", "interrupted by hand"),
        ("stopped", "stopped: an SLO burns"),
    ],
)
def test_a_run_that_did_not_finish_says_so(day: Day, state: str, said: str) -> None:
    run = msgspec.structs.replace(day.run, state=state, why="an SLO burns")
    changed = Day(title=day.title, run=run, owners=(), pages=day.pages, findings=())
    assert said in as_html(changed)
    assert said in as_markdown(changed)


def test_it_is_written_beside_the_evidence(tmp_path: Path) -> None:
    run = write_run(tmp_path / "r1")
    day = write_gameday(run)
    assert (run / "gameday.html").read_text(encoding="utf-8") == as_html(day)
    assert (run / "gameday.md").read_text(encoding="utf-8") == as_markdown(day)
    assert not list(run.glob("*.new"))


def test_the_summary_of_a_ci_step_is_added_to(tmp_path: Path, day: Day) -> None:
    summary = tmp_path / "summary.md"
    summary.write_text("before", encoding="utf-8")
    assert add_to_summary(day, environment={"GITHUB_STEP_SUMMARY": str(summary)}) == summary
    assert summary.read_text(encoding="utf-8") == f"before\n{as_markdown(day)}"


def test_a_summary_never_grows_beyond_what_is_shown(tmp_path: Path, day: Day) -> None:
    summary = tmp_path / "summary.md"
    summary.write_text("x" * (MOST_BYTES - 2000), encoding="utf-8")
    add_to_summary(day, environment={"GITHUB_STEP_SUMMARY": str(summary)})
    assert MOST_BYTES - 2000 < summary.stat().st_size <= MOST_BYTES
    assert "The rest is left out" in summary.read_text(encoding="utf-8")


def test_without_the_variable_nothing_is_added(day: Day) -> None:
    assert add_to_summary(day, environment={}) is None


def test_the_table_of_verdicts_is_a_page_of_its_own(hostile: Day) -> None:
    page = Parsed(verdicts_as_html(hostile.pages[0].verdicts, name=HOSTILE))
    assert "✓ met" in page.text
    assert not [tag for tag, _ in page.tags if tag in {"img", "script"}]
