"""What a fault is, and what it owes.

plan    touches nothing; resolves the targets to UIDs and says what undoing will need
inject  acts; the journal already holds the plan
landed  proof, from a source other than the one that acted
undo    from the journal's record alone: works in a process that knows nothing of the run
undone  proof that nothing is left
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Protocol

from aftershock.faults.journal import Record

__all__ = ["Fault", "Plan", "Proof", "Target", "Undo"]


@dataclass(frozen=True, kw_only=True)
class Target:
    """A workload's pod or a node that a fault will touch, pinned by UID."""

    kind: str
    name: str
    uid: str
    namespace: str = ""

    def __str__(self) -> str:
        """Return kind/namespace/name, as subjects are written in the timeline."""
        return "/".join(part for part in (self.kind, self.namespace, self.name) if part)


@dataclass(frozen=True, kw_only=True)
class Plan:
    """What a fault will do, before it does anything.

    `undo` is plain data, enough to undo the fault with no memory of the run. The fault
    ends by itself after `expires_after_s` seconds at the latest.
    """

    fault: str
    targets: tuple[Target, ...]
    undo: Mapping[str, Any]
    expires_after_s: float
    blast_radius: str


@dataclass(frozen=True, kw_only=True)
class Proof:
    """Whether something was seen to be so, by whom, and the facts that show it."""

    holds: bool
    source: str
    facts: Mapping[str, Any] = field(default_factory=dict)

    def __str__(self) -> str:
        """Return the facts in one line."""
        return f"{self.source}: " + ", ".join(f"{name}={value}" for name, value in self.facts.items())


class Fault(Protocol):
    """Something that can be injected."""

    name: str

    def plan(self) -> Plan:
        """Resolve the targets; touch nothing.

        Raises:
            RefusedError: a guard says no, or there is no such target.

        """
        ...

    def inject(self, plan: Plan) -> None:
        """Act.

        Raises:
            FaultError: it could not be done.

        """
        ...

    def landed(self, plan: Plan) -> Proof:
        """Look once whether the fault is in effect; callers poll."""
        ...


class Undo(Protocol):
    """How one kind of fault is taken back. Both calls are idempotent."""

    def undo(self, record: Record) -> None:
        """Take back what `record` says was done, or may have been done."""
        ...

    def undone(self, record: Record) -> Proof:
        """Look once whether nothing is left; callers poll."""
        ...
