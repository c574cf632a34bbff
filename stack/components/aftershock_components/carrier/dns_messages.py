"""Messages of the Domain Name System (RFC 1035), as far as a failure of it needs them."""

from __future__ import annotations

import ipaddress
import struct
from dataclasses import dataclass

__all__ = [
    "AAAA",
    "CODES",
    "A",
    "Answer",
    "MessageError",
    "Question",
    "failing",
    "query",
    "read_answer",
    "read_question",
    "wrong",
]

A, AAAA, IN = 1, 28, 1
CODES = {"noerror": 0, "servfail": 2, "nxdomain": 3, "refused": 5}
RESPONSE, RECURSION_DESIRED, RECURSION_AVAILABLE = 0x8000, 0x0100, 0x0080
KEPT = 0x7900  # operation and recursion desired, as asked
HEADER = 12
POINTER = 0xC0
LONGEST_NAME = 128


class MessageError(Exception):
    """What came is no message that can be read."""


@dataclass(frozen=True, kw_only=True)
class Question:
    """What a query asks: `name` in lower case without the last dot, and where the question ends."""

    number: int
    name: str
    kind: int
    end: int


@dataclass(frozen=True, kw_only=True)
class Answer:
    """What a server said: its code (0 is no error) and the addresses in it."""

    number: int
    code: int
    addresses: tuple[str, ...]


def query(number: int, name: str, kind: int = A) -> bytes:
    """Return a query for one name."""
    labels = [
        label.encode("idna") if not label.isascii() else label.encode() for label in name.split(".") if label
    ]
    encoded = b"".join(bytes([len(label)]) + label for label in labels) + b"\0"
    return struct.pack(">6H", number, RECURSION_DESIRED, 1, 0, 0, 0) + encoded + struct.pack(">HH", kind, IN)


def read_question(message: bytes) -> Question:
    """Read the first question.

    Raises:
        MessageError: it is no query.

    """
    try:
        number, flags, questions = struct.unpack_from(">3H", message)
        if flags & RESPONSE or questions < 1:
            raise MessageError("not a query")
        name, at = _name(message, HEADER)
        (kind,) = struct.unpack_from(">H", message, at)
    except (struct.error, IndexError) as error:
        raise MessageError(f"cut off: {error}") from error
    return Question(number=number, name=name, kind=kind, end=at + 4)


def failing(message: bytes, code: str) -> bytes:
    """Return an answer to a query that carries nothing but a code of CODES."""
    return _reply(message, read_question(message), code=CODES[code], records=b"", count=0)


def wrong(message: bytes, address: str) -> bytes:
    """Return an answer that says the name has `address`; none where another kind is asked for.

    It may not be kept (time to live 0), so that it is gone with the fault.
    """
    asked = read_question(message)
    value = ipaddress.ip_address(address)
    if asked.kind != (A if value.version == 4 else AAAA):  # noqa: PLR2004 - IP's version
        return _reply(message, asked, code=0, records=b"", count=0)
    record = struct.pack(">HHHIH", POINTER << 8 | HEADER, asked.kind, IN, 0, len(value.packed)) + value.packed
    return _reply(message, asked, code=0, records=record, count=1)


def read_answer(message: bytes) -> Answer:
    """Read a server's answer.

    Raises:
        MessageError: it is none.

    """
    try:
        number, flags, questions, answers = struct.unpack_from(">4H", message)
        if not flags & RESPONSE:
            raise MessageError("not an answer")
        at = HEADER
        for _ in range(questions):
            at = _name(message, at)[1] + 4
        addresses = []
        for _ in range(answers):
            at = _name(message, at)[1]
            kind, _, _, length = struct.unpack_from(">HHIH", message, at)
            at += 10
            if kind in {A, AAAA}:
                addresses.append(str(ipaddress.ip_address(message[at : at + length])))
            at += length
    except (struct.error, IndexError, ValueError) as error:
        raise MessageError(f"cannot be read: {error}") from error
    return Answer(number=number, code=flags & 15, addresses=tuple(addresses))


def _reply(message: bytes, asked: Question, *, code: int, records: bytes, count: int) -> bytes:
    (flags,) = struct.unpack_from(">H", message, 2)
    flags = RESPONSE | (flags & KEPT) | RECURSION_AVAILABLE | code
    return struct.pack(">6H", asked.number, flags, 1, count, 0, 0) + message[HEADER : asked.end] + records


def _name(message: bytes, at: int) -> tuple[str, int]:
    """Read a name; return it in lower case and where what follows it begins."""
    labels: list[str] = []
    after = None
    for _ in range(LONGEST_NAME):
        length = message[at]
        if length & POINTER == POINTER:
            after = after or at + 2
            at = (length & ~POINTER) << 8 | message[at + 1]
        elif length == 0:
            return ".".join(labels), after or at + 1
        else:
            labels.append(message[at + 1 : at + 1 + length].decode("ascii", "replace").lower())
            at += 1 + length
    raise MessageError("a name without an end")
