"""Network namespaces: a pod's, found by container id and entered by this process or by its tools.

A namespace is told from every other one by device and inode number of its file, and outlives
a restart of the container that led to it. Python 3.11 has no setns of its own.
"""

from __future__ import annotations

import ctypes
import ipaddress
import os
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from aftershock_components.carrier.orders import Order, OrderError

__all__ = [
    "Address",
    "Network",
    "enter",
    "find_network",
    "local_addresses",
    "node_address_towards",
    "node_network",
    "pod_network",
]

CLONE_NEWNET = 0x40000000
CLONE_NEWNS = 0x00020000
# Where runtimes keep namespaces that no process may be in, as the node's first process sees it.
PINNED = ("run/netns", "var/run/netns")

Address = ipaddress.IPv4Address | ipaddress.IPv6Address


def enter(fd: int, kind: int = CLONE_NEWNET) -> None:
    """Move this thread into the namespace behind a file descriptor.

    Raises:
        OSError: the kernel does not let it.

    """
    if ctypes.CDLL(None, use_errno=True).setns(fd, kind) != 0:
        number = ctypes.get_errno()
        raise OSError(number, os.strerror(number))


@dataclass(frozen=True, kw_only=True)
class Network:
    """An open network namespace. `addresses` are those of its interfaces but the loopback's."""

    fd: int
    device: int
    inode: int
    addresses: tuple[Address, ...] = ()

    @property
    def families(self) -> tuple[int, ...]:
        """The IP versions in use: 6 only where there is an address beyond the link."""
        wide = {address.version for address in self.addresses if not address.is_link_local}
        return tuple(sorted(wide | {4}))

    @contextmanager
    def inside(self) -> Iterator[None]:
        """Be in it for a while. Sockets that are made meanwhile stay in it."""
        own = os.open("/proc/thread-self/ns/net", os.O_RDONLY | os.O_CLOEXEC)
        try:
            enter(self.fd)
            try:
                yield
            finally:
                enter(own)
        finally:
            os.close(own)


def pod_network(order: Order) -> Network:
    """Open the network namespace of the container that `order` names.

    Raises:
        ContainerError: the container is not here, or went during the look.
        OrderError: it uses the node's network: a fault there would hit the whole node.

    """
    pid = order.container().pid
    network = _open(order.proc / str(pid) / "ns" / "net", addresses_of=order.proc / str(pid))
    if network is None or order.container().pid != pid:
        raise OrderError(f"container {order.container_id} was replaced just now")
    if _key(order.proc / "1" / "ns" / "net") == (network.device, network.inode):
        raise OrderError(f"container {order.container_id} uses the node's own network")
    return network


def node_network(proc: Path) -> Network:
    """Open the node's own network namespace.

    Raises:
        OrderError: it cannot be opened.

    """
    network = _open(proc / "1" / "ns" / "net", addresses_of=proc / "1")
    if network is None:
        raise OrderError("the node's network cannot be opened: the carrier lacks the node's PID namespace")
    return network


def find_network(proc: Path, *, device: int, inode: int) -> Network | None:
    """Find a namespace again by its numbers: among those of processes, then among those kept by name."""
    files = [entry / "ns" / "net" for entry in proc.iterdir() if entry.name.isdecimal()]
    for folder in PINNED:
        kept = proc / "1" / "root" / folder
        files += sorted(kept.iterdir()) if kept.is_dir() else []
    for file in files:
        if _key(file) == (device, inode):
            network = _open(file)
            if network is not None and (network.device, network.inode) == (device, inode):
                return network
    return None


def node_address_towards(proc: Path, address: Address) -> Address | None:
    """Return the address that the node itself has when it speaks to `address`, as its kubelet does in probes.

    None where it has no way there.
    """
    family = socket.AF_INET if address.version == 4 else socket.AF_INET6  # noqa: PLR2004 - IP's version
    network = node_network(proc)
    try:
        with network.inside(), socket.socket(family, socket.SOCK_DGRAM) as probe:
            probe.connect((str(address), 9))  # of a datagram socket: only looks up the way
            return ipaddress.ip_address(probe.getsockname()[0])
    except OSError:
        return None
    finally:
        os.close(network.fd)


def local_addresses(process: Path) -> tuple[Address, ...]:
    """Return the addresses of the namespace of a process (its folder in /proc), without the loopback's."""
    found: list[Address] = []
    last = ""
    for line in _lines(process / "net" / "fib_trie"):
        word = line.split()
        if word[:1] == ["|--"]:
            last = word[1]
        elif word == ["/32", "host", "LOCAL"]:
            found.append(ipaddress.ip_address(last))
    found += [
        ipaddress.IPv6Address(bytes.fromhex(line.split()[0])) for line in _lines(process / "net" / "if_inet6")
    ]
    own = {one for one in found if not one.is_loopback}
    return tuple(sorted(own, key=lambda one: (one.version, one)))


def _open(file: Path, addresses_of: Path | None = None) -> Network | None:
    try:
        fd = os.open(file, os.O_RDONLY | os.O_CLOEXEC)
    except OSError:
        return None
    status = os.fstat(fd)
    addresses = local_addresses(addresses_of) if addresses_of else ()
    return Network(fd=fd, device=status.st_dev, inode=status.st_ino, addresses=addresses)


def _key(file: Path) -> tuple[int, int] | None:
    try:
        status = file.stat()
    except OSError:
        return None
    return status.st_dev, status.st_ino


def _lines(file: Path) -> list[str]:
    try:
        return file.read_text(encoding="ascii").splitlines()
    except OSError:
        return []
