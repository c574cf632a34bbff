"""Signals: the container's first process is killed, asked to end, or stopped for a while.

Sent from the node through a pidfd, so the image needs nothing and no other process can be hit.
Option `signal`: SIGKILL (the default), SIGTERM or SIGSTOP. The kernel keeps a first process
that has no handler for SIGTERM from ever seeing it; then the time runs out and nothing has
happened. SIGSTOP lasts until the time is over, and SIGCONT is what puts it back.
"""

from __future__ import annotations

import os
import signal
import time
from functools import partial
from pathlib import Path

from aftershock_components.carrier import application
from aftershock_components.carrier.changes import Changes, Entry, PutBack
from aftershock_components.carrier.containers import started
from aftershock_components.carrier.orders import Expired, Order, OrderError, Say, wait

__all__ = ["KIND", "act", "putting_back"]

KIND = "stopped"
SIGNALS = {"SIGKILL": signal.SIGKILL, "SIGTERM": signal.SIGTERM, "SIGSTOP": signal.SIGSTOP}


def act(order: Order, changes: Changes, say: Say) -> None:
    """Send the signal; wait for the end of the process, or with SIGSTOP for the end of the time.

    Raises:
        ContainerError: the container is not here.
        OrderError: that signal is not one of ours.
        Expired: the process did not end.

    """
    name = order.option("signal", str, "SIGKILL")
    if name not in SIGNALS:
        raise OrderError(f"option signal must be one of {', '.join(SIGNALS)}, not {name!r}")
    container = order.container()
    with application.hold(container) as pidfd:
        if SIGNALS[name] == signal.SIGSTOP:
            changes.remember(KIND, pid=container.pid, started=started(order.proc, container.pid))
        at = time.time()
        signal.pidfd_send_signal(pidfd, SIGNALS[name])
        say("sent", signal=name, **container.described())
        if wait(order.until, pidfd):
            say("ended", pid=container.pid, after_s=round(time.time() - at, 3))
        elif SIGNALS[name] != signal.SIGSTOP:
            raise Expired(f"process {container.pid} did not end of {name}")


def putting_back(proc: Path) -> PutBack:
    """Return what lets a process go on that still is stopped."""
    return partial(_put_back, proc)


def _put_back(proc: Path, entry: Entry) -> bool:
    try:
        pidfd = os.pidfd_open(entry["pid"])
    except ProcessLookupError:
        return False
    try:
        # The start time tells the process from a later one with its number.
        if started(proc, entry["pid"]) != entry["started"]:
            return False
        signal.pidfd_send_signal(pidfd, signal.SIGCONT)
    except ProcessLookupError:
        return False
    finally:
        os.close(pidfd)
    return True
