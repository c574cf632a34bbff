"""Packet loss: a share of the packets that reach a pod is dropped before it sees them.

They are dropped on their way in only. A drop on the way out is told to the sender by the
kernel (EPERM), which no real network does.
"""

from __future__ import annotations

from aftershock_components.carrier.changes import Changes
from aftershock_components.carrier.namespaces import pod_network
from aftershock_components.carrier.orders import Order, OrderError, Say, wait
from aftershock_components.carrier.rules import Chain, add_rules
from aftershock_components.carrier.selection import INBOUND, selected
from aftershock_components.carrier.tools import Tools

__all__ = ["act"]


def act(order: Order, changes: Changes, say: Say) -> None:
    """Drop the share `share` (0 to 1) of inbound packets until the time is over.

    Raises:
        ContainerError: the container is not here.
        OrderError: the options make no sense, or iptables is missing or refuses.

    """
    share = order.option("share", float)
    if not 0 < share <= 1:
        raise OrderError(f"option share must be above 0 and at most 1, not {share:g}")
    network = pod_network(order)
    selection = selected(order, network, spare_node=False)
    tools = Tools(network, proc=order.proc)
    match = f"-m statistic --mode random --probability {share:.6f}" if share < 1 else ""

    def chains(family: int) -> list[Chain]:
        rules = selection.rules(INBOUND, "-j DROP", family=family, match=match)
        return [Chain(table="filter", hook=INBOUND, rules=rules)]

    bounded = add_rules(chains, order=order, tools=tools, changes=changes)
    say("losing", mechanism="iptables", share=share, ends_by_itself=bounded, **selection.described())
    wait(order.until)
