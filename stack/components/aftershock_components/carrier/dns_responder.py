"""A server of names in the pod's own network: fails for chosen names, hands everything else through.

One for each server that the pod asks, so that what is handed through goes where it was meant to.
Its own questions bear a mark, by which the rule that leads here leaves them alone.
"""

from __future__ import annotations

import asyncio
import ipaddress
import socket
import struct
from collections import Counter
from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from aftershock_components.carrier.dns_messages import MessageError, failing, read_question, wrong
from aftershock_components.carrier.resolving import Resolving

__all__ = ["MARK", "Failing", "Responder", "loopback", "open_sockets"]

MARK = 0xA5F7
DNS_PORT = 53
ATTEMPTS = 20
UPSTREAM_WITHIN_S = 10.0
LARGEST = 65535

Address = tuple[str, int]


@dataclass(frozen=True, kw_only=True)
class Failing:
    """How it fails, and for which names. `mode` is a code of dns_messages.CODES, "slow" or "wrong"."""

    mode: str
    names: tuple[str, ...]
    resolving: Resolving
    delay_s: float = 0.0
    address: str = ""

    def hits(self, name: str) -> bool:
        """Whether a query for that name fails."""
        return any(self.resolving.means(chosen, name) for chosen in self.names)


def loopback(server: str) -> str:
    """Return where packets for `server` end up that are redirected to this machine."""
    return "127.0.0.1" if ipaddress.ip_address(server).version == 4 else "::1"  # noqa: PLR2004 - IP's version


def open_sockets(host: str) -> tuple[socket.socket, socket.socket]:
    """Open a datagram and a listening stream socket on one free port.

    Raises:
        OSError: no port is free for both.

    """
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    for attempt in range(1, ATTEMPTS + 1):
        stream = socket.create_server((host, 0), family=family)
        datagram = socket.socket(family, socket.SOCK_DGRAM)
        try:
            datagram.bind((host, stream.getsockname()[1]))
        except OSError:
            stream.close()
            datagram.close()
            if attempt == ATTEMPTS:
                raise
        else:
            datagram.setblocking(False)
            return datagram, stream
    raise AssertionError


class Responder:
    """Answers in the stead of `server`. `counts` says how many questions failed and were handed through."""

    def __init__(self, server: str, failing_: Failing, *, port: int = DNS_PORT, mark: int = MARK) -> None:
        self.upstream = (server, port)
        self.failing = failing_
        self.mark = mark
        self.counts: Counter[str] = Counter()

    async def serve(self, datagram: socket.socket, stream: socket.socket) -> None:
        """Serve until cancelled, then close both."""
        with datagram:
            server = await asyncio.start_server(self._stream, sock=stream)
            async with server:
                await self._datagrams(datagram)

    async def answer(self, message: bytes, ask: Callable[[bytes], Awaitable[bytes]]) -> bytes:
        """Return the answer to one question; `ask` puts it to the true server.

        Raises:
            OSError: that one does not answer.

        """
        try:
            hit = self.failing.hits(read_question(message).name)
        except MessageError:
            hit = False
        self.counts["failed" if hit else "handed through"] += 1
        if not hit:
            return await ask(message)
        if self.failing.mode == "wrong":
            return wrong(message, self.failing.address)
        if self.failing.mode == "slow":
            await asyncio.sleep(self.failing.delay_s)
            return await ask(message)
        return failing(message, self.failing.mode)

    async def _datagrams(self, own: socket.socket) -> None:
        loop = asyncio.get_running_loop()
        async with asyncio.TaskGroup() as tasks:
            while True:
                message, sender = await loop.sock_recvfrom(own, LARGEST)
                tasks.create_task(self._datagram(own, message, sender))

    async def _datagram(self, own: socket.socket, message: bytes, sender: Address) -> None:
        try:
            answer = await self.answer(message, self._ask_by_datagram)
            await asyncio.get_running_loop().sock_sendto(own, answer, sender)
        except OSError:  # as if the true server had not answered, which it has not
            self.counts["unanswered"] += 1

    async def _ask_by_datagram(self, message: bytes) -> bytes:
        loop = asyncio.get_running_loop()
        with self._marked(socket.SOCK_DGRAM) as upstream:
            async with asyncio.timeout(UPSTREAM_WITHIN_S):
                await loop.sock_connect(upstream, self.upstream)
                await loop.sock_sendall(upstream, message)
                return await loop.sock_recv(upstream, LARGEST)

    async def _stream(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            while True:
                answer = await self.answer(await _read_message(reader), self._ask_by_stream)
                writer.write(struct.pack(">H", len(answer)) + answer)
                await writer.drain()
        except (OSError, asyncio.IncompleteReadError):
            pass  # the asker is done, or the true server has not answered
        finally:
            writer.close()

    async def _ask_by_stream(self, message: bytes) -> bytes:
        upstream = self._marked(socket.SOCK_STREAM)
        try:
            async with asyncio.timeout(UPSTREAM_WITHIN_S):
                await asyncio.get_running_loop().sock_connect(upstream, self.upstream)
                reader, writer = await asyncio.open_connection(sock=upstream)
                writer.write(struct.pack(">H", len(message)) + message)
                answer = await _read_message(reader)
                writer.close()
                return answer
        except asyncio.IncompleteReadError as error:
            raise ConnectionResetError("the true server closed") from error
        finally:
            upstream.close()

    def _marked(self, kind: socket.SocketKind) -> socket.socket:
        family = socket.AF_INET6 if ":" in self.upstream[0] else socket.AF_INET
        made = socket.socket(family, kind)
        made.setblocking(False)
        if self.mark:
            made.setsockopt(socket.SOL_SOCKET, socket.SO_MARK, self.mark)
        return made


async def _read_message(reader: asyncio.StreamReader) -> bytes:
    (length,) = struct.unpack(">H", await reader.readexactly(2))
    return await reader.readexactly(length)
