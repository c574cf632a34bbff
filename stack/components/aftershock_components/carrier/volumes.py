"""A volume as one container sees it: its file system, told apart from the node's own.

Only a file system of its own has a size of its own: a folder on the node's disk (hostPath,
emptyDir) is bounded by nothing but the node. A path must be exactly where the container's
mount table has the volume, so it holds no symbolic link that could lead elsewhere.
"""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path

__all__ = ["Usage", "Volume", "VolumeError", "find_volume"]

# Where the node keeps what is its own; what holds one of these is the node's disk.
NODES_OWN = ("", "etc", "home", "opt", "root", "run", "srv", "tmp", "usr", "var", "var/lib", "var/log")
RUNTIMES_OWN = ("var/lib/containerd", "var/lib/containers", "var/lib/docker", "var/lib/kubelet")
IN_MEMORY = frozenset({"tmpfs", "ramfs", "hugetlbfs"})


class VolumeError(Exception):
    """There is no such volume, or it must not be filled."""


@dataclass(frozen=True, kw_only=True)
class Usage:
    """A file system's size, what is used of it, and what is free for anyone; in bytes."""

    size: int
    used: int
    free: int

    @classmethod
    def of(cls, file: int) -> Usage:
        """Ask the file system of an open file."""
        stat = os.fstatvfs(file)
        return cls(
            size=stat.f_blocks * stat.f_frsize,
            used=(stat.f_blocks - stat.f_bfree) * stat.f_frsize,
            free=stat.f_bavail * stat.f_frsize,
        )


@dataclass(frozen=True, kw_only=True)
class Volume:
    """Where a volume can be reached from the node, and what it is."""

    folder: Path
    kind: str
    device: str


def find_volume(path: str, *, pid: int, proc: Path) -> Volume:
    """Find the volume that process `pid` has at `path`. `proc` is the node's /proc.

    Raises:
        VolumeError: nothing is mounted there, or its file system is the node's, or is memory.

    """
    volume = _mounted(path, proc / str(pid))
    if volume.kind in IN_MEMORY:
        raise VolumeError(f"{path} is memory ({volume.kind}); filling it is memory pressure")
    device = volume.folder.stat().st_dev
    if f"{os.major(device)}:{os.minor(device)}" != volume.device:
        raise VolumeError(f"{path} has become another file system just now")
    for name in NODES_OWN + RUNTIMES_OWN:
        own = proc / "1" / "root" / name
        if own.exists() and own.stat().st_dev == device:
            raise VolumeError(
                f"{path} is on the file system of the node's own /{name}: it has no size of its own"
            )
    return volume


def _mounted(path: str, process: Path) -> Volume:
    """Return what stands in the process's mount table; of several at one place the last hides the others."""
    found = None
    for line in (process / "mountinfo").read_text(encoding="utf-8").splitlines():
        before, _, after = line.partition(" - ")
        _, _, device, _, point, *_ = before.split()
        if point == path and path != "/":
            folder = process / "root" / path.lstrip("/")
            found = Volume(folder=folder, kind=after.split()[0], device=device)
    if found is None:
        raise VolumeError(f"no volume is mounted at {path}")
    return found
