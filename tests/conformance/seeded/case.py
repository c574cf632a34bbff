"""What a seeded defect is: one story, told twice, that differs in a single value."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any, Literal, Protocol

from aftershock.timeline import Event
from aftershock.verdict import Verdict


class Recorded(Protocol):
    """Whatever has a timeline: a story, a simulation that has run."""

    @property
    def timeline(self) -> Iterable[Event]: ...


@dataclass(frozen=True, kw_only=True)
class Defect:
    """With `wrong` the story gets `verdict`, for a reason that has `says`; with `healthy` it is met."""

    name: str
    judge: Callable[[Iterable[Event]], Verdict]
    verdict: Literal["violated", "unknown"]
    says: str
    story: Callable[[Any], Recorded]
    healthy: Any
    wrong: Any
