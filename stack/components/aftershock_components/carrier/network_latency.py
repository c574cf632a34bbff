"""Latency and jitter: every round trip with a pod takes longer, connections that are open already included.

By netem where the kernel has it and all of the pod's traffic is meant. Else by the carrier itself:
packets on their way in wait in a queue of the packet filter. Either way a round trip takes the delay
longer, whatever the protocol. The way in is taken because what a pod sends is still charged to its
sockets while it waits, which would throttle TCP. If the carrier dies, the queue is nobody's, and
packets pass at once.
"""

from __future__ import annotations

import select
import time

from aftershock_components.carrier.changes import Changes
from aftershock_components.carrier.delays import Delays
from aftershock_components.carrier.namespaces import Network, pod_network
from aftershock_components.carrier.netem import add_netem, has_netem
from aftershock_components.carrier.orders import Order, OrderError, Say, wait
from aftershock_components.carrier.packet_queue import PacketQueue, flow_of, queue_number
from aftershock_components.carrier.rules import Chain, add_rules
from aftershock_components.carrier.selection import INBOUND, Selection, selected
from aftershock_components.carrier.tools import Tools

__all__ = ["act"]

LONGEST_MS = 60_000.0


def act(order: Order, changes: Changes, say: Say) -> None:
    """Delay by `delay_ms`, plus or minus up to `jitter_ms`, until the time is over.

    Raises:
        ContainerError: the container is not here.
        OrderError: the options make no sense, or this kernel has neither mechanism.

    """
    delay_ms, jitter_ms = order.option("delay_ms", float), order.option("jitter_ms", float, 0.0)
    if not 0 < delay_ms <= LONGEST_MS or not 0 <= jitter_ms <= delay_ms:
        raise OrderError(f"a delay of {delay_ms:g} ms ± {jitter_ms:g} ms makes no sense")
    network = pod_network(order)
    selection = selected(order, network, spare_node=False)
    tools = Tools(network, proc=order.proc)
    if selection.everything and has_netem(tools):
        interfaces = add_netem(network, tools, changes, delay_ms=delay_ms, jitter_ms=jitter_ms)
        say("delaying", mechanism="netem", delay_ms=delay_ms, jitter_ms=jitter_ms, interfaces=interfaces)
        wait(order.until)
        return
    delays = Delays(delay_s=delay_ms / 1000, jitter_s=jitter_ms / 1000)
    with _queue(order, network) as queue:
        bounded = _lead_to(queue, order, selection, tools, changes)
        say(
            "delaying",
            mechanism="packet queue",
            delay_ms=delay_ms,
            jitter_ms=jitter_ms,
            ends_by_itself=bounded,
            **selection.described(),
        )
        try:
            count = _hold(queue, delays, order.until)
        finally:
            queue.let_go(delays.due(float("inf")))
    say("delayed", packets=count)


def _queue(order: Order, network: Network) -> PacketQueue:
    """Take a queue of the pod's network."""
    try:
        with network.inside():
            return PacketQueue(queue_number(order.fault_id))
    except OSError as error:
        raise OrderError(f"this kernel has neither netem nor a packet queue: {error}") from error


def _lead_to(queue: PacketQueue, order: Order, selection: Selection, tools: Tools, changes: Changes) -> bool:
    target = f"-j NFQUEUE --queue-num {queue.number} --queue-bypass"

    def chains(family: int) -> list[Chain]:
        # In the table before the filter's: what is let go goes on there, so that no rule is skipped.
        return [Chain(table="mangle", hook=INBOUND, rules=selection.rules(INBOUND, target, family=family))]

    return add_rules(chains, order=order, tools=tools, changes=changes)


def _hold(queue: PacketQueue, delays: Delays, until: float) -> int:
    """Let every packet wait its time; return how many there were."""
    count = 0
    poll = select.poll()
    poll.register(queue, select.POLLIN)
    while (left := until - time.time()) > 0:
        due_in = delays.next_in(time.monotonic())
        poll.poll(min(left, 1.0 if due_in is None else due_in) * 1000)
        now = time.monotonic()
        for packet, start in queue.read():
            delays.add(packet, flow_of(start), now)
            count += 1
        queue.let_go(delays.due(now))
    return count
