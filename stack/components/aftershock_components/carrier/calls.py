"""Calls from one carrier to another, where the API reaches neither: an order to end early.

The one that waits listens on its pod's own address, and ends when it is told its own name.
Names are random enough that nobody calls by chance, and all that a call does is end a fault.
"""

from __future__ import annotations

import socket
import time
from collections.abc import Iterator
from contextlib import contextmanager

from aftershock_components.carrier.changes import Changes
from aftershock_components.carrier.orders import Expired, Order, Say, wait

__all__ = ["PORT", "act", "listening", "wait_for"]

PORT = 47654
ANSWER = b"ending\n"
LONGEST = 256
TIMEOUT_S = 2.0
PAUSE_S = 0.5


@contextmanager
def listening(port: int) -> Iterator[socket.socket]:
    """Listen at every address of this pod."""
    with socket.create_server(("", port), family=socket.AF_INET6, dualstack_ipv6=True) as listener:
        yield listener


def wait_for(listener: socket.socket, name: str, *, until: float) -> bool:
    """Wait for a call that says `name`; say whether it came before the time was over."""
    while wait(until, listener.fileno()):
        connection, _ = listener.accept()
        with connection:
            connection.settimeout(TIMEOUT_S)
            try:
                if connection.recv(LONGEST).decode("ascii", "replace").strip() == name:
                    connection.sendall(ANSWER)
                    return True
            except OSError:
                continue  # whoever it was hung up
    return False


def act(order: Order, changes: Changes, say: Say) -> None:  # noqa: ARG001 - it changes nothing
    """Call the carrier `name` at `address` until it answers.

    Raises:
        OrderError: no address or name is given.
        Expired: nobody answered in time.

    """
    name, address = order.option("name", str), order.option("address", str)
    port = order.option("port", int, PORT)
    last = ""
    while time.time() < order.until:
        try:
            with socket.create_connection((address, port), timeout=TIMEOUT_S) as connection:
                connection.sendall(f"{name}\n".encode("ascii"))
                if connection.recv(LONGEST) == ANSWER:
                    say("answered", name=name, address=address)
                    return
                last = "it is another one"
        except OSError as error:
            last = str(error)
        wait(min(order.until, time.time() + PAUSE_S))
    raise Expired(f"carrier {name} at {address} did not answer: {last}")
