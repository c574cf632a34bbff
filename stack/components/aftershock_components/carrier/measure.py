"""Measure, from where this runs or from a pod's network: how a server is reached, or how names resolve.

Changes nothing. Needs no privilege where no container is named: it is how a fault that one carrier
brought about is proven by another one.
"""

from __future__ import annotations

import asyncio
import statistics
import time
from collections import Counter
from collections.abc import Callable, Coroutine, Iterable, Sequence
from contextlib import nullcontext
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

from aftershock_components.carrier.changes import Changes
from aftershock_components.carrier.looking_up import Lookup, look_up
from aftershock_components.carrier.namespaces import pod_network
from aftershock_components.carrier.orders import Order, OrderError, Say, wait
from aftershock_components.carrier.resolving import Resolving, read_resolving

__all__ = ["Try", "act", "summed_up", "try_server"]

# Every HTTP server answers it, and others answer or close: either is a round trip.
REQUEST = "HEAD / HTTP/1.0\r\n\r\n"
# Less than the second after which the kernel sends a lost first packet again.
TIMEOUT_S = 0.9
MOST = 1000


@dataclass(frozen=True, kw_only=True)
class Try:
    """One connection: how it ended ("answered", "lost", "reset", "refused", "unreachable"), and its times."""

    outcome: str
    connect_ms: float | None = None
    answer_ms: float | None = None


def act(order: Order, changes: Changes, say: Say) -> None:  # noqa: ARG001 - the signature of an act
    """Try each of `servers` ([host, port]) and look up each of `names`, `tries` times; say the figures.

    Once, or with `again_ms` again and again, with that pause, until the time is over.

    Raises:
        ContainerError: a container is named and is not here.
        OrderError: the options make no sense.

    """
    tries, again_s = order.option("tries", int, 20), order.option("again_ms", float, 0.0) / 1000
    if not 0 < tries <= MOST:
        raise OrderError(f"option tries must be from 1 to {MOST}, not {tries}")
    network = pod_network(order) if order.container_id else None
    number = 0
    with network.inside() if network else nullcontext():
        while True:
            number += 1
            say("measured", round=number, figures=asyncio.run(_figures(order, tries)))
            if not again_s or time.time() + again_s >= order.until:
                return
            wait(time.time() + again_s)


async def _figures(order: Order, tries: int) -> dict[str, dict[str, Any]]:
    """Measure everything once, at the same time; return the figures by server and by name."""
    timeout_s = order.option("timeout_ms", float, TIMEOUT_S * 1000) / 1000
    every_s = order.option("every_ms", float, 20.0) / 1000
    request = order.option("request", str, REQUEST).encode()
    names = order.option("names", list, [])
    async with asyncio.TaskGroup() as group:
        tried = {
            f"{host}:{port}": group.create_task(
                _every(every_s, tries, partial(try_server, host, port, request, timeout_s))
            )
            for host, port in order.option("servers", list, [])
        }
        resolving = _resolving(order) if names else None
        looked = {
            name: group.create_task(look_up(name, resolving, tries, timeout_s))
            for name in names
            if resolving is not None
        }
    found = {server: summed_up(task.result()) for server, task in tried.items()}
    return found | {name: _looked_up(task.result()) for name, task in looked.items()}


def _resolving(order: Order) -> Resolving:
    root = order.proc / str(order.container().pid) / "root" if order.container_id else Path("/")
    resolving = read_resolving(root / "etc" / "resolv.conf")
    if not resolving.servers:
        raise OrderError("resolv.conf names no server")
    return resolving


async def try_server(host: str, port: int, request: bytes, timeout_s: float) -> Try:
    """Connect, send `request` (nothing if it is empty) and wait for the first byte or the end.

    `timeout_s` holds for connecting and for the answer, each.
    """
    started = time.monotonic()
    connect_ms = None
    writer = None
    try:
        async with asyncio.timeout(timeout_s):
            reader, writer = await asyncio.open_connection(host, port)
        connected = time.monotonic()
        connect_ms = (connected - started) * 1000
        if request:
            writer.write(request)
            async with asyncio.timeout(timeout_s):
                await reader.read(1)
        return Try(
            outcome="answered", connect_ms=connect_ms, answer_ms=_since(connected) if request else None
        )
    except OSError as error:
        return Try(outcome=_outcome(error), connect_ms=connect_ms)
    finally:
        if writer is not None:
            writer.transport.abort()


def summed_up(tried: Sequence[Try]) -> dict[str, Any]:
    """Return the figures: outcomes, shares, and times in milliseconds."""
    counts = Counter(one.outcome for one in tried)
    return {
        "tries": len(tried),
        **{name: counts[name] for name in ("answered", "lost", "reset", "refused", "unreachable")},
        "connected": sum(one.connect_ms is not None for one in tried),
        "lost_share": round(counts["lost"] / len(tried), 4),
        "connect_ms": _spread(one.connect_ms for one in tried),
        "answer_ms": _spread(one.answer_ms for one in tried),
    }


async def _every(every_s: float, tries: int, start: Callable[[], Coroutine[Any, Any, Try]]) -> list[Try]:
    """Start a try every `every_s`, whether or not those before it have ended."""
    async with asyncio.TaskGroup() as group:
        tasks = []
        for _ in range(tries):
            tasks.append(group.create_task(start()))
            await asyncio.sleep(every_s)
    return [task.result() for task in tasks]


def _outcome(error: OSError) -> str:
    if isinstance(error, TimeoutError):
        return "lost"
    if isinstance(error, ConnectionRefusedError):
        return "refused"
    return "reset" if isinstance(error, ConnectionError) else "unreachable"


def _since(then: float) -> float:
    return (time.monotonic() - then) * 1000


def _spread(values: Iterable[float | None]) -> dict[str, float] | None:
    known = sorted(value for value in values if value is not None)
    if not known:
        return None
    figures = {"least": known[0], "median": statistics.median(known), "most": known[-1]}
    return {name: round(value, 2) for name, value in figures.items()}


def _looked_up(lookups: Sequence[Lookup]) -> dict[str, Any]:
    return {
        "tries": len(lookups),
        "outcomes": dict(Counter(one.outcome for one in lookups)),
        "addresses": sorted({address for one in lookups for address in one.addresses}),
        "took_ms": _spread(one.took_ms for one in lookups),
    }
