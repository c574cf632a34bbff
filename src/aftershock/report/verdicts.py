"""The verdicts of one scenario, on their way to verdicts.json and to pytest."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path

from aftershock.config import Profile
from aftershock.errors import UsageError
from aftershock.redaction import redact_data
from aftershock.verdict import Verdict, enforce

__all__ = ["Verdicts", "as_text", "read_verdicts"]


def as_text(verdicts: Sequence[Verdict]) -> str:
    """Return `verdicts` as verdicts.json has them: the same verdicts are the same bytes."""
    return json.dumps([verdict.to_dict() for verdict in verdicts], indent=2, ensure_ascii=False) + "\n"


def read_verdicts(path: Path) -> list[Verdict]:
    """Read a verdicts.json.

    Raises:
        UsageError: the file is missing or is none.

    """
    try:
        return [Verdict.from_dict(raw) for raw in json.loads(path.read_text(encoding="utf-8"))]
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise UsageError(
            f"cannot read {path}", found=str(error), expected="a verdicts.json of a run"
        ) from error


class Verdicts:
    """Keeps every verdict before it is enforced, so that a failing one is written too.

    `show` gets each verdict as it comes (the report's attachment).
    """

    def __init__(
        self, path: Path, *, profile: Profile, show: Callable[[Verdict], None] | None = None
    ) -> None:
        self.path = path
        self.profile = profile
        self.given: list[Verdict] = []
        self._show = show

    def enforce(self, verdict: Verdict) -> Verdict:
        """Write `verdict` down, under this run's profile, and return it where it is met.

        Raises:
            AssertionError: it is violated.
            InconclusiveError: it is unknown.

        """
        verdict = _clean(replace(verdict, profile=self.profile))
        self.given.append(verdict)
        self._write()
        if self._show:
            self._show(verdict)
        enforce(verdict)
        return verdict

    def _write(self) -> None:
        """Replace the file as a whole: a killed run leaves the verdicts so far, never half a list."""
        fresh = self.path.with_suffix(".json.new")
        fresh.write_text(as_text(self.given), encoding="utf-8")
        fresh.replace(self.path)


def _clean(verdict: Verdict) -> Verdict:
    """Return `verdict` without secrets: itself, where there is none."""
    raw = verdict.to_dict()
    fresh = redact_data(raw)
    return verdict if fresh == raw else Verdict.from_dict(fresh)
