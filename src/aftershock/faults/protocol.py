"""What a fault is, and what it owes.

plan    touches nothing; resolves the targets to UIDs and says what undoing will need
inject  acts; the journal and the marks on the targets already hold the plan
landed  proof, from a source other than the one that acted
undo    from the journal's record alone: works in a process that knows nothing of the run
undone  proof that nothing is left
"""

from __future__ import annotations

import secrets
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, Literal, Protocol, runtime_checkable

from aftershock.cluster.targets import Target
from aftershock.faults.journal import Record
from aftershock.timeline import Event

__all__ = ["Fault", "Plan", "Proof", "Switch", "Target", "Undo", "Witness"]

Switch = Literal["none", "carrier", "reaper", "timer", "guardian"]
"""The dead man's switch: who takes a fault back when its harness has vanished.

none      nothing outlives the act (a deleted pod)
carrier   the carrier, by its own clock; the reaper where the carrier was killed
reaper    the reaper in the cluster, from the marks
timer     a timer of systemd in the node, armed before the act
guardian  a process on the harness' machine, in a session of its own, armed before the act
"""


@dataclass(frozen=True, kw_only=True)
class Plan:
    """What a fault will do, before it does anything.

    `undo` is plain data, enough to undo the fault with no memory of the run. The fault
    ends by itself after `expires_after_s` seconds at the latest, by `switch`. One that `lasts`
    is in effect until then or until it is taken back; any other is over once it has landed. The
    proof of that must come within `lands_within_s`. `marked` are the targets that bear the
    fault's mark while it lasts: all, unless said otherwise. One that does not disturb (an annotation
    of a deployment) touches none of its targets' pods. `serial` tells this plan from every other one
    of the same kind of fault.
    """

    fault: str
    targets: tuple[Target, ...]
    undo: Mapping[str, Any]
    expires_after_s: float
    blast_radius: str
    switch: Switch
    lasts: bool = False
    lands_within_s: float = 60.0
    marked: tuple[Target, ...] | None = None
    disturbs: bool = True
    serial: str = field(default_factory=lambda: secrets.token_hex(4))

    @property
    def fault_id(self) -> str:
        """The name under which the journal and labels know this one fault; a DNS label."""
        return f"{self.fault}-{self.serial}"

    def record(self, *, run_id: str, now: datetime, cluster: str = "") -> Record:
        """Return what the journal, and marks in the cluster, say about it from `now` on."""
        return Record(
            run_id=run_id,
            fault_id=self.fault_id,
            fault=self.fault,
            state="planned",
            target=[str(target) for target in self.targets],
            undo=dict(self.undo),
            expires_at=now + timedelta(seconds=self.expires_after_s),
            cluster=cluster,
        )


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

    def inject(self, plan: Plan, record: Record) -> None:
        """Act. `record` is what the journal and the marks say.

        Raises:
            FaultError: it could not be done.

        """
        ...

    def landed(self, plan: Plan) -> Proof:
        """Look once whether the fault is in effect; callers poll."""
        ...


@runtime_checkable
class Witness(Protocol):
    """A fault that can tell more about what it did, for the timeline. It proves nothing."""

    def testimony(self, plan: Plan) -> Iterable[Event]:
        """Return what happened on the way, by the clock of the one who did it."""
        ...


class Undo(Protocol):
    """How one kind of fault is taken back. Both calls are idempotent."""

    def undo(self, record: Record) -> None:
        """Take back what `record` says was done, or may have been done."""
        ...

    def undone(self, record: Record) -> Proof:
        """Look once whether nothing is left; callers poll."""
        ...
