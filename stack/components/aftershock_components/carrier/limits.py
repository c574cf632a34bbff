"""The limit of a container's memory: lowered a little for a while, and put back."""

from __future__ import annotations

from functools import partial
from pathlib import Path

from aftershock_components.carrier.changes import Changes, Entry, PutBack
from aftershock_components.carrier.containers import Container, started

__all__ = ["KIND", "putting_back", "tighten"]

KIND = "memory limit"


def tighten(container: Container, *, by_bytes: int, proc: Path, changes: Changes) -> int:
    """Lower the container's limit; return what it is now, in bytes."""
    before = container.limit_bytes()
    file, pid = container.limit_file, container.pid
    changes.remember(KIND, pid=pid, started=started(proc, pid), file=str(file), before=before)
    file.write_text(str(before - by_bytes), encoding="ascii")
    return before - by_bytes


def putting_back(proc: Path) -> PutBack:
    """Return what gives a container whose first process still lives the limit that it had."""
    return partial(_put_back, proc)


def _put_back(proc: Path, entry: Entry) -> bool:
    # The start time tells the process from a later one with its number.
    if started(proc, entry["pid"]) != entry["started"]:
        return False
    Path(entry["file"]).write_text(str(entry["before"]), encoding="ascii")
    return True
