"""What Podman's network program forgets when it is killed at its work.

A container whose start was cut short has an interface, a name in the DNS and forwarded
ports, of which its engine knows nothing: removing container and network leaves them. Ports
would then lead to a node that is gone, and names of new nodes would not be found.
"""

from __future__ import annotations

import hashlib
import json
import shlex
from pathlib import Path

from aftershock.cluster.shell import Shell

__all__ = ["sweep"]

NAMES = Path("/run/containers/networks/aardvark-dns")
"""Where netavark keeps a file of names for each network; its DNS server reads them anew at each change."""

_HASH_LENGTH = 13


def sweep(network: str, *, shell: Shell) -> None:
    """Remove what is left of a network that is gone: names, forwarded ports, interfaces.

    Where everything was removed in order this finds nothing. Needs root, like what left it.

    Raises:
        CommandError: something cannot be removed.

    """
    for program in ("iptables", "ip6tables"):
        _forget_ports(network, program, shell)
    names = NAMES / network
    if names.exists():
        # The first line says where the names can be asked for: the bridge's own addresses.
        _remove_bridge(set(names.read_text(encoding="ascii").partition("\n")[0].split(",")), shell)
        names.unlink()


def _remove_bridge(addresses: set[str], shell: Shell) -> None:
    """Remove the interfaces that have one of these addresses, and what is plugged into them."""
    for link in json.loads(shell.run("ip", "-json", "address")):
        if addresses & {address.get("local") for address in link["addr_info"]}:
            for plug in json.loads(shell.run("ip", "-json", "link", "show", "master", link["ifname"])):
                shell.run("ip", "link", "delete", plug["ifname"])
            shell.run("ip", "link", "delete", link["ifname"])


def _forget_ports(network: str, program: str, shell: Shell) -> None:
    """Remove the chains that netavark names after a network, and every rule that leads there."""
    number = hashlib.sha512(network.encode()).hexdigest()[:_HASH_LENGTH].upper()
    chains = (f"NETAVARK-{number}", f"NETAVARK-DN-{number}")
    rules = [shlex.split(line) for line in shell.run(program, "-t", "nat", "-S").splitlines()]
    for flag, chain, *rest in rules:
        if flag == "-A" and chain not in chains and rest[-1] in chains:
            shell.run(program, "-t", "nat", "-D", chain, *rest)
    there = [chain for flag, chain, *_ in rules if flag == "-N" and chain in chains]
    for chain in there:
        shell.run(program, "-t", "nat", "-F", chain)
    for chain in there:
        shell.run(program, "-t", "nat", "-X", chain)
