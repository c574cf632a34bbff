"""The machine's cores: kept busy for as long as a block lasts, and how busy they were."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

__all__ = ["busy_cores", "busy_share", "cpu_times"]

_STAT = Path("/proc/stat")
_IDLE = (3, 4)  # idle and iowait, in the order of proc(5)
_COUNTED = 8  # up to steal; what follows is contained in user and nice

# A burner must not outlive a bench that was killed.
_BURN = "import os, sys\nwhile os.getppid() == int(sys.argv[1]): pass"


@contextmanager
def busy_cores(count: int | None = None) -> Iterator[None]:
    """Run a process for each core (or `count`) that does nothing but use it."""
    burners = [
        subprocess.Popen([sys.executable, "-c", _BURN, str(os.getpid())], stdin=subprocess.DEVNULL)
        for _ in range((os.cpu_count() or 1) if count is None else count)
    ]
    try:
        yield
    finally:
        for burner in burners:
            burner.kill()
        for burner in burners:
            burner.wait()


def cpu_times(stat: Path = _STAT) -> tuple[int, ...]:
    """Return what all cores have spent since boot, by state, in ticks."""
    first = stat.read_text(encoding="ascii").splitlines()[0]
    return tuple(int(word) for word in first.split()[1 : _COUNTED + 1])


def busy_share(earlier: tuple[int, ...], later: tuple[int, ...]) -> float:
    """Return the share of the cores' time from `earlier` to `later` in which they were not idle."""
    spent = [b - a for a, b in zip(earlier, later, strict=True)]
    return 1 - sum(spent[state] for state in _IDLE) / sum(spent) if any(spent) else 0.0
