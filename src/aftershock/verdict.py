"""Verdicts: met, violated or unknown, each with what it rests on.

A verdict is data. `enforce` is the only place where one becomes an exception.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Any, Literal

from aftershock.errors import InconclusiveError

__all__ = ["Status", "Verdict", "enforce", "met", "unknown", "violated"]

Status = Literal["met", "violated", "unknown"]


@dataclass(frozen=True, kw_only=True)
class Verdict:
    """What was expected, what was observed, and how exactly that is known.

    `observed` is in `unit` where it is a number. `resolution_s` is the largest error, in
    seconds, that the clocks and intervals behind it allow. `evidence` are lines for a
    reader; `query` is how to see it again (PromQL, or the API request). `reason` says why
    a verdict is unknown or violated. `question` is what was asked, of which judge and of how
    much of the record, as `aftershock.judge.question` writes it: enough to ask again.
    """

    name: str
    status: Status
    expected: str
    observed: float | int | str | None
    unit: str = ""
    resolution_s: float = 0.0
    evidence: tuple[str, ...] = ()
    query: str = ""
    reason: str = ""
    profile: str = ""
    question: Mapping[str, Any] | None = field(default=None, hash=False)

    def to_dict(self) -> dict[str, Any]:
        """Return the verdict as an entry of verdicts.json."""
        return {**asdict(self), "evidence": list(self.evidence)}

    @classmethod
    def from_dict(cls, raw: Mapping[str, Any]) -> Verdict:
        """Read what `to_dict` wrote."""
        return cls(**{**raw, "evidence": tuple(raw["evidence"])})

    def lines(self) -> list[str]:
        """Return the verdict for a person's eyes: a headline, then a row for each fact."""
        observed = "nothing" if self.observed is None else f"{self.observed} {self.unit}".strip()
        known = f"± {self.resolution_s:g} s" if self.resolution_s else "exactly"
        rows = [("expected", self.expected), ("observed", observed), ("known", known)]
        rows += [("because", self.reason)] if self.reason else []
        rows += [("evidence", line) for line in self.evidence]
        rows += [("query", self.query)] if self.query else []
        rows += [("profile", self.profile)] if self.profile else []
        return [f"{self.name}: {self.status}", *(f"  {word:<9} {text}" for word, text in rows)]


def met(name: str, *, expected: str, observed: float | str | None, **details: Any) -> Verdict:
    """Return a verdict whose objective holds."""
    return Verdict(name=name, status="met", expected=expected, observed=observed, **details)


def violated(name: str, *, expected: str, observed: float | str | None, **details: Any) -> Verdict:
    """Return a verdict whose objective does not hold."""
    return Verdict(name=name, status="violated", expected=expected, observed=observed, **details)


def unknown(
    name: str, *, expected: str, reason: str, observed: float | str | None = None, **details: Any
) -> Verdict:
    """Return a verdict that the evidence does not allow to give; `reason` says what is missing."""
    return Verdict(
        name=name, status="unknown", expected=expected, observed=observed, reason=reason, **details
    )


def enforce(verdict: Verdict) -> None:
    """Do nothing for met.

    Raises:
        AssertionError: it is violated.
        InconclusiveError: it is unknown.

    """
    if verdict.status == "violated":
        raise AssertionError("\n".join(verdict.lines()))
    if verdict.status == "unknown":
        raise InconclusiveError("\n".join(verdict.lines()))
