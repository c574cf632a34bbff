"""What this machine has, and what of it `aftershock up` needs."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

__all__ = ["DISK_GIB", "MEMORY_GIB", "disk_free_gib", "memory_gib"]

# What a cold build and three nodes take: 6 GiB of images, programs and caches; 1 GiB of
# memory for idle nodes, 2 GiB for the stack and the workloads under load.
DISK_GIB = 10
MEMORY_GIB = 4
_GIB = 1024**3


def disk_free_gib(folder: Path) -> float:
    """Return the GiB that can still be written where `folder` is."""
    return shutil.disk_usage(folder).free / _GIB


def memory_gib() -> float:
    """Return the machine's memory, used or not, in GiB."""
    return os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE") / _GIB
