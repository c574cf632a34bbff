"""Partition: nothing passes between a pod and the chosen peers, or everybody but its own node.

The node is spared unless the order says otherwise: the kubelet still sees a healthy pod while
nobody else can reach it, as when a switch fails.

What the pod sends goes to a queue that nobody empties: the kernel drops it and says nothing. A plain
DROP on the way out is told to the sender (EPERM), which no real network does; it is the second choice.
"""

from __future__ import annotations

from functools import partial

from aftershock_components.carrier.changes import Changes
from aftershock_components.carrier.namespaces import pod_network
from aftershock_components.carrier.orders import Order, Say, wait
from aftershock_components.carrier.packet_queue import queue_number
from aftershock_components.carrier.rules import Chain, add_rules
from aftershock_components.carrier.selection import INBOUND, OUTBOUND, selected
from aftershock_components.carrier.tools import ToolError, Tools

__all__ = ["act"]


def act(order: Order, changes: Changes, say: Say) -> None:
    """Drop what comes from the peers and what goes to them until the time is over.

    Raises:
        ContainerError: the container is not here.
        OrderError: the options make no sense, or iptables is missing or refuses.

    """
    network = pod_network(order)
    selection = selected(order, network, spare_node=True)
    tools = Tools(network, proc=order.proc)

    def chains(out: str, family: int) -> list[Chain]:
        targets = {INBOUND: "-j DROP", OUTBOUND: out}
        return [
            Chain(table="filter", hook=hook, rules=selection.rules(hook, target, family=family))
            for hook, target in targets.items()
        ]

    try:
        silent = f"-j NFQUEUE --queue-num {queue_number(order.fault_id)}"
        bounded = add_rules(partial(chains, silent), order=order, tools=tools, changes=changes)
    except ToolError as error:
        say("not silently", reason=str(error))
        bounded = add_rules(partial(chains, "-j DROP"), order=order, tools=tools, changes=changes)
    say("cut off", mechanism="iptables", ends_by_itself=bounded, **selection.described())
    wait(order.until)
