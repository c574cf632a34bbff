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
from collections.abc import Callable
from functools import partial
from pathlib import Path

from aftershock_components.carrier import calls, node_timer
from aftershock_components.carrier.changes import Changes, Entry, PutBack
from aftershock_components.carrier.orders import Order, OrderError, Say
from aftershock_components.carrier.tools import Tools

__all__ = ["KIND", "UNIT", "act", "putting_back"]

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
    tools = node_timer.node_tools(order.proc)
    with calls.listening(port) as listener:
        say("listening", port=port)
        if not _runs(tools):
            raise OrderError(f"{UNIT} is not what runs here")
        called = calls.wait_for(listener, order.fault_id, until=min(order.until, time.time() + after_s))
        left = order.until - time.time()
        if called or left < SHORTEST_S:
            raise OrderError("called off" if called else f"only {left:.0f} s are left")
        timer = node_timer.unit_name(order.fault_id)
        # One entry for both: the timer must outlast a kubelet that could not be started.
        changes.remember(KIND, timer=timer)
        node_timer.start(timer, f"systemctl start {UNIT}", after_s=left, tools=tools)
        say("armed", timer=timer, after_s=round(left, 1))
        tools.run("systemctl", "stop", UNIT)
        say("stopped", unit=UNIT)
        called = calls.wait_for(listener, order.fault_id, until=order.until)
    say("called" if called else "done")


def putting_back(proc: Path, *, make_tools: Callable[[], Tools] | None = None) -> PutBack:
    """Return what starts a kubelet that does not run (and says if it had to), then forgets the timer."""
    return partial(_put_back, make_tools or partial(node_timer.node_tools, proc))


def _put_back(make_tools: Callable[[], Tools], entry: Entry) -> bool:
    tools = make_tools()
    stopped = not _runs(tools)
    if stopped:
        tools.run("systemctl", "start", UNIT)
    node_timer.cancel(entry["timer"], tools)
    return stopped


def _runs(tools: Tools) -> bool:
    return tools.run("systemctl", "show", "--property=ActiveState", "--value", UNIT).strip() == "active"
