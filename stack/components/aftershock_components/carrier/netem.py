"""netem: the kernel's own delay of what an interface sends, where the kernel has it."""

from __future__ import annotations

import socket
from collections.abc import Callable
from functools import partial
from pathlib import Path

from aftershock_components.carrier.changes import Changes, Entry, PutBack
from aftershock_components.carrier.namespaces import Network, find_network
from aftershock_components.carrier.tools import ToolError, Tools

__all__ = ["HANDLE", "KIND", "add_netem", "has_netem", "putting_back"]

KIND = "netem"
# Tells our qdisc from any other one of the same kind.
HANDLE = "a5f7:"
# Packets that may wait. The default of 1000 would lose what a fast sender sends within a long delay.
LONGEST = 100_000
# What an interface has that nobody configured.
PLAIN = ("noqueue", "pfifo_fast", "fq_codel", "mq", "pfifo")

MakeTools = Callable[[Entry], "Tools | None"]


def has_netem(tools: Tools) -> bool:
    """Whether the kernel can delay here: tried on a namespace of nobody's, made for it and gone after."""
    # `unshare` runs tc where there is nothing but a loopback that is down.
    return tools.has("unshare", "--net", "tc", "qdisc", "add", "dev", "lo", "root", "netem", "delay", "1ms")


def add_netem(
    network: Network, tools: Tools, changes: Changes, *, delay_ms: float, jitter_ms: float
) -> list[str]:
    """Delay what every interface but the loopback sends; return their names.

    Raises:
        ToolError: an interface has a qdisc of somebody's, or tc fails.

    """
    with network.inside():
        interfaces = [name for _, name in socket.if_nameindex() if name != "lo"]
    for interface in interfaces:
        roots = [line.split() for line in tools.run("tc", "qdisc", "show", "dev", interface).splitlines()]
        if any(words[1] not in PLAIN for words in roots):
            raise ToolError(f"{interface} has a queue of its own already: {roots}")
    for interface in interfaces:
        changes.remember(KIND, interface=interface, device=network.device, inode=network.inode)
        spread = (f"{jitter_ms:g}ms",) if jitter_ms else ()
        how = ("netem", "limit", str(LONGEST), "delay", f"{delay_ms:g}ms", *spread)
        tools.run("tc", "qdisc", "add", "dev", interface, "root", "handle", HANDLE, *how)
    return interfaces


def putting_back(proc: Path, *, make_tools: MakeTools | None = None) -> PutBack:
    """Return what takes a remembered delay away, if it is still ours."""
    return partial(_put_back, make_tools or partial(_tools, proc))


def _tools(proc: Path, entry: Entry) -> Tools | None:
    network = find_network(proc, device=entry["device"], inode=entry["inode"])
    return None if network is None else Tools(network, proc=proc)


def _put_back(make_tools: MakeTools, entry: Entry) -> bool:
    tools = make_tools(entry)
    if tools is None:
        return False
    if f"qdisc netem {HANDLE} root" not in tools.run("tc", "qdisc", "show", "dev", entry["interface"]):
        return False
    tools.run("tc", "qdisc", "del", "dev", entry["interface"], "root", "handle", HANDLE)
    return True
