"""Disk fill: a volume of a container is filled up to a share of its size, and never past a floor.

The space is held by a file without a name. It exists only as long as the carrier has it open:
however the carrier ends, the kernel gives the space back, and there is never anything to
remove. It gives space back at once when less than the floor is free.

Options: `path`, where the container has the volume; `share` of its size, above 0, at most 1;
`floor_bytes`, which stay free; `largest_bytes`, above which a volume is not touched.
"""

from __future__ import annotations

import errno
import os
import time

from aftershock_components.carrier import application
from aftershock_components.carrier.changes import Changes
from aftershock_components.carrier.orders import Order, OrderError, Say, wait
from aftershock_components.carrier.volumes import Usage, VolumeError, find_volume

__all__ = ["act", "bytes_to_take", "measure"]

LEAST_FLOOR = 1 << 20
# What the file system needs to write down where the file is; it is not part of the file.
BOOKKEEPING = 64 << 10
LOOK_S = 0.5
# Several calls, so that the floor is looked at between them, by whomever else writes.
STEP = 256 << 20
NAMELESS_UNKNOWN = {errno.EOPNOTSUPP, errno.EISDIR, errno.EINVAL, errno.ENOENT}


def bytes_to_take(usage: Usage, *, share: float, floor: int, held: int = 0) -> int:
    """Return how large the file is to be, of which `held` bytes are there already.

    As much as makes the share, and no more than leaves the floor free; 0 if there is no room.
    """
    wanted = int(usage.size * share) - (usage.used - held)
    return max(0, min(wanted, usage.free + held - floor - BOOKKEEPING))


def act(order: Order, changes: Changes, say: Say) -> None:  # noqa: ARG001 - a file without a name leaves nothing
    """Hold the volume at the share until the container ends or the time is over.

    Raises:
        ContainerError: the container is not here.
        OrderError: the volume must not be filled, or is as full already.

    """
    path, share = order.option("path", str), order.option("share", float)
    floor, largest = order.option("floor_bytes", int), order.option("largest_bytes", int, 0)
    if not 0 < share <= 1 or floor < LEAST_FLOOR:
        raise OrderError(f"share {share} is not in 0 to 1, or floor_bytes {floor} is below {LEAST_FLOOR}")
    container = order.container()
    with application.hold(container) as pidfd:
        file = _nameless(path, pid=container.pid, order=order)
        try:
            usage = Usage.of(file)
            if largest and usage.size > largest:
                raise OrderError(f"{path} has {usage.size} bytes, more than the {largest} that it may have")
            if not bytes_to_take(usage, share=share, floor=floor):
                raise OrderError(f"{path} is as full already, or its floor would be passed: {usage}")
            say("filling", path=path, size_bytes=usage.size, used_bytes=usage.used, free_bytes=usage.free)
            _fill(file, share, floor, order.until)
            usage = Usage.of(file)
            say("held", used_bytes=usage.used, free_bytes=usage.free, own_bytes=os.fstat(file).st_size)
            over = _keep(file, share, floor, order.until, pidfd)
        finally:
            os.close(file)
        say("container-ended" if over else "done", pid=container.pid)


def _nameless(path: str, *, pid: int, order: Order) -> int:
    try:
        volume = find_volume(path, pid=pid, proc=order.proc)
        return os.open(volume.folder, os.O_TMPFILE | os.O_RDWR, 0o600)
    except VolumeError as error:
        raise OrderError(str(error)) from error
    except OSError as error:
        if error.errno not in NAMELESS_UNKNOWN:
            raise OrderError(f"{path} cannot be written to: {error.strerror}") from error
        raise OrderError(f"the file system at {path} knows no files without a name") from error


def _fill(file: int, share: float, floor: int, until: float) -> None:
    """Make the file as large as it is to be."""
    while time.time() < until:
        held = os.fstat(file).st_size
        more = bytes_to_take(Usage.of(file), share=share, floor=floor, held=held) - held
        if more <= 0:
            return
        try:
            os.posix_fallocate(file, held, min(more, STEP))
        except OSError as error:
            if error.errno != errno.ENOSPC:
                raise
            os.ftruncate(file, held)
            return


def _keep(file: int, share: float, floor: int, until: float, pidfd: int) -> bool:
    """Give back what others need; say whether the container ended before the time did."""
    while time.time() < until:
        held = os.fstat(file).st_size
        wanted = bytes_to_take(Usage.of(file), share=share, floor=floor, held=held)
        if wanted < held:
            os.ftruncate(file, wanted)
        if wait(min(until, time.time() + LOOK_S), pidfd):
            return True
    return False


def measure(order: Order, changes: Changes, say: Say) -> None:  # noqa: ARG001 - it changes nothing
    """Say how full the volume at option `path` is; this is not the process that fills it.

    Raises:
        ContainerError: the container is not here.
        OrderError: there is no such volume.

    """
    path = order.option("path", str)
    container = order.container()
    with application.hold(container):
        try:
            file = os.open(find_volume(path, pid=container.pid, proc=order.proc).folder, os.O_RDONLY)
        except (VolumeError, OSError) as error:
            raise OrderError(str(error)) from error
        usage = Usage.of(file)
        os.close(file)
    say("measured", path=path, size_bytes=usage.size, used_bytes=usage.used, free_bytes=usage.free)
