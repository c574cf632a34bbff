"""Which packets of a pod a fault means: from and to whom, at which of its ports, and what share of them."""

from __future__ import annotations

import ipaddress
from collections.abc import Sequence
from dataclasses import dataclass

from aftershock_components.carrier.namespaces import Network, node_address_towards
from aftershock_components.carrier.orders import Order, OrderError

__all__ = ["INBOUND", "OUTBOUND", "Selection", "selected"]

INBOUND = "INPUT"
OUTBOUND = "OUTPUT"
# What tells neighbours where an address is. Without it even the spared could not be reached.
NEIGHBOURS = ("135", "136")

Block = ipaddress.IPv4Network | ipaddress.IPv6Network


@dataclass(frozen=True, kw_only=True)
class Selection:
    """Packets that a pod exchanges with `peers` (none: with everybody) except with the `spared`.

    `ports` are the pod's own, TCP and UDP; none means all of them, and every other protocol too.
    """

    peers: tuple[Block, ...] = ()
    spared: tuple[Block, ...] = ()
    ports: tuple[int, ...] = ()

    @property
    def everything(self) -> bool:
        """Whether it leaves nothing out."""
        return not (self.peers or self.spared or self.ports)

    def rules(
        self,
        hook: str,
        target: str,
        *,
        family: int,
        match: str = "",
        protocols: Sequence[str] = ("tcp", "udp"),
    ) -> tuple[str, ...]:
        """Return the rules of a chain entered from `hook` that sends what is meant to `target`.

        `match` is put before the target. `protocols` matter where ports are given.
        """
        inbound = hook == INBOUND
        address, interface, port = ("-s", "-i", "--dport") if inbound else ("-d", "-o", "--sport")
        rules = [f"{interface} lo -j RETURN"]
        if family == 6:  # noqa: PLR2004 - IP's version
            rules += [f"-p ipv6-icmp -m icmp6 --icmpv6-type {kind} -j RETURN" for kind in NEIGHBOURS]
        rules += [f"{address} {block} -j RETURN" for block in self.spared if block.version == family]
        peers = [f"{address} {block}" for block in self.peers if block.version == family]
        for peer in peers if self.peers else [""]:
            for portion in [f"-p {name} {port} {n}" for n in self.ports for name in protocols] or [""]:
                rules.append(" ".join(part for part in (peer, portion, match, target) if part))
        return tuple(rules)

    def described(self) -> dict[str, list[str] | list[int] | str]:
        """Return what it is, for the log."""
        return {
            "peers": [str(block) for block in self.peers] or "all",
            "spared": [str(block) for block in self.spared],
            "ports": list(self.ports) or "all",
        }


def selected(order: Order, network: Network, *, spare_node: bool) -> Selection:
    """Read a selection from the options `peers`, `ports` and `spare_node`, whose default is given.

    Spared is the address from which the node speaks to the pod: the kubelet's probes come from it.

    Raises:
        OrderError: an address, a port or a list is none.

    """
    spared: list[Block] = []
    if order.option("spare_node", bool, spare_node):
        own = [one for one in network.addresses if not one.is_link_local]
        sources = [node_address_towards(order.proc, one) for one in own]
        spared = [ipaddress.ip_network(one) for one in sources if one is not None]
        if not spared:
            raise OrderError("it cannot be told from which address the node probes the pod, to spare it")
    ports = order.option("ports", list, [])
    if not all(isinstance(port, int) and 0 < port < 1 << 16 for port in ports):
        raise OrderError(f"option ports must be port numbers, not {ports!r}")
    try:
        peers = [ipaddress.ip_network(peer, strict=False) for peer in order.option("peers", list, [])]
    except ValueError as error:
        raise OrderError(f"option peers must be addresses or blocks of them: {error}") from error
    return Selection(peers=tuple(peers), spared=tuple(spared), ports=tuple(ports))
