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

__all__ = ["KIND", "arm", "putting_back", "unit_name"]

KIND = "timer"


def unit_name(fault_id: str) -> str:
    """Return the name of a fault's unit."""
    return f"aftershock-{hashlib.sha256(fault_id.encode()).hexdigest()[:12]}"


def arm(fault_id: str, script: str, *, after_s: float, tools: Tools, changes: Changes) -> str:
    """Let the node run a shell script once, `after_s` from now; return the unit's name.

    Raises:
        OrderError: the node has no systemd that would.

    """
    unit = unit_name(fault_id)
    changes.remember(KIND, unit=unit)
    how = ("--quiet", "--collect", f"--unit={unit}", f"--on-active={after_s:.1f}s")
    try:
        tools.run("systemd-run", *how, "--timer-property=AccuracySec=100ms", "/bin/sh", "-c", script)
        tools.run("systemctl", "is-active", "--quiet", f"{unit}.timer")
    except ToolError as error:
        raise OrderError(f"the node has no timer that would end this for sure: {error}") from error
    return unit


def putting_back(proc: Path, *, make_tools: Callable[[], Tools] | None = None) -> PutBack:
    """Return what disarms a remembered timer, if it has not run out."""
    return partial(_put_back, make_tools or (lambda: Tools(node_network(proc), proc=proc, of_node=True)))


def _put_back(make_tools: Callable[[], Tools], entry: Entry) -> bool:
    tools = make_tools()
    timer = f"{entry['unit']}.timer"
    if not tools.has("systemctl", "is-active", "--quiet", timer):
        return False
    tools.run("systemctl", "stop", timer)
    return True
