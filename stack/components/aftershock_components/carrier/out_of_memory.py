"""Out of memory: fill a container's memory until the kernel kills its application.

Many small processes join the container's memory cgroup and take a piece each. The kernel
then looks for the worst process there. On cgroup v2 the kubelet asks it to take the whole
container; on v1 it takes one, so the application is made the worst beforehand and the
pieces are kept small. A single hog would be killed in its stead.

The pieces die with this process (parent-death signal), with the clock (alarm), and with
the application.
"""

from __future__ import annotations

import ctypes
import mmap
import os
import select
import signal
import time
from collections.abc import Callable
from typing import Any, NoReturn

from aftershock_components.carrier.containers import Container
from aftershock_components.carrier.scores import Scores

__all__ = ["Expired", "fill", "piece_bytes"]

PIECES = 24
SMALLEST = 1 << 20
LARGEST = 64 << 20
PR_SET_PDEATHSIG = 1
STEP_MS = 10
# Less than the 310 ms for which runc tries to remove a cgroup that is still in use.
LINGER_MS = 150
# More than the pause process of a pod and the kernel's own share need.
MARGIN = 2 << 20

Say = Callable[..., None]


class Expired(Exception):  # noqa: N818 - an end, not an error
    """The time is over and the application lives."""


def piece_bytes(limit: int) -> int:
    """Return how much one piece takes: small beside the limit, not so small that thousands are needed."""
    return max(SMALLEST, min(LARGEST, limit // PIECES))


def fill(container: Container, *, scores: Scores, expires_at: float, say: Say) -> None:
    """Fill the container's memory until its first process is gone. Leaves nothing running.

    `expires_at` is in seconds since the epoch. Returns when the application was killed.

    Raises:
        ContainerError: the container has no limit of its own.
        Expired: it was not killed in time.

    """
    limit = container.limit_bytes()
    application = os.pidfd_open(container.pid)
    if container.pid not in container.pids():  # it went between the look and the hold
        raise Expired("the application went by itself before anything was done")
    pieces: list[int] = []
    try:
        before = None
        if container.version == 1:
            # A pod of one container has the container's limit, and the pause process besides: its limit
            # would be the one that is met. The runtime is then told of the pod's sandbox first, and by
            # the time it looks at the container that one is removed and its event dropped (seen with
            # containerd 1.6: reason Error instead of OOMKilled). So the container's is to be met first.
            limit = scores.tighten(container.pid, container.limit_file, by_bytes=min(MARGIN, limit // 8))
            before = scores.raise_to_worst(container.pid)
        say("pressing", pid=container.pid, limit_bytes=limit, oom_score_adj=before)
        while not _ended(application, wait_ms=STEP_MS):
            if time.time() >= expires_at:
                raise Expired("the application was not killed in time")
            pieces = _living(pieces)
            if len(pieces) * piece_bytes(limit) < 2 * limit:
                pieces.append(_start_piece(container, piece_bytes(limit), expires_at))
        say("killed", pid=container.pid, pieces=len(pieces), usage_bytes=container.usage_bytes())
        # The runtime drops an out-of-memory event if any cgroup of the container is gone when it looks
        # (seen with containerd 1.6: reason Error instead of OOMKilled), and systemd removes them 4 ms
        # after its scope is empty. While the pieces are in it, it is not.
        select.poll().poll(LINGER_MS)
    finally:
        _end(pieces)
        os.close(application)
        say("restored", processes=scores.put_back())


def _ended(pidfd: int, *, wait_ms: int) -> bool:
    poll = select.poll()
    poll.register(pidfd, select.POLLIN)
    return bool(poll.poll(wait_ms))


def _start_piece(container: Container, size: int, expires_at: float) -> int:
    """Fork a process that joins the cgroup and takes `size` bytes; return its PID."""
    parent = os.getpid()
    pid = os.fork()
    if pid == 0:
        _be_a_piece(container, size, parent, expires_at)
    return pid


def _be_a_piece(container: Container, size: int, parent: int, expires_at: float) -> NoReturn:
    """Take memory and wait for the end. Never returns: this is a forked copy of the carrier."""
    try:
        signal.signal(signal.SIGTERM, signal.SIG_DFL)
        signal.signal(signal.SIGALRM, signal.SIG_DFL)
        ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGKILL)
        signal.alarm(max(1, int(expires_at - time.time()) + 1))
        if os.getppid() == parent:
            container.join(os.getpid())
            memory = mmap.mmap(-1, size, flags=mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS)
            for offset in range(0, size, mmap.PAGESIZE):
                memory[offset] = 1
            while True:
                signal.pause()
    finally:
        os._exit(1)


def _living(pieces: list[int]) -> list[int]:
    """Return the pieces that still run, and bury the others."""
    return [pid for pid in pieces if os.waitpid(pid, os.WNOHANG) == (0, 0)]


def _end(pieces: list[int]) -> None:
    for pid in _living(pieces):
        os.kill(pid, signal.SIGKILL)
        os.waitpid(pid, 0)


def describe(container: Container) -> dict[str, Any]:
    """Return the facts of a found container, for the log."""
    return {"pid": container.pid, "cgroup": str(container.folder), "cgroup_version": container.version}
