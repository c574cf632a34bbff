"""What is changed for a while, remembered on the node and put back: whom the kernel kills, and the limit.

What a process had is written to a file on the node before it is changed, so that another
carrier can put it back when this one was killed before it could.
"""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

from aftershock_components.carrier.containers import started

__all__ = ["WORST", "Scores"]

WORST = 1000


class Scores:
    """oom_score_adj of some processes and the limit of their memory, with what was before in `state`."""

    def __init__(self, *, proc: Path, state: Path) -> None:
        self.proc = proc
        self.state = state

    def raise_to_worst(self, pid: int) -> int:
        """Make `pid` the first choice of the kernel; return what it had."""
        file = self.proc / str(pid) / "oom_score_adj"
        before = int(file.read_text(encoding="ascii"))
        self._remember({"pid": pid, "started": started(self.proc, pid), "oom_score_adj": before})
        file.write_text(str(WORST), encoding="ascii")
        return before

    def tighten(self, pid: int, file: Path, *, by_bytes: int) -> int:
        """Lower the limit in `file`, of the cgroup that `pid` is in; return what it is now, in bytes."""
        before = int(file.read_text(encoding="ascii"))
        self._remember(
            {"pid": pid, "started": started(self.proc, pid), "limit": str(file), "limit_bytes": before}
        )
        file.write_text(str(before - by_bytes), encoding="ascii")
        return before - by_bytes

    def put_back(self) -> list[dict[str, Any]]:
        """Give every remembered process that still lives what it had; forget them. Idempotent."""
        restored = []
        for entry in self._remembered():
            # The start time tells the process from a later one with its number.
            if started(self.proc, entry["pid"]) == entry["started"]:
                if "limit" in entry:
                    Path(entry["limit"]).write_text(str(entry["limit_bytes"]), encoding="ascii")
                else:
                    file = self.proc / str(entry["pid"]) / "oom_score_adj"
                    file.write_text(str(entry["oom_score_adj"]), encoding="ascii")
                restored.append(entry)
        self.state.unlink(missing_ok=True)
        return restored

    def _remember(self, entry: dict[str, Any]) -> None:
        entries = [*self._remembered(), entry]
        self.state.parent.mkdir(parents=True, exist_ok=True)
        draft = self.state.with_suffix(".draft")
        with draft.open("w", encoding="ascii") as file:
            json.dump(entries, file)
            file.flush()
            os.fsync(file.fileno())
        draft.replace(self.state)  # whole or not at all

    def _remembered(self) -> list[dict[str, Any]]:
        try:
            entries: list[dict[str, Any]] = json.loads(self.state.read_text(encoding="ascii"))
        except FileNotFoundError:
            return []
        return entries
