"""The kernel's preference for whom to kill for want of memory: raised for a while, and put back."""

from __future__ import annotations

from functools import partial
from pathlib import Path

from aftershock_components.carrier.changes import Changes, Entry, PutBack
from aftershock_components.carrier.containers import started

__all__ = ["KIND", "WORST", "putting_back", "raise_to_worst"]

KIND = "oom_score_adj"
WORST = 1000


def raise_to_worst(pid: int, *, proc: Path, changes: Changes) -> int:
    """Make `pid` the first choice of the kernel; return what it had."""
    file = proc / str(pid) / "oom_score_adj"
    before = int(file.read_text(encoding="ascii"))
    changes.remember(KIND, pid=pid, started=started(proc, pid), before=before)
    file.write_text(str(WORST), encoding="ascii")
    return before


def putting_back(proc: Path) -> PutBack:
    """Return what gives a remembered process that still lives the score that it had."""
    return partial(_put_back, proc)


def _put_back(proc: Path, entry: Entry) -> bool:
    # The start time tells the process from a later one with its number.
    if started(proc, entry["pid"]) != entry["started"]:
        return False
    (proc / str(entry["pid"]) / "oom_score_adj").write_text(str(entry["before"]), encoding="ascii")
    return True
