"""One HTML file, and the same as Markdown: from templates beside this file, with nothing from outside.

Every value that a template shows passes through `redact`, and is escaped for where it stands.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Mapping, Sequence
from datetime import datetime
from pathlib import Path
from typing import Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup

from aftershock.clock import format_duration, rfc3339
from aftershock.report.gameday.earlier import figure, sparkline
from aftershock.report.gameday.model import Day, Page, Word
from aftershock.report.plots.style import PLOT_CSS, themed
from aftershock.report.plots.timeline import timeline_plot
from aftershock.report.plots.words import signed
from aftershock.report.secrets import redact
from aftershock.verdict import Verdict

__all__ = ["MOST_BYTES", "as_html", "as_markdown", "verdicts_as_html"]

MOST_BYTES = 1024 * 1024
"""What GitHub shows as the summary of a step: 1 MiB; of more it shows nothing at all."""

_TEMPLATES = Path(__file__).parent / "templates"
_GLYPHS: Mapping[Word, str] = {
    "held": "✓",
    "not held": "✗",
    "not known": "?",
    "broken": "!",
    "interrupted": "■",
    "not run": "–",  # noqa: RUF001 - a dash is meant
}
_SPECIAL = re.compile(r"([\\`*_\[\]|#~])")
_DETAILS = (2, 1, 0)
_CUT = "\n\nThe rest is left out: the whole report is gameday.html, in the run's folder.\n"


def as_html(day: Day) -> str:
    """Return the report as one file that needs no other."""
    plots = {
        page.slug: Markup(timeline_plot(page.course, name=page.name, alone=False)) if page.course else ""  # noqa: S704 - svg escapes
        for page in day.pages
    }
    script = (_TEMPLATES / "gameday.js").read_text(encoding="utf-8")
    css = themed(":root") + PLOT_CSS + (_TEMPLATES / "gameday.css").read_text(encoding="utf-8")
    environment = _environment(autoescape=True)
    environment.filters["sparkline"] = lambda one: Markup(sparkline(one))  # noqa: S704 - figures alone
    return environment.get_template("gameday.html.j2").render(
        **_context(day),
        plots=plots,
        css=Markup(css),  # noqa: S704 - our own
        script=Markup(script),  # noqa: S704 - our own
    )


def as_markdown(day: Day, *, most: int = MOST_BYTES) -> str:
    """Return the report in at most so many bytes: without the minutes, or cut off, if it must be."""
    template = _environment(autoescape=False).get_template("gameday.md.j2")
    text = ""
    for detail in _DETAILS:
        rendered = template.render(**_context(day), detail=detail)
        text = re.sub(r"\n{3,}", "\n\n", rendered).strip() + "\n"
        if len(text.encode()) <= most:
            return text
    room = max(most - len(_CUT.encode()), 0)
    kept = text.encode()[:room].decode("utf-8", "ignore")
    return kept[: kept.rfind("\n") + 1].rstrip() + _CUT if room else ""


def verdicts_as_html(verdicts: Sequence[Verdict], *, name: str) -> str:
    """Return the verdicts of the scenario `name` as a page of its own."""
    template = _environment(autoescape=True).get_template("verdicts.html.j2")
    return template.render(verdicts=verdicts, name=name, css=Markup(themed(":root")))  # noqa: S704 - our own


def _environment(*, autoescape: bool) -> Environment:
    environment = Environment(
        autoescape=autoescape,  # noqa: S701 - Markdown has an escaping of its own, _for_markdown
        finalize=_redacted if autoescape else _for_markdown,
        loader=FileSystemLoader(_TEMPLATES),
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters |= {
        "alerts": _alerts,
        "clock": lambda at: f"{at:%H:%M:%S}",
        "day": lambda at: f"{at:%a} {at.day} {at:%b %Y}",
        "figure": figure,
        "duration": lambda seconds: format_duration(round(seconds, 1)),
        "observed": _observed,
        "rfc3339": rfc3339,
        "signed": lambda seconds: signed(round(seconds, 1)),
    }
    return environment


def _context(day: Day) -> dict[str, Any]:
    verdicts = Counter(verdict.status for page in day.pages for verdict in page.verdicts)
    return {
        "day": day,
        "state": _state(day),
        "glyphs": _GLYPHS,
        "objectives": {"all": verdicts.total(), **{s: verdicts[s] for s in ("met", "violated", "unknown")}}
        if verdicts
        else None,
        "budgets": [(head, lines, page) for page in day.pages for head, lines in page.budget],
    }


def _state(day: Day) -> str:
    """Say why the run is not what was planned; nothing where it is."""
    return {
        "finished": "",
        "running": "The run had not ended when this was written, or it was killed.",
        "interrupted": "The run was interrupted by hand; what was broken was undone.",
        "stopped": f"The run was stopped: {day.run.why}",
    }[day.run.state]


def _alerts(page: Page) -> str:
    if not page.alerts:
        return "–"  # noqa: RUF001 - a dash is meant
    foreign = sum(not row.expected for row in page.alerts)
    return f"{len(page.alerts)} ({foreign} not expected)" if foreign else f"{len(page.alerts)} expected"


def _observed(verdict: Verdict) -> str:
    return "nothing" if verdict.observed is None else f"{verdict.observed} {verdict.unit}".strip()


def _redacted(value: Any) -> Any:
    """Return what autoescaping is to write; Markup is ours and has been through it."""
    if isinstance(value, Markup) or value is None:
        return value
    return redact(value) if isinstance(value, str) else value


def _for_markdown(value: Any) -> str:
    """Return `value` so that it stands as it is in a cell of a table, or in a line."""
    if isinstance(value, datetime):
        value = rfc3339(value)
    text = re.sub(r"\s*[\r\n\t]+\s*", " ", redact(str(value)))
    return _SPECIAL.sub(r"\\\1", text).replace("<", "&lt;").replace(">", "&gt;")
