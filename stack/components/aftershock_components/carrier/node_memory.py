"""Memory pressure on a node: hold memory until only so much is left, and then no more.

One process in the carrier's own cgroup takes it, so it goes with the carrier and leaves no
cgroup behind. Pods that use more later on get it back; what the kubelet wins by evicting is
not taken again, so the kubelet can end what it has begun. The process is the kernel's first
choice, should memory run out all the same.

Option `leave_bytes`: what is left, by `room`.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path

from aftershock_components.carrier import pieces
from aftershock_components.carrier.balloon import fill
from aftershock_components.carrier.changes import Changes
from aftershock_components.carrier.orders import Order, OrderError, Say, wait
from aftershock_components.carrier.room import Room, find_room
from aftershock_components.carrier.scores import WORST

__all__ = ["LEAST", "act", "missing"]

# Below this the node itself would be in danger, not its pods only.
LEAST = 32 << 20
CLOSE = 2 << 20
LOOK_S = 0.5


def act(order: Order, changes: Changes, say: Say) -> None:  # noqa: ARG001 - it changes nothing
    """Hold memory until the time is over.

    Raises:
        ContainerError: the kubelet keeps no limit for its pods here.
        OrderError: too little would be left, or less is left already.

    """
    leave: int = order.option("leave_bytes", int)
    room = find_room(cgroups=order.cgroups, proc=order.proc)
    left = room.left_bytes()
    if not LEAST <= leave < left:
        raise OrderError(f"option leave_bytes must be from {LEAST} to below the {left} left, not {leave}")
    say("pressing", leave_bytes=leave, left_bytes=left, cgroups=[str(group.folder) for group in room.cgroups])
    running: list[int] = []
    held = False
    try:
        running = [pieces.start(lambda: _press(room, leave), until=order.until)]
        while time.time() < order.until:
            if not pieces.living(running):
                say("pushed-out", left_bytes=room.left_bytes())
                return
            if not held and room.left_bytes() <= leave + CLOSE:
                held = True
                say("held", left_bytes=room.left_bytes())
            wait(min(order.until, time.time() + LOOK_S))
    finally:
        pieces.end(running)
    say("done", left_bytes=room.left_bytes())


def missing(left_bytes: Callable[[], int], leave: int) -> Callable[[], int]:
    """Return what says how much more to take: all of it at first; once it is held, never more."""
    reached = False

    def more() -> int:
        nonlocal reached
        lack = left_bytes() - leave
        reached = reached or lack <= CLOSE
        return min(lack, 0) if reached else lack

    return more


def _press(room: Room, leave: int) -> None:
    Path("/proc/self/oom_score_adj").write_text(str(WORST), encoding="ascii")
    fill(missing(room.left_bytes, leave))
