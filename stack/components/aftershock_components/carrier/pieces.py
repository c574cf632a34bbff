"""Pieces: small processes that live in a container's cgroup and take memory or time there.

They die with the carrier (parent-death signal), with the clock (alarm), and with the
container.
"""

from __future__ import annotations

import ctypes
import json
import mmap
import os
import signal
import sys
import time
from collections.abc import Callable
from typing import NoReturn

__all__ = ["end", "living", "start", "take_memory"]

PR_SET_PDEATHSIG = 1


def start(work: Callable[[], None], *, until: float) -> int:
    """Fork a process that does `work`, then waits for its end; return its PID.

    It ends at `until` (seconds since the epoch) at the latest.
    """
    parent = os.getpid()
    pid = os.fork()
    if pid == 0:
        _be(work, parent, until)
    return pid


def living(pieces: list[int]) -> list[int]:
    """Return the pieces that still run, and bury the others."""
    return [pid for pid in pieces if os.waitpid(pid, os.WNOHANG) == (0, 0)]


def end(pieces: list[int]) -> None:
    """Kill the pieces that still run."""
    for pid in living(pieces):
        os.kill(pid, signal.SIGKILL)
        os.waitpid(pid, 0)


def take_memory(size: int) -> mmap.mmap:
    """Take that many bytes, all of them touched; they are held as long as the result is."""
    memory = mmap.mmap(-1, size, flags=mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS)
    for offset in range(0, size, mmap.PAGESIZE):
        memory[offset] = 1
    return memory


def _be(work: Callable[[], None], parent: int, until: float) -> NoReturn:
    """Work and wait for the end. Never returns: this is a forked copy of the carrier."""
    try:
        signal.signal(signal.SIGTERM, signal.SIG_DFL)
        signal.signal(signal.SIGALRM, signal.SIG_DFL)
        ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGKILL)
        signal.alarm(max(1, int(until - time.time()) + 1))
        if os.getppid() == parent:
            work()
            while True:
                signal.pause()
    except Exception as error:  # noqa: BLE001 - nobody above: whoever reads the carrier's log is to know
        told = {"event": "piece-failed", "reason": f"{type(error).__name__}: {error}"}
        os.write(sys.stderr.fileno(), f"{json.dumps(told)}\n".encode())
    finally:
        os._exit(1)
