"""The journal: what was done to the cluster, written before it is done.

One JSON object per line in journal.jsonl, flushed to the disk before the act that it
announces. Data only, never code: `recover` reads it in a process that knows nothing else.
A fault's latest record says where it stands.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path
from typing import Any, BinaryIO, Literal

import msgspec

from aftershock.errors import UsageError

__all__ = ["Journal", "Record", "State"]

State = Literal["planned", "injected", "undone"]


class Record(msgspec.Struct, frozen=True, kw_only=True):
    """One line of the journal. `undo` and `target` are plain JSON.

    `cluster` is the UID of the cluster's kube-system namespace: a context can be given
    another cluster, and a journal outlives the cluster that it tells of.
    """

    run_id: str
    fault_id: str
    fault: str
    state: State
    target: list[str]
    undo: dict[str, Any]
    expires_at: datetime
    cluster: str = ""

    def advanced(self, state: State) -> Record:
        """Return the same record in another state."""
        return msgspec.structs.replace(self, state=state)


class Journal:
    """The records of one run, on disk."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def write(self, record: Record) -> None:
        """Append `record` and wait until the disk has it."""
        with self.path.open("a+b") as file:
            _cut_torn_end(file)
            file.write(msgspec.json.encode(record) + b"\n")
            file.flush()
            os.fsync(file.fileno())

    def latest(self) -> Iterator[Record]:
        """Yield the last record of every fault, in order of first appearance.

        Raises:
            UsageError: a line other than a torn last one is no record.

        """
        records: dict[str, Record] = {}
        lines = self.path.read_bytes().splitlines() if self.path.exists() else []
        for number, line in enumerate(lines, start=1):
            try:
                record = msgspec.json.decode(line, type=Record)
            except msgspec.DecodeError as error:
                if number == len(lines):
                    break  # the process died while it wrote; the act had not begun
                raise UsageError(f"{self.path}:{number}: no journal record", found=str(error)) from error
            records[record.fault_id] = record
        yield from records.values()

    def open_records(self, *, cluster: str = "") -> list[Record]:
        """Return the faults that are not undone, latest first: the order to undo them in.

        With `cluster` those of other clusters are left out.
        """
        return [
            record
            for record in self.latest()
            if record.state != "undone" and (not cluster or record.cluster in {"", cluster})
        ][::-1]


def _cut_torn_end(file: BinaryIO) -> None:
    """Remove a last line without its end: it would swallow the record that is written next."""
    file.seek(0)
    content = file.read()
    whole = content.rfind(b"\n") + 1
    if whole < len(content):
        file.truncate(whole)
