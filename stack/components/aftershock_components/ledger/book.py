"""The file of entries, and the room that its volume has left."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

__all__ = ["Book", "FullError"]

# As databases do: they stop to write before a full disk stops them in the middle of it.
LEAST_FREE = 0.1


class FullError(Exception):
    """The volume has too little room left for another entry."""


class Book:
    """Appends a line per entry to `path`; each is on the disk when `enter` returns."""

    def __init__(self, path: Path, *, statvfs: Callable[[Path], os.statvfs_result] = os.statvfs) -> None:
        self.path = path
        self.statvfs = statvfs

    def has_room(self) -> bool:
        """Whether a tenth of the volume is free."""
        volume = self.statvfs(self.path.parent)
        return volume.f_bavail >= LEAST_FREE * volume.f_blocks

    def enter(self, entry: str) -> None:
        """Append one entry.

        Raises:
            FullError: the volume is nearly full.
            OSError: the disk does not take it.

        """
        if not self.has_room():
            raise FullError(f"less than {LEAST_FREE:.0%} of the volume is free")
        with self.path.open("a", encoding="utf-8") as file:
            file.write(entry + "\n")
            file.flush()
            os.fsync(file.fileno())

    def last(self, count: int) -> list[str]:
        """Return the latest `count` entries, oldest first."""
        if not self.path.exists():
            return []
        return self.path.read_text(encoding="utf-8").splitlines()[-count:]
