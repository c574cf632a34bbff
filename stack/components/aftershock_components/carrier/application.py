"""A container's first process, held by a pidfd: no other process can take its place unseen."""

from __future__ import annotations

import os
import select
from collections.abc import Iterator
from contextlib import contextmanager

from aftershock_components.carrier.containers import Container, ContainerError

__all__ = ["ended", "hold"]


@contextmanager
def hold(container: Container) -> Iterator[int]:
    """Give the pidfd of the container's first process, which can be read once the process has ended.

    Raises:
        ContainerError: it ended between the look and the hold.

    """
    try:
        pidfd = os.pidfd_open(container.pid)
    except ProcessLookupError as error:
        raise ContainerError(f"process {container.pid} is gone") from error
    try:
        if container.pid not in container.pids():
            raise ContainerError(f"process {container.pid} is gone from {container.folder}")
        yield pidfd
    finally:
        os.close(pidfd)


def ended(pidfd: int, *, wait_ms: int = 0) -> bool:
    """Whether that process has ended; waits so long for it."""
    poll = select.poll()
    poll.register(pidfd, select.POLLIN)
    return bool(poll.poll(wait_ms))
