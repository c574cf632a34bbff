"""Looking up a name as a pod's resolver does: its servers, its search suffixes, a question at a time."""

from __future__ import annotations

import asyncio
import secrets
import socket
import time
from dataclasses import dataclass

from aftershock_components.carrier.dns_messages import CODES, MessageError, query, read_answer
from aftershock_components.carrier.resolving import Resolving

__all__ = ["Lookup", "look_up"]

DNS_PORT = 53
LARGEST = 65535


@dataclass(frozen=True, kw_only=True)
class Lookup:
    """One lookup: "found", a code of dns_messages.CODES, or "unanswered"; and how long it took."""

    outcome: str
    took_ms: float
    addresses: tuple[str, ...] = ()


async def look_up(
    name: str, resolving: Resolving, tries: int, timeout_s: float, *, port: int = DNS_PORT
) -> list[Lookup]:
    """Look `name` up that many times, one after the other. `timeout_s` is for each question."""
    return [await _once(name, resolving, timeout_s, port) for _ in range(tries)]


async def _once(name: str, resolving: Resolving, timeout_s: float, port: int) -> Lookup:
    """Ask for each candidate until one is found or a server fails; the first server only."""
    started = time.monotonic()
    outcome = "unanswered"
    for candidate in resolving.candidates(name):
        try:
            async with asyncio.timeout(timeout_s):
                code, addresses = await _ask(resolving.servers[0], port, candidate)
        except (OSError, MessageError):
            outcome = "unanswered"
            break
        outcome = code
        if addresses:
            return Lookup(outcome="found", took_ms=_since(started), addresses=addresses)
        if code not in {"noerror", "nxdomain"}:
            break
    return Lookup(outcome=outcome, took_ms=_since(started))


async def _ask(server: str, port: int, name: str) -> tuple[str, tuple[str, ...]]:
    loop = asyncio.get_running_loop()
    number = secrets.randbelow(1 << 16)
    family = socket.AF_INET6 if ":" in server else socket.AF_INET
    with socket.socket(family, socket.SOCK_DGRAM) as asking:
        asking.setblocking(False)
        await loop.sock_connect(asking, (server, port))
        await loop.sock_sendall(asking, query(number, name))
        answer = read_answer(await loop.sock_recv(asking, LARGEST))
    if answer.number != number:
        raise MessageError(f"an answer to another question: {answer.number}")
    names = {code: word for word, code in CODES.items()}
    return names.get(answer.code, f"code {answer.code}"), answer.addresses


def _since(then: float) -> float:
    return (time.monotonic() - then) * 1000
