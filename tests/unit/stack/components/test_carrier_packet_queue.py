"""The kernel's packet queue: its messages to the byte."""

from __future__ import annotations

import errno
import socket
import struct

import pytest
from aftershock_components.carrier.packet_queue import PacketQueue, flow_of, parse_packets, queue_number

PACKET, VERDICT, CONFIG = 0x300, 0x301, 0x302


def attribute(kind: int, value: bytes) -> bytes:
    return struct.pack("=HH", 4 + len(value), kind) + value + bytes(-len(value) % 4)


def message(kind: int, body: bytes) -> bytes:
    return struct.pack("=IHHII", 16 + len(body), kind, 0, 0, 0) + body


def packet(number: int, payload: bytes) -> bytes:
    header = attribute(1, struct.pack(">IHB", number, 0x0800, 1))
    return message(PACKET, struct.pack(">BBH", 2, 0, 7) + header + attribute(10, payload))


class Kernel:
    """The socket to the kernel: answers every configuration with `answer`."""

    def __init__(self, answer: int = 0) -> None:
        self.answer = answer
        self.sent: list[bytes] = []
        self.waiting: list[bytes] = []

    def send(self, data: bytes) -> None:
        self.sent.append(data)
        if struct.unpack_from("=H", data, 4)[0] == CONFIG:
            self.waiting.append(message(2, struct.pack("=i", self.answer)))

    def recv(self, size: int) -> bytes:
        if not self.waiting:
            raise BlockingIOError
        return self.waiting.pop(0)

    def bind(self, address: object) -> None: ...
    def setsockopt(self, *option: object) -> None: ...
    def setblocking(self, blocking: bool) -> None: ...
    def fileno(self) -> int:
        return 9

    def close(self) -> None:
        self.closed = True


@pytest.fixture
def kernel(monkeypatch: pytest.MonkeyPatch) -> Kernel:
    made = Kernel()
    monkeypatch.setattr(socket, "socket", lambda *kind: made)
    return made


def test_several_packets_in_one_message() -> None:
    assert list(parse_packets(packet(5, b"abc") + packet(6, b""))) == [(5, b"abc"), (6, b"")]


def test_a_packet_that_is_gone_already_is_no_error() -> None:
    assert list(parse_packets(message(2, struct.pack("=i", -errno.ENOENT)) + packet(5, b""))) == [(5, b"")]


def test_an_error_of_the_kernel() -> None:
    with pytest.raises(OSError, match="Operation not permitted"):
        list(parse_packets(message(2, struct.pack("=i", -errno.EPERM))))


def test_takes_the_queue_and_copies_only_the_start(kernel: Kernel) -> None:
    PacketQueue(7)
    bind, copy, flags, longest = kernel.sent
    assert bind[16:20] == struct.pack(">BBH", 0, 0, 7)
    assert bind[20:] == attribute(1, bytes([1, 0, 0, 0]))
    assert copy[20:] == attribute(2, struct.pack(">IB", 64, 2))
    assert flags[20:] == attribute(5, struct.pack(">I", 5)) + attribute(4, struct.pack(">I", 5))
    assert longest[20:] == attribute(3, struct.pack(">I", 65535))


def test_a_queue_that_is_somebody_elses(kernel: Kernel) -> None:
    kernel.answer = -errno.EBUSY
    with pytest.raises(OSError, match="queue 7: Device or resource busy"):
        PacketQueue(7)
    assert kernel.closed


def test_reads_what_came_and_lets_it_go_in_order(kernel: Kernel) -> None:
    with PacketQueue(7) as queue:
        kernel.waiting = [packet(1, b"x"), packet(2, b"y") + packet(3, b"z")]
        assert queue.read() == [(1, b"x"), (2, b"y"), (3, b"z")]
        assert queue.read() == []
        kernel.sent.clear()
        queue.let_go([1, 2])
        queue.let_go([])
    (sent,) = kernel.sent
    assert [sent[:32], sent[32:]] == [verdict(1), verdict(2)]


def verdict(number: int) -> bytes:
    body = struct.pack(">BBH", 0, 0, 7) + attribute(2, struct.pack(">II", 1, number))
    return struct.pack("=IHHII", 32, VERDICT, 1, 0, 0) + body


def test_a_flow_is_its_protocol_addresses_and_ports() -> None:
    ipv4 = (
        bytes([0x46]) + bytes(8) + b"\x06" + bytes(2) + b"aaaabbbb" + b"opts" + b"\x1f\x90\x00\x50" + b"rest"
    )
    assert flow_of(ipv4) == b"\x06aaaabbbb\x1f\x90\x00\x50"
    ipv6 = (
        bytes([0x60]) + bytes(5) + b"\x11" + b"\x40" + b"s" * 16 + b"d" * 16 + b"\x00\x35\x00\x36" + b"rest"
    )
    assert flow_of(ipv6) == b"\x11" + b"s" * 16 + b"d" * 16 + b"\x00\x35\x00\x36"
    assert flow_of(b"") == b""


def test_a_queues_number_is_the_faults_own() -> None:
    numbers = {queue_number(f"fault-{number}") for number in range(50)}
    assert len(numbers) > 45
    assert all(1024 <= number < 65536 for number in numbers)
