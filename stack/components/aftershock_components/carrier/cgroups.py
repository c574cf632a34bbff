"""One cgroup: who is in it, and what memory it may and does use. v1 and v2 name their files differently."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path

__all__ = ["NO_LIMIT", "UNIFIED", "Cgroup", "ContainerError", "numbers"]

# Anything above this is "no limit": cgroup v1 writes the largest multiple of a page there.
NO_LIMIT = 1 << 60
UNIFIED = 2


class ContainerError(Exception):
    """The container or cgroup is not here, or is not what was asked for."""


@dataclass(frozen=True, kw_only=True)
class Cgroup:
    """A cgroup's folder, and the version (1 or 2) whose files are in it."""

    folder: Path
    version: int

    def join(self, pid: int) -> None:
        """Move a process into the cgroup."""
        (self.folder / "cgroup.procs").write_text(str(pid), encoding="ascii")

    def pids(self) -> list[int]:
        """Return the processes in the cgroup, those of cgroups below it included."""
        found: list[int] = []
        for folder, _, files in os.walk(self.folder):
            if "cgroup.procs" in files:
                found += numbers(Path(folder) / "cgroup.procs")
        return found

    @property
    def limit_file(self) -> Path:
        """Where the memory limit is read and written."""
        return self.folder / ("memory.max" if self.version == UNIFIED else "memory.limit_in_bytes")

    def limit_bytes(self) -> int:
        """Return the cgroup's own memory limit.

        Raises:
            ContainerError: it has none, so that only the node's memory would end a fault.

        """
        try:
            text = self.limit_file.read_text(encoding="ascii").strip()
        except FileNotFoundError:  # the top of a whole machine's v2
            text = "max"
        if text == "max" or int(text) >= NO_LIMIT:
            raise ContainerError(f"{self.folder} has no memory limit")
        return int(text)

    def usage_bytes(self) -> int:
        """Return the memory that the cgroup uses now; 0 when it is gone."""
        name = "memory.current" if self.version == UNIFIED else "memory.usage_in_bytes"
        try:
            return int((self.folder / name).read_text(encoding="ascii"))
        except OSError:
            return 0

    def working_set_bytes(self) -> int:
        """Return the usage without the file cache that it could do without: what the kubelet reports."""
        name = "inactive_file" if self.version == UNIFIED else "total_inactive_file"
        try:
            lines = (self.folder / "memory.stat").read_text(encoding="ascii").splitlines()
        except OSError:
            return 0
        idle = next((int(line.split()[1]) for line in lines if line.startswith(f"{name} ")), 0)
        return max(0, self.usage_bytes() - idle)


def numbers(file: Path) -> list[int]:
    """Return the numbers in a file; none if it is gone."""
    try:
        return [int(word) for word in file.read_text(encoding="ascii").split()]
    except OSError:
        return []
