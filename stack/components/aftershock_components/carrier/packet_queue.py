"""A queue of the kernel's packet filter (NFQUEUE): packets wait in the kernel until they are let go.

Speaks nfnetlink_queue's own messages (linux/netfilter/nfnetlink_queue.h). Only the start of each
packet is copied. With rules that say --queue-bypass packets pass freely as soon as nobody listens.
"""

from __future__ import annotations

import errno
import hashlib
import os
import socket
import struct
from collections.abc import Iterator, Sequence
from typing import Self

__all__ = ["Packet", "PacketQueue", "flow_of", "parse_packets", "queue_number"]

NETLINK_NETFILTER = 12
SOL_NETLINK, NETLINK_NO_ENOBUFS = 270, 5
SO_RCVBUFFORCE = 33
QUEUE = 3 << 8  # NFNL_SUBSYS_QUEUE
PACKET, VERDICT, CONFIG = QUEUE | 0, QUEUE | 1, QUEUE | 2
NLMSG_ERROR = 2
REQUEST, ACK = 1, 4
CFG_CMD, CFG_PARAMS, CFG_MAXLEN, CFG_MASK, CFG_FLAGS = 1, 2, 3, 4, 5
BIND, COPY_PACKET = 1, 2
FAIL_OPEN, GSO = 1, 4
HEADER, PAYLOAD, VERDICT_HEADER = 1, 10, 2
NF_ACCEPT = 1
# Enough for addresses and ports of IPv6.
COPIED = 64
# 2 s of 30,000 packets a second. What exceeds it passes at once rather than being lost.
LONGEST = 65535
BUFFER = 16 << 20
READ = 1 << 18

Packet = tuple[int, bytes]


class PacketQueue:
    """The queue `number` of the network namespace in which this is made.

    Raises:
        OSError: the kernel has no such queues, somebody else has this one, or it is not allowed.

    """

    def __init__(self, number: int) -> None:
        self.number = number
        self._socket = socket.socket(socket.AF_NETLINK, socket.SOCK_RAW, NETLINK_NETFILTER)
        try:
            self._socket.bind((0, 0))
            self._socket.setsockopt(socket.SOL_SOCKET, SO_RCVBUFFORCE, BUFFER)
            self._socket.setsockopt(SOL_NETLINK, NETLINK_NO_ENOBUFS, 1)
            self._configure(_attribute(CFG_CMD, struct.pack(">BxH", BIND, 0)))
            self._configure(_attribute(CFG_PARAMS, struct.pack(">IB", COPIED, COPY_PACKET)))
            flags = struct.pack(">I", FAIL_OPEN | GSO)
            self._configure(_attribute(CFG_FLAGS, flags) + _attribute(CFG_MASK, flags))
            self._configure(_attribute(CFG_MAXLEN, struct.pack(">I", LONGEST)))
            self._socket.setblocking(False)
        except OSError:
            self._socket.close()
            raise

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._socket.close()

    def fileno(self) -> int:
        """Return the file descriptor to wait on."""
        return self._socket.fileno()

    def read(self) -> list[Packet]:
        """Return the packets that came since, each with its number and its first bytes."""
        packets: list[Packet] = []
        for _ in range(64):
            try:
                data = self._socket.recv(READ)
            except BlockingIOError:
                break
            packets += parse_packets(data)
        return packets

    def let_go(self, packets: Sequence[int]) -> None:
        """Let packets go on, in that order."""
        for start in range(0, len(packets), 128):
            some = packets[start : start + 128]
            self._socket.send(
                b"".join(_message(VERDICT, REQUEST, self.number, _verdict(one)) for one in some)
            )

    def _configure(self, attributes: bytes) -> None:
        self._socket.send(_message(CONFIG, REQUEST | ACK, self.number, attributes))
        answer = self._socket.recv(READ)
        (number,) = struct.unpack_from("=i", answer, 16)
        if number:
            raise OSError(-number, f"queue {self.number}: {os.strerror(-number)}")


def queue_number(fault_id: str) -> int:
    """Return a fault's own queue number, from 1,024 up: the lower ones are other programs'."""
    return 1024 + int.from_bytes(hashlib.sha256(fault_id.encode()).digest()[:2], "big") % (65536 - 1024)


def parse_packets(data: bytes) -> Iterator[Packet]:
    """Yield the packets of what the kernel sent at once.

    Raises:
        OSError: the kernel reports an error.

    """
    at = 0
    while at + 16 <= len(data):
        length, kind = struct.unpack_from("=IH", data, at)
        if kind == NLMSG_ERROR:
            (number,) = struct.unpack_from("=i", data, at + 16)
            if number not in {0, -errno.ENOENT}:  # a packet that is gone already, with its namespace's device
                raise OSError(-number, os.strerror(-number))
        elif kind == PACKET:
            found = dict(_attributes(data[at + 20 : at + length]))
            yield struct.unpack_from(">I", found[HEADER])[0], found.get(PAYLOAD, b"")
        at += max(16, _aligned(length))


def flow_of(start: bytes) -> bytes:
    """Return what the packets of one flow have in common: protocol, addresses and ports."""
    if not start:
        return b""
    if start[0] >> 4 == 4:  # noqa: PLR2004 - IP's version
        after = (start[0] & 15) * 4
        return start[9:10] + start[12:20] + start[after : after + 4]
    return start[6:7] + start[8:40] + start[40:44]


def _verdict(packet: int) -> bytes:
    return _attribute(VERDICT_HEADER, struct.pack(">II", NF_ACCEPT, packet))


def _message(kind: int, flags: int, queue: int, attributes: bytes) -> bytes:
    body = struct.pack(">BBH", socket.AF_UNSPEC, 0, queue) + attributes
    return struct.pack("=IHHII", 16 + len(body), kind, flags, 0, 0) + body


def _attribute(kind: int, value: bytes) -> bytes:
    length = 4 + len(value)
    return struct.pack("=HH", length, kind) + value + bytes(_aligned(length) - length)


def _attributes(data: bytes) -> Iterator[tuple[int, bytes]]:
    at = 0
    while at + 4 <= len(data):
        length, kind = struct.unpack_from("=HH", data, at)
        if length < 4:  # noqa: PLR2004 - a header's length
            return
        yield kind & 0x3FFF, data[at + 4 : at + length]
        at += _aligned(length)


def _aligned(length: int) -> int:
    return (length + 3) & ~3
