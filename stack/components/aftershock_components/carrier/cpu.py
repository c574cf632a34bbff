"""CPU: burners that take time on the processor, in a container's cgroup or in the carrier's own.

In a container's cgroup (`act`) they share its weight and its quota with the application. In
the carrier's own (`act_on_node`) the pod's own limit says how much of the node they get, and
its request, the least there is, that everyone else comes first. Either way no cgroup is made,
and so none is left.

Option `burners`: how many processes.
"""

from __future__ import annotations

import os
import time
from collections.abc import Callable

from aftershock_components.carrier import application, pieces
from aftershock_components.carrier.changes import Changes
from aftershock_components.carrier.orders import Order, OrderError, Say, wait

__all__ = ["act", "act_on_node"]

# cgroup v1 weighs CPU time in one tree and counts it in another, though often both are one.
CONTROLLERS = ("cpu", "cpuacct")
MOST = 256
LOWEST = 19
LOOK_S = 1.0


def act(order: Order, changes: Changes, say: Say) -> None:  # noqa: ARG001 - it changes nothing
    """Burn CPU time in the container until it ends or the time is over.

    Raises:
        ContainerError: the container is not here.
        OrderError: the number of burners makes no sense.

    """
    count = _count(order)
    containers = {found.folder: found for found in map(order.container, CONTROLLERS)}.values()
    first = next(iter(containers))

    def burn() -> None:
        for container in containers:
            container.join(os.getpid())
        _burn()

    with application.hold(first) as pidfd:
        say("burning", burners=count, **first.described())
        over = _keep(count, burn, order.until, pidfd)
        say("container-ended" if over else "done", pid=first.pid)


def act_on_node(order: Order, changes: Changes, say: Say) -> None:  # noqa: ARG001 - it changes nothing
    """Burn CPU time in the carrier's own cgroup until the time is over.

    Raises:
        OrderError: the number of burners makes no sense.

    """
    count = _count(order)

    def burn() -> None:
        os.nice(LOWEST)
        _burn()

    say("burning", burners=count, nice=LOWEST)
    _keep(count, burn, order.until)
    say("done")


def _keep(count: int, burn: Callable[[], None], until: float, *files: int) -> bool:
    """Keep that many burners running; say whether one of `files` ended it before the time did."""
    running: list[int] = []
    try:
        while time.time() < until:
            running = pieces.living(running)
            running += [pieces.start(burn, until=until) for _ in range(count - len(running))]
            if wait(min(until, time.time() + LOOK_S), *files):
                return True
    finally:
        pieces.end(running)
    return False


def _burn() -> None:
    while True:
        pass


def _count(order: Order) -> int:
    count: int = order.option("burners", int, os.cpu_count() or 1)
    if not 1 <= count <= MOST:
        raise OrderError(f"option burners must be from 1 to {MOST}, not {count}")
    return count
