"""Memory pressure: hold a container at a share of its limit, without ever filling it.

One process joins the container's memory cgroup and takes what is missing, counting what the
application uses already; it follows it up and down. It is made the kernel's first choice, and
on cgroup v2, where the kubelet has the kernel take a whole container at once, that is turned
off for the while: should memory run out, the pressure goes and the application stays.

Option `share`: of the limit, above 0 and below 1.
"""

from __future__ import annotations

import os
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path

from aftershock_components.carrier import application, pieces, values
from aftershock_components.carrier.balloon import fill
from aftershock_components.carrier.changes import Changes
from aftershock_components.carrier.containers import Container
from aftershock_components.carrier.orders import Order, OrderError, Say, wait
from aftershock_components.carrier.scores import WORST

__all__ = ["MARGIN", "act", "target_bytes"]

MARGIN = 4 << 20
LOOK_S = 0.2


def target_bytes(limit: int, share: float) -> int:
    """Return the working set to hold.

    Raises:
        OrderError: the share is none, or leaves less free than the margin.

    """
    if not 0 < share < 1:
        raise OrderError(f"option share must be above 0 and below 1, not {share}")
    target = int(limit * share)
    if limit - target < MARGIN:
        raise OrderError(
            f"{share:.0%} of {limit} bytes leaves {limit - target} free, less than the margin of {MARGIN}"
        )
    return target


def act(order: Order, changes: Changes, say: Say) -> None:
    """Hold the container at the share until it ends or the time is over.

    Raises:
        ContainerError: the container is not here, or has no limit of its own.
        OrderError: the share makes no sense.

    """
    container = order.container()
    target = target_bytes(container.limit_bytes(), order.option("share", float))
    with application.hold(container) as pidfd:
        if (group := container.folder / "memory.oom.group").exists():
            values.write(group, "0", changes=changes)
        before = container.working_set_bytes()
        say("pressing", **container.described(), target_bytes=target, before_bytes=before)
        over = _hold(container, target, order.until, say, pidfd)
        say("container-ended" if over else "done", pid=container.pid)


def _hold(container: Container, target: int, until: float, say: Say, pidfd: int) -> bool:
    """Keep the piece alive; say whether the application ended before the time did."""
    running: list[int] = []
    held = False
    try:
        while time.time() < until:
            if running and not (running := pieces.living(running)):
                say("pushed-out", working_set_bytes=container.working_set_bytes())
            if not running:
                running = [pieces.start(partial(_press, container, target), until=until)]
            if not held and container.working_set_bytes() >= target - MARGIN:
                held = True
                say("held", working_set_bytes=container.working_set_bytes())
            if wait(min(until, time.time() + LOOK_S), pidfd):
                return True
    finally:
        pieces.end(running)
    return False


def _press(container: Container, target: int) -> None:
    Path("/proc/self/oom_score_adj").write_text(str(WORST), encoding="ascii")
    container.join(os.getpid())
    fill(_missing(container, target))


def _missing(container: Container, target: int) -> Callable[[], int]:
    return lambda: target - container.working_set_bytes()
