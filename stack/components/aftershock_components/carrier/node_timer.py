"""A timer of the node's systemd that runs a script later, whoever still lives then."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from functools import partial
from pathlib import Path

from aftershock_components.carrier.changes import Changes, Entry, PutBack
from aftershock_components.carrier.namespaces import node_network
from aftershock_components.carrier.orders import OrderError
from aftershock_components.carrier.tools import ToolError, Tools

__all__ = ["KIND", "arm", "cancel", "node_tools", "putting_back", "start", "unit_name"]

KIND = "timer"


def unit_name(fault_id: str) -> str:
    """Return the name of a fault's unit."""
    return f"aftershock-{hashlib.sha256(fault_id.encode()).hexdigest()[:12]}"


def node_tools(proc: Path) -> Tools:
    """Return the node's own programs.

    Raises:
        OrderError: the carrier does not see the node.

    """
    return Tools(node_network(proc), proc=proc, of_node=True)


def arm(fault_id: str, script: str, *, after_s: float, tools: Tools, changes: Changes) -> str:
    """Let the node run a shell script once, `after_s` from now; return the unit's name.

    Raises:
        OrderError: the node has no systemd that would.

    """
    unit = unit_name(fault_id)
    changes.remember(KIND, unit=unit)
    start(unit, script, after_s=after_s, tools=tools)
    return unit


def start(unit: str, script: str, *, after_s: float, tools: Tools) -> None:
    """Let the node run a shell script once, `after_s` from now. A reboot ends that.

    Whoever starts it has written down beforehand what takes it away.

    Raises:
        OrderError: the node has no systemd that would.

    """
    how = ("--quiet", "--collect", f"--unit={unit}", f"--on-active={after_s:.1f}s")
    try:
        tools.run("systemd-run", *how, "--timer-property=AccuracySec=100ms", "/bin/sh", "-c", script)
        tools.run("systemctl", "is-active", "--quiet", f"{unit}.timer")
    except ToolError as error:
        raise OrderError(f"the node has no timer that would end this for sure: {error}") from error


def cancel(unit: str, tools: Tools) -> bool:
    """Disarm a timer; say whether it still waited for its time.

    Raises:
        ToolError: it could not be stopped.

    """
    timer = f"{unit}.timer"
    if not tools.has("systemctl", "is-active", "--quiet", timer):
        return False
    tools.run("systemctl", "stop", timer)
    return True


def putting_back(proc: Path, *, make_tools: Callable[[], Tools] | None = None) -> PutBack:
    """Return what disarms a remembered timer, if it has not run out."""
    return partial(_put_back, make_tools or partial(node_tools, proc))


def _put_back(make_tools: Callable[[], Tools], entry: Entry) -> bool:
    return cancel(entry["unit"], make_tools())
