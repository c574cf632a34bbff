"""What there is to do: findings that people keep, and those that a run suggests.

What is kept stands in findings.yaml in the run's folder, as the report's own list is copied out: one
mapping each with `what`, and as far as known `scenario`, `owner`, `ticket`, `again` and the `id` of the
draft that it came from, which then is not suggested once more.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

import yaml

from aftershock.errors import UsageError
from aftershock.report.gameday.model import Finding, Page

__all__ = ["KEPT", "findings_of", "read_findings"]

KEPT = "findings.yaml"
_FIELDS = ("id", "scenario", "what", "owner", "ticket", "again")
_SUGGESTED = {"alert", "undo", "beside", "broken", "proof"}


def findings_of(pages: Iterable[Page], kept: Iterable[Finding]) -> tuple[Finding, ...]:
    """Return the kept findings, and after them what the pages suggest beyond those."""
    known = list(kept)
    ids = {finding.id for finding in known}
    drafts = {draft.id: draft for page in pages for draft in _drafts(page)}
    return (*known, *(draft for name, draft in drafts.items() if name not in ids))


def read_findings(run: Path) -> tuple[Finding, ...]:
    """Return what is kept of the run in the folder `run`; nothing where there is no file.

    Raises:
        UsageError: it is none of ours.

    """
    path = run / KEPT
    if not path.is_file():
        return ()
    expected = "a list of mappings, each with `what`"
    try:
        raw = yaml.safe_load(path.read_text(encoding="utf-8")) or []
    except (OSError, UnicodeDecodeError, yaml.YAMLError) as error:
        raise UsageError(f"cannot read {path}", found=str(error), expected=expected) from error
    if not isinstance(raw, list) or not all(isinstance(item, dict) and item.get("what") for item in raw):
        raise UsageError(f"{path} holds no findings", expected=expected)
    return tuple(_finding(item) for item in raw)


def _finding(item: dict[str, Any]) -> Finding:
    given = {name: str(item[name]) for name in _FIELDS if item.get(name) not in (None, "")}
    given.setdefault("scenario", "")
    return Finding(**{"id": _id(given["scenario"], given["what"]), **given})  # type: ignore[arg-type]  # words


def _drafts(page: Page) -> Iterator[Finding]:
    for verdict in page.verdicts:
        if verdict.status == "violated":
            observed = "nothing" if verdict.observed is None else f"{verdict.observed} {verdict.unit}".strip()
            yield _draft(page, f"Not held: {verdict.name}; expected {verdict.expected}, observed {observed}")
        elif verdict.status == "unknown":
            yield _draft(page, f"Not known: {verdict.name}; {verdict.reason or 'no verdict'}")
    for surprise in page.surprises:
        if surprise.kind in _SUGGESTED:
            yield _draft(page, surprise.text)
    for compared in page.compared:
        if compared.worse:
            yield _draft(page, f"Worse than before: {compared.figure}; {compared.said}")


def _draft(page: Page, what: str) -> Finding:
    return Finding(id=_id(page.name, what), scenario=page.name, what=what, owner=page.owner, drafted=True)


def _id(scenario: str, what: str) -> str:
    return hashlib.sha256(f"{scenario}\n{what}".encode()).hexdigest()[:10]
