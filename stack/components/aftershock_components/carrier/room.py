"""How much memory a node has left, by everything that could run out: its pods', its own, the machine's.

A node that is itself a container (kind) sees the whole machine's memory, so what the machine
has left says little there. The pods' own limit (capacity less what is reserved) is what the
kubelet compares with its eviction threshold, besides the node's own memory.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from aftershock_components.carrier.cgroups import UNIFIED, Cgroup, ContainerError

__all__ = ["Room", "find_room"]

DEEPEST = 3


@dataclass(frozen=True, kw_only=True)
class Room:
    """The cgroups of a node that have a memory limit, and the machine's own account."""

    cgroups: tuple[Cgroup, ...]
    meminfo: Path

    def left_bytes(self) -> int:
        """Return how much more can be used before the first of them is full."""
        return min(
            self._machine(), *(group.limit_bytes() - group.working_set_bytes() for group in self.cgroups)
        )

    def _machine(self) -> int:
        lines = self.meminfo.read_text(encoding="ascii").splitlines()
        return next(int(line.split()[1]) << 10 for line in lines if line.startswith("MemAvailable:"))


def find_room(*, cgroups: Path, proc: Path) -> Room:
    """Find what limits the memory of this node, whose /sys/fs/cgroup and /proc are given.

    Raises:
        ContainerError: the kubelet keeps no limit for its pods here.

    """
    version = 1 if (cgroups / "memory").is_dir() else UNIFIED
    top = cgroups / "memory" if version == 1 else cgroups
    pods = Cgroup(folder=_pods(top), version=version)
    pods.limit_bytes()
    whole = Cgroup(folder=top, version=version)
    try:
        whole.limit_bytes()
    except ContainerError:
        return Room(cgroups=(pods,), meminfo=proc / "meminfo")
    return Room(cgroups=(pods, whole), meminfo=proc / "meminfo")


def _pods(top: Path) -> Path:
    """Return the cgroup of all pods: kubepods, or …kubepods.slice, below up to two others."""
    for depth in range(DEEPEST):
        for name in ("kubepods", "*kubepods.slice"):
            found = sorted(top.glob("*/" * depth + name))
            if found:
                return found[0]
    raise ContainerError(f"the kubelet keeps no cgroup for its pods under {top}")
