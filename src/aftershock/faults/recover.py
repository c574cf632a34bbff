"""Recover: undo whatever any run left, from the journals or from the marks in the cluster alone.

Needs no memory of a run. Idempotent: what is undone already is not touched again.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from aftershock.errors import ResidueError, UsageError
from aftershock.faults import marks
from aftershock.faults.catalogue import undos_with
from aftershock.faults.journal import Journal, Record
from aftershock.faults.protocol import Proof, Undo
from aftershock.faults.tools import Tools
from aftershock.faults.undoing import residue, take_back

__all__ = ["Recovered", "leftovers", "recover"]


@dataclass(frozen=True, kw_only=True)
class Recovered:
    """One fault that was taken back: by what it was known, and the proof that nothing is left."""

    record: Record
    known_from: str
    proof: Proof

    def __str__(self) -> str:
        """Say it for a person."""
        return f"{self.record.fault_id} of run {self.record.run_id} (from {self.known_from}): {self.proof}"


def recover(
    tools: Tools, *, reports: Path, run_id: str = "", undos: Mapping[str, Undo] | None = None
) -> list[Recovered]:
    """Undo what any run left, or what the run `run_id` left; return what was done.

    First every journal below reports/, latest fault first, as far as it tells of this
    cluster; then what the cluster's own marks still tell. Every fault is tried, whatever
    happens to the others.

    Raises:
        ResidueError: something is left, or a journal cannot be read; it lists all of it.

    """
    undos = undos_with(tools) if undos is None else undos
    work = _Recovery(tools=tools, undos=undos, cluster=tools.api.identity())
    for path in reversed(_journals(reports, run_id)):
        work.from_journal(Journal(path))
    for record in marks.records(tools.api):
        if run_id in {"", record.run_id}:
            work.one(record, known_from="its mark in the cluster")
    if work.left:
        raise residue(work.left)
    return work.done


def leftovers(tools: Tools, *, reports: Path, undos: Mapping[str, Undo] | None = None) -> list[str]:
    """Return what `recover` would have to undo, a line each; touches nothing.

    What a journal still has open, but of which nothing is left (the reaper was there), is none.

    Raises:
        UsageError: a journal cannot be read.

    """
    undos = undos_with(tools) if undos is None else undos
    cluster = tools.api.identity()
    found = {
        record.fault_id: f"{record.fault_id} of run {record.run_id}" for record in marks.records(tools.api)
    }
    for path in _journals(reports):
        for record in Journal(path).open_records(cluster=cluster):
            if record.fault_id not in found and not _is_undone(record, undos):
                found[record.fault_id] = f"{record.fault_id} of run {record.run_id} ({record.state})"
    return list(found.values())


def _journals(reports: Path, run_id: str = "") -> list[Path]:
    """Return the journals of that run, or of all; one that ran scenarios side by side has several."""
    runs = run_id or "*"
    return sorted([*reports.glob(f"{runs}/journal.jsonl"), *reports.glob(f"{runs}/lanes/*/journal.jsonl")])


def _is_undone(record: Record, undos: Mapping[str, Undo]) -> bool:
    """Whether it is known that nothing is left of an unmarked fault."""
    undo = undos.get(record.fault)
    try:
        return undo is not None and undo.undone(record).holds
    except (LookupError, TypeError, ValueError):  # a record of another version
        return False


@dataclass(frozen=True, kw_only=True)
class _Recovery:
    """What a recovery has done so far, and what it could not."""

    tools: Tools
    undos: Mapping[str, Undo]
    cluster: str
    done: list[Recovered] = field(default_factory=list)
    left: list[str] = field(default_factory=list)

    def from_journal(self, journal: Journal) -> None:
        """Take back what `journal` has open, and write that it is undone."""
        try:
            records = journal.open_records(cluster=self.cluster)
        except UsageError as error:
            self.left.append(str(error))
            return
        for record in records:
            if self.one(record, known_from=str(journal.path)):
                journal.write(record.advanced("undone"))

    def one(self, record: Record, *, known_from: str) -> bool:
        """Take one fault back; say whether nothing is left of it."""
        try:
            proof = take_back(record, self.undos, tools=self.tools)
        except ResidueError as error:
            self.left.append(error.found)
            return False
        self.done.append(Recovered(record=record, known_from=known_from, proof=proof))
        return True
