"""API server unreachable from a node: nothing that leaves the node gets to the API server.

Neither the node's own programs nor its pods. Whoever would take the rule away can no longer be told
to by the API, so the node itself is told beforehand: a timer of its systemd, which outlives the
carrier, takes it away a little after the fault's end. Without systemd this is refused. The rule
itself ends by the kernel's clock, too. To end it early, somebody asks the carrier over the pod network.
"""

from __future__ import annotations

import ipaddress
import time

from aftershock_components.carrier.changes import Changes
from aftershock_components.carrier.namespaces import node_network
from aftershock_components.carrier.node_timer import arm
from aftershock_components.carrier.orders import Order, OrderError, Say, wait
from aftershock_components.carrier.rules import Chain, add_rules, chain_name, programs
from aftershock_components.carrier.stop_request import StopListener
from aftershock_components.carrier.tools import Tools

__all__ = ["act"]

TABLE, HOOK = "mangle", "POSTROUTING"
# How long after the fault's end the node takes the rule away itself: the carrier's turn is first.
GRACE_S = 3.0
LONGEST_S = 3600.0


def act(order: Order, changes: Changes, say: Say) -> None:
    """Drop what leaves the node for the `servers` ("address:port") until the time is over or somebody asks.

    `stop_port` is where the carrier listens for a request to stop. `settle_s` is how long it waits first: its
    kubelet has to say that it runs before nothing can be said any more.

    Raises:
        OrderError: the options make no sense; the node has no systemd or no iptables of its own.

    """
    servers = [_server(one) for one in order.option("servers", list)]
    left = order.until - time.time()
    if not servers or not 0 < left <= LONGEST_S:
        raise OrderError(f"no servers, or a time of {left:.0f} s: must be from 0 to {LONGEST_S:.0f}")
    network = node_network(order.proc)
    tools = Tools(network, proc=order.proc, of_node=True)
    chain = chain_name(order.fault_id, HOOK)
    with StopListener(order.option("stop_port", int, 0), order.fault_id) as listener:
        scripts = [_script(programs(tools, family=family), chain) for family in network.families]
        timer = arm(order.fault_id, "\n".join(scripts), after_s=left + GRACE_S, tools=tools, changes=changes)

        def chains(family: int) -> list[Chain]:
            rules = [
                f"-d {address} -p tcp --dport {port} -j DROP"
                for address, port in servers
                if address.version == family
            ]
            return [Chain(table=TABLE, hook=HOOK, rules=tuple(rules))]

        settled = min(order.until, time.time() + order.option("settle_s", float, 0.0))
        while wait(settled, listener.fileno()):
            if listener.asked():
                say("asked to stop")
                return
        bounded = add_rules(chains, order=order, tools=tools, changes=changes)
        shown = order.options["servers"]
        say(
            "cutting off the API",
            servers=shown,
            timer=timer,
            ends_by_itself=bounded,
            stop_port=listener.port,
        )
        while wait(order.until, listener.fileno()):
            if listener.asked():
                say("asked to stop")
                return


def _server(word: object) -> tuple[ipaddress.IPv4Address | ipaddress.IPv6Address, int]:
    """Read "10.0.0.1:6443" or "[fd00::1]:6443"."""
    address, _, port = str(word).rpartition(":")
    try:
        return ipaddress.ip_address(address.strip("[]")), int(port)
    except ValueError as error:
        raise OrderError(f"option servers must hold address:port, not {word!r}") from error


def _script(program: str, chain: str) -> str:
    """Return what the node runs to take the rule away. Emptying the chain comes first: it alone does it."""
    command = f"{program} -w 10 -t {TABLE}"
    return "\n".join(
        (
            f"{command} -F {chain} 2>/dev/null",
            f"{command} -S {HOOK} | sed -n 's/^-A \\(.* -j {chain}\\)$/\\1/p' | while read -r rule; do",
            f"  {command} -D $rule",
            "done",
            f"{command} -X {chain}",
        )
    )
