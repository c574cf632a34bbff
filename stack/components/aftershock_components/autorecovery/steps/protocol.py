"""What steps get and give."""

from __future__ import annotations

import hashlib
from collections.abc import Awaitable, Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from aftershock_components.autorecovery.findings import Finding
from aftershock_components.autorecovery.incidents import Plan
from aftershock_components.autorecovery.kube import Json, Kube
from aftershock_components.autorecovery.playbooks import Exclusions

__all__ = [
    "BEFORE",
    "BY",
    "Act",
    "Back",
    "Changed",
    "Done",
    "Later",
    "Nothing",
    "Planner",
    "Setting",
    "annotations_of",
    "mark_of",
]

BY = "autorecovery.aftershock.dev/last-action"
"""The annotation of what was changed, by which action: who finds it knows that the action was done."""
BEFORE = "autorecovery.aftershock.dev/replicas-before"
"""The annotation of a deployment that was scaled to 0: what it had."""


@dataclass(frozen=True, kw_only=True)
class Setting:
    """What a step may use. `pods` and `nodes` are as last seen; `logs` is a ConfigMap's path."""

    kube: Kube
    rules: Exclusions
    pods: Callable[[], Iterable[Json]]
    nodes: Callable[[], Iterable[Json]]
    logs: str


@dataclass(frozen=True)
class Nothing:
    """There is nothing to do, or nothing may be done: the next step is taken."""

    why: str
    excluded: bool = False


@dataclass(frozen=True)
class Later:
    """Not now: it is tried again."""

    why: str


@dataclass(frozen=True)
class Changed:
    """The object is not as it was planned: nothing was done, and it is planned anew."""

    why: str


@dataclass(frozen=True)
class Done:
    """It is done, now or earlier."""

    says: str


Planner = Callable[[Any, Finding, Setting], Awaitable[Plan | Later | Nothing]]
Act = Callable[[Plan, str, Setting], Awaitable[Done | Later | Changed | Nothing]]
"""Of a plan and its mark."""
Back = Callable[[Plan, Setting], Awaitable[Done | Later]]


def mark_of(key: str, step: int) -> str:
    """Return what tells one step of one incident from all others, short enough for an annotation."""
    return hashlib.sha256(f"{key}#{step}".encode()).hexdigest()[:16]


def annotations_of(found: Json) -> Mapping[str, str]:
    """Return an object's annotations."""
    return found["metadata"].get("annotations") or {}
