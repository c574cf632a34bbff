"""Kubelet stopped: the node's service manager stops it, and starts it again when the time is over.

The dead man's switch comes first: a timer of the node's systemd, which needs neither this
process nor a network. Containers go on; the node is no longer heard of. No pod can be started
or deleted there meanwhile, so whoever wants the kubelet back earlier calls this carrier at
its pod's address (`calls`), from another node.

Options: `after_s`, how long to wait before the stop, so that the API still learns that this
carrier runs, and where; `port`, where it listens for calls.
"""

from __future__ import annotations

import time

from aftershock_components.carrier import calls, host
from aftershock_components.carrier.changes import Changes, Entry
from aftershock_components.carrier.orders import Order, OrderError, Say

__all__ = ["KIND", "UNIT", "act", "put_back"]

KIND = "kubelet"
UNIT = "kubelet.service"
AFTER_S = 3.0
# Less time than this is none: the node is still being stopped when the timer starts it again.
SHORTEST_S = 5.0


def act(order: Order, changes: Changes, say: Say) -> None:
    """Stop the kubelet until somebody calls or the time is over; it then runs again.

    Raises:
        OrderError: this node's kubelet is no unit of systemd that runs, or there is no time.

    """
    after_s: float = order.option("after_s", float, AFTER_S)
    port = order.option("port", int, calls.PORT)
    with calls.listening(port) as listener:
        say("listening", port=port)
        try:
            _check_runs()
            called = calls.wait_for(listener, order.fault_id, until=min(order.until, time.time() + after_s))
            left = order.until - time.time()
            if called or left < SHORTEST_S:
                raise OrderError("called off" if called else f"only {left:.0f} s are left")
            timer = f"aftershock-{order.fault_id}"
            changes.remember(KIND, timer=timer)
            host.start_timer(timer, ("systemctl", "start", UNIT), after_s=left)
            say("armed", timer=timer, after_s=round(left, 1))
            host.run("systemctl", "stop", UNIT)
        except host.HostError as error:
            raise OrderError(str(error)) from error
        say("stopped", unit=UNIT)
        called = calls.wait_for(listener, order.fault_id, until=order.until)
    say("called" if called else "done")


def put_back(entry: Entry) -> bool:
    """Start the kubelet if it does not run, and forget the timer; say whether it had to be started.

    Raises:
        HostError: it does not start.

    """
    stopped = not _runs()
    if stopped:
        host.run("systemctl", "start", UNIT)
    host.cancel_timer(entry["timer"])
    return stopped


def _runs() -> bool:
    return host.run("systemctl", "show", "--property=ActiveState", "--value", UNIT).strip() == "active"


def _check_runs() -> None:
    if not _runs():
        raise OrderError(f"{UNIT} is not what runs here")
