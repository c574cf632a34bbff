"""The injector carries a fault through its life: planned, guarded, journalled, injected, proven, undone.

The order is the safety: the guard speaks before anything is written, the journal is on the
disk and the marks are on the targets before the act, the dead man's switch is armed, and
the act counts only with proof. Every step enters the timeline,
source `harness`, one event per target (the details stand in the first's): `planned`,
`injecting` (the instant at which the act began), `injected` (it returned), `landed` with
the proof, `undoing` and `undone` with the proof; or `failed` with the reason. A setting, which
is no fault, goes the same way as `setting-planned` and so on.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Protocol

from aftershock.clock import rfc3339, wait_until
from aftershock.cluster.targets import Target
from aftershock.errors import AftershockError, DeadlineError, FaultError, ResidueError
from aftershock.faults import marks
from aftershock.faults.catalogue import undos_with
from aftershock.faults.halting import check_not_halted
from aftershock.faults.journal import Journal, Record
from aftershock.faults.lease import RunLease
from aftershock.faults.protocol import Fault, Plan, Proof, Undo, Witness
from aftershock.faults.setting import NAME as SETTING
from aftershock.faults.switch import check_armed
from aftershock.faults.tools import Tools
from aftershock.faults.undoing import residue, take_back
from aftershock.timeline import Event, Timeline

__all__ = ["Injection", "Injector"]


@dataclass(frozen=True, kw_only=True)
class Injection:
    """A fault in effect: what was planned, its record, and the proof that it landed."""

    plan: Plan
    record: Record
    proof: Proof


class Check(Protocol):
    """The guard's: raises where one of `targets`, or too many of their pods, may not be touched."""

    def __call__(self, targets: tuple[Target, ...], *, disturbs: bool) -> None:
        """Do nothing if they may be."""
        ...


class Injector:
    """Injects the faults of one run, and takes them back.

    `undos` says how each kind of fault is undone, by the fault's name: the catalogue's, unless given.
    """

    def __init__(
        self,
        tools: Tools,
        *,
        run_id: str,
        journal: Journal,
        timeline: Timeline,
        check: Check,
        undos: Mapping[str, Undo] | None = None,
    ) -> None:
        self.tools = tools
        self.run_id = run_id
        self.journal = journal
        self.timeline = timeline
        self.check = check
        self.undos = undos_with(tools) if undos is None else undos
        self.cluster = tools.api.identity()
        self.lease = RunLease(tools.api, run_id, clock=tools.clock)

    def inject(self, fault: Fault, *, landed_within_s: float | None = None) -> Injection:
        """Inject `fault` and return once there is proof that it landed.

        Whatever this raises, `undo_all` takes back what was done.

        Raises:
            RefusedError: a guard said no, or another run is under way; nothing was touched.
            FaultError: it could not be injected, or there is no proof in time (the plan's, or given here).

        """
        check_not_halted(self.tools)
        plan = fault.plan()
        self.check(plan.targets, disturbs=plan.disturbs)
        if plan.fault not in self.undos:
            raise FaultError(
                f"nobody knows how to undo {plan.fault!r}", expected=", ".join(sorted(self.undos))
            )
        check_armed(self.tools, plan)
        self.lease.hold()
        record = plan.record(run_id=self.run_id, now=self.timeline.clock.now(), cluster=self.cluster)
        self._tell(
            "planned",
            record,
            blast_radius=plan.blast_radius,
            expires_after_s=plan.expires_after_s,
            lasts_until=rfc3339(record.expires_at) if plan.lasts else None,
        )
        self.journal.write(record)
        try:
            for target in plan.targets if plan.marked is None else plan.marked:
                marks.put(self.tools.api, target, record)
            self._tell("injecting", record)
            fault.inject(plan, record)
            self._tell("injected", record)
            self.journal.write(record.advanced("injected"))
            within_s = plan.lands_within_s if landed_within_s is None else landed_within_s
            proof = self._landed(fault, plan, within_s)
        except AftershockError as error:
            self._tell("failed", record, reason=str(error))
            raise
        finally:
            self._hear(fault, plan, record)
        self._tell("landed", record, proof=proof.source, **proof.facts)
        return Injection(plan=plan, record=record.advanced("injected"), proof=proof)

    def undo(self, fault_id: str) -> Proof:
        """Take one fault of this run back, now rather than at the end. Idempotent.

        Raises:
            FaultError: the journal knows no such fault.
            ResidueError: something is left.

        """
        record = next((found for found in self.journal.latest() if found.fault_id == fault_id), None)
        if record is None:
            raise FaultError(f"there is no fault {fault_id!r} in {self.journal.path}")
        return self._take_back(record)

    def undo_all(self) -> None:
        """Take back every fault of this run that is not undone, latest first. Idempotent.

        Every one is tried, whatever happens to the others.

        Raises:
            ResidueError: something is left; it lists all of it.

        """
        left = []
        for record in self.journal.open_records():
            try:
                self._take_back(record)
            except ResidueError as error:
                left.append(error.found)
        self.lease.release()
        if left:
            raise residue(left)

    def _take_back(self, record: Record) -> Proof:
        self._tell("undoing", record)
        proof = take_back(record, self.undos, tools=self.tools)
        if record.state != "undone":
            self.journal.write(record.advanced("undone"))
        self._tell("undone", record, proof=proof.source, **proof.facts)
        return proof

    def _landed(self, fault: Fault, plan: Plan, within_s: float) -> Proof:
        last: Proof | None = None

        def look() -> Proof | None:
            nonlocal last
            last = fault.landed(plan)
            return last if last.holds else None

        try:
            what = f"proof that {plan.fault_id} landed"
            return wait_until(look, within_s=within_s, every_s=0.1, what=what, clock=self.timeline.clock)
        except DeadlineError as error:
            raise FaultError(
                f"there is no proof that {plan.fault} landed within {within_s:g} s",
                expected=plan.blast_radius,
                found="; ".join(text for text in (str(last or error.found), self._vanished(plan)) if text),
                hint="without proof every verdict of this scenario would be unknown",
            ) from error

    def _vanished(self, plan: Plan) -> str:
        """Name the targets that are gone, or others of their name: a controller may have removed them."""
        try:
            found = [(target, self.tools.api.find(target.path)) for target in plan.targets]
        except AftershockError as error:
            return f"whether the targets are still there is unknown: {error.message}"
        gone = [str(target) for target, now in found if now is None or now["metadata"]["uid"] != target.uid]
        return f"gone meanwhile: {', '.join(gone)}" if gone else ""

    def _hear(self, fault: Fault, plan: Plan, record: Record) -> None:
        """Add what the fault itself can tell. It is no proof, so failing to tell is no failure."""
        if not isinstance(fault, Witness):
            return
        try:
            for event in fault.testimony(plan):
                self.timeline.append(event)
        except AftershockError as error:
            self._tell("silent", record, reason=str(error))

    def _tell(self, kind: str, record: Record, **details: Any) -> None:
        """Record one event per target; the details stand in the first target's."""
        now, mono = self.timeline.clock.now(), self.timeline.clock.monotonic()
        kind = f"setting-{kind}" if record.fault == SETTING else kind
        for number, subject in enumerate(record.target):
            data = {"fault": record.fault, "fault_id": record.fault_id, **(details if number == 0 else {})}
            event = Event(at=now, mono=mono, source="harness", kind=kind, subject=subject, data=data)
            self.timeline.append(event)
