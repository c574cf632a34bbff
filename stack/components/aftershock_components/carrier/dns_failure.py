"""DNS failure: a pod's questions for chosen names are refused, answered late, or answered wrongly.

What the pod sends to port 53 of the servers in its resolv.conf is redirected to a server of ours in
the pod's own network, which hands every other question through.
"""

from __future__ import annotations

import asyncio
import ipaddress
from contextlib import suppress
from itertools import chain
from time import time

from aftershock_components.carrier.changes import Changes
from aftershock_components.carrier.dns_messages import CODES
from aftershock_components.carrier.dns_responder import MARK, Failing, Responder, loopback, open_sockets
from aftershock_components.carrier.namespaces import Network, pod_network
from aftershock_components.carrier.orders import Order, OrderError, Say
from aftershock_components.carrier.resolving import Resolving, read_resolving
from aftershock_components.carrier.rules import Chain, add_rules
from aftershock_components.carrier.tools import Tools

__all__ = ["act"]

MODES = (*(mode for mode in CODES if mode != "noerror"), "slow", "wrong")


def act(order: Order, changes: Changes, say: Say) -> None:
    """Let questions for `names` fail by `mode` until the time is over.

    `mode` is refused, servfail, nxdomain, slow (by `delay_ms`) or wrong (with `address`).

    Raises:
        ContainerError: the container is not here.
        OrderError: the options make no sense, the pod asks no server, or iptables is missing or refuses.

    """
    network = pod_network(order)
    resolving = _resolving(order)
    failing = _failing(order, resolving)
    tools = Tools(network, proc=order.proc)
    with network.inside():
        sockets = {server: open_sockets(loopback(server)) for server in _reachable(resolving, network)}
        ports = {server: datagram.getsockname()[1] for server, (datagram, _) in sockets.items()}

        def chains(family: int) -> list[Chain]:
            return [Chain(table="nat", hook="OUTPUT", rules=_rules(ports, family))]

        bounded = add_rules(chains, order=order, tools=tools, changes=changes)
        say(
            "failing names",
            mechanism="redirected port 53",
            mode=failing.mode,
            names=failing.names,
            servers=ports,
            ends_by_itself=bounded,
        )
        responders = {server: Responder(server, failing) for server in sockets}

        async def serve() -> None:
            async with asyncio.timeout(max(0.0, order.until - time())), asyncio.TaskGroup() as tasks:
                for server, responder in responders.items():
                    tasks.create_task(responder.serve(*sockets[server]))

        try:
            with suppress(TimeoutError):  # the time is over
                asyncio.run(serve())
        finally:
            for opened in chain.from_iterable(sockets.values()):
                opened.close()
    say("failed names", counts={server: dict(responder.counts) for server, responder in responders.items()})


def _reachable(resolving: Resolving, network: Network) -> list[str]:
    """Return the servers that the pod can ask: those of an IP version that it has.

    Raises:
        OrderError: there is none.

    """
    found = [one for one in resolving.servers if ipaddress.ip_address(one).version in network.families]
    if not found:
        raise OrderError(f"the pod cannot reach a server of its resolv.conf: {', '.join(resolving.servers)}")
    return found


def _rules(ports: dict[str, int], family: int) -> tuple[str, ...]:
    rules = [f"-m mark --mark {MARK:#x} -j RETURN"]
    for server, port in ports.items():
        if ipaddress.ip_address(server).version == family:
            rules += [
                f"-d {server} -p {protocol} --dport 53 -j REDIRECT --to-ports {port}"
                for protocol in ("udp", "tcp")
            ]
    return tuple(rules)


def _resolving(order: Order) -> Resolving:
    file = order.proc / str(order.container().pid) / "root" / "etc" / "resolv.conf"
    try:
        resolving = read_resolving(file)
    except OSError as error:
        raise OrderError(f"the pod's resolv.conf cannot be read: {error}") from error
    if not resolving.servers:
        raise OrderError("the pod's resolv.conf names no server")
    return resolving


def _failing(order: Order, resolving: Resolving) -> Failing:
    mode, names = order.option("mode", str), order.option("names", list)
    delay_ms, address = order.option("delay_ms", float, 0.0), order.option("address", str, "")
    if mode not in MODES:
        raise OrderError(f"option mode must be one of {', '.join(MODES)}, not {mode!r}")
    if not names or not all(isinstance(name, str) and name for name in names):
        raise OrderError(f"option names must be names, not {names!r}")
    if mode == "slow" and delay_ms <= 0:
        raise OrderError("slow needs delay_ms")
    if mode == "wrong":
        try:
            ipaddress.ip_address(address)
        except ValueError as error:
            raise OrderError(f"wrong needs address: {error}") from error
    return Failing(
        mode=mode, names=tuple(names), resolving=resolving, delay_s=delay_ms / 1000, address=address
    )
