"""Out of memory: fill a container's memory until the kernel kills its application.

Many small processes join the container's memory cgroup and take a piece each. The kernel
then looks for the worst process there. On cgroup v2 the kubelet asks it to take the whole
container; on v1 it takes one, so the application is made the worst beforehand and the
pieces are kept small. A single hog would be killed in its stead.
"""

from __future__ import annotations

import mmap
import os
import select
import signal
import time

from aftershock_components.carrier import pieces, scores, values
from aftershock_components.carrier.changes import Changes
from aftershock_components.carrier.containers import Container
from aftershock_components.carrier.orders import Expired, Order, Say

__all__ = ["act", "piece_bytes"]

PIECES = 24
SMALLEST = 1 << 20
LARGEST = 64 << 20
STEP_MS = 10
# Less than the 310 ms for which runc tries to remove a cgroup that is still in use.
LINGER_MS = 150
# More than the pause process of a pod and the kernel's own share need.
MARGIN = 2 << 20


def piece_bytes(limit: int) -> int:
    """Return how much one piece takes: small beside the limit, not so small that thousands are needed."""
    return max(SMALLEST, min(LARGEST, limit // PIECES))


def tightened(limit: int) -> int:
    """Return a limit a little below, in whole pages, as the kernel keeps it."""
    lower = limit - min(MARGIN, limit // 8)
    return lower - lower % mmap.PAGESIZE


def act(order: Order, changes: Changes, say: Say) -> None:
    """Fill the container's memory until its first process is gone. Leaves nothing running.

    Raises:
        ContainerError: the container is not here, or has no limit of its own.
        Expired: it was not killed in time.

    """
    container = order.container()
    limit = container.limit_bytes()
    application = os.pidfd_open(container.pid)
    if container.pid not in container.pids():  # it went between the look and the hold
        raise Expired("the application went by itself before anything was done")
    size, running = piece_bytes(limit), list[int]()
    try:
        before = None
        if container.version == 1:
            # A pod of one container has the container's limit, and the pause process besides: its limit
            # would be the one that is met. The runtime is then told of the pod's sandbox first, and by
            # the time it looks at the container that one is removed and its event dropped (seen with
            # containerd 1.6: reason Error instead of OOMKilled). So the container's is to be met first.
            limit = tightened(limit)
            values.write(container.limit_file, str(limit), changes=changes)
            before = scores.raise_to_worst(container.pid, proc=order.proc, changes=changes)
        say("pressing", **container.described(), limit_bytes=limit, oom_score_adj=before)
        while not _ended(application, wait_ms=STEP_MS):
            if time.time() >= order.until:
                raise Expired("the application was not killed in time")
            running = pieces.living(running)
            if len(running) * size < 2 * limit:
                running.append(pieces.start(lambda: _press(container, size), until=order.until))
        say("killed", pid=container.pid, pieces=len(running), usage_bytes=container.usage_bytes())
        # The runtime drops an out-of-memory event if any cgroup of the container is gone when it looks
        # (seen with containerd 1.6: reason Error instead of OOMKilled), and systemd removes them 4 ms
        # after its scope is empty. While the pieces are in it, it is not.
        select.poll().poll(LINGER_MS)
    finally:
        pieces.end(running)
        os.close(application)


def _press(container: Container, size: int) -> None:
    container.join(os.getpid())
    memory = pieces.take_memory(size)
    while memory:
        signal.pause()


def _ended(pidfd: int, *, wait_ms: int) -> bool:
    poll = select.poll()
    poll.register(pidfd, select.POLLIN)
    return bool(poll.poll(wait_ms))
