"""Connection reset: TCP that a pod exchanges is answered with RST, to both ends.

What reaches the pod is refused towards the peer, what the pod sends is refused towards the pod,
so that open connections break on both sides. Resets themselves pass, or none would arrive.
"""

from __future__ import annotations

from aftershock_components.carrier.changes import Changes
from aftershock_components.carrier.namespaces import pod_network
from aftershock_components.carrier.orders import Order, OrderError, Say, wait
from aftershock_components.carrier.rules import Chain, add_rules
from aftershock_components.carrier.selection import INBOUND, OUTBOUND, selected
from aftershock_components.carrier.tools import Tools

__all__ = ["act"]


def act(order: Order, changes: Changes, say: Say) -> None:
    """Reset TCP until the time is over; with `share` below 1, that share of its packets.

    Raises:
        ContainerError: the container is not here.
        OrderError: the options make no sense, or iptables is missing or refuses.

    """
    share = order.option("share", float, 1.0)
    if not 0 < share <= 1:
        raise OrderError(f"option share must be above 0 and at most 1, not {share:g}")
    network = pod_network(order)
    selection = selected(order, network, spare_node=False)
    tools = Tools(network, proc=order.proc)
    match = f" -m statistic --mode random --probability {share:.6f}" if share < 1 else ""

    def chains(family: int) -> list[Chain]:
        return [
            Chain(
                table="filter",
                hook=hook,
                rules=selection.rules(
                    hook,
                    "-j REJECT --reject-with tcp-reset",
                    family=family,
                    match=f"{'' if selection.ports else '-p tcp '}-m tcp ! --tcp-flags RST RST{match}",
                    protocols=("tcp",),
                ),
            )
            for hook in (INBOUND, OUTBOUND)
        ]

    bounded = add_rules(chains, order=order, tools=tools, changes=changes)
    say("resetting", mechanism="iptables", share=share, ends_by_itself=bounded, **selection.described())
    wait(order.until)
