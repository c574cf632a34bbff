"""A list of the API, page by page, and between which instants it was true."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import datetime
from http import HTTPStatus
from typing import Any, Generic, NamedTuple, TypeVar

import msgspec

from aftershock.clock import Clock
from aftershock.cluster.api import KubeApi
from aftershock.errors import ApiError
from aftershock.observe.kube_types import ListMeta

__all__ = ["Instant", "Listing", "read_list"]

_PAGE = "250"  # objects of one answer: what several of them took together is not all given back to the system

T = TypeVar("T")


class Instant(NamedTuple):
    """One instant by both clocks: wall time in UTC, and this machine's monotonic seconds."""

    at: datetime
    mono: float

    @classmethod
    def now(cls, clock: Clock) -> Instant:
        """Return the present one."""
        return cls(clock.now(), clock.monotonic())


@dataclass(frozen=True, kw_only=True)
class Listing(Generic[T]):
    """What there was, by UID, at `version`: after `asked` and before `answered`."""

    version: str
    asked: Instant
    answered: Instant
    objects: dict[str, T]


class _Page(msgspec.Struct):
    """A page whose items are decoded one by one: only what is kept of them is ever there at once."""

    metadata: ListMeta
    items: list[msgspec.Raw] = []


def read_list(
    api: KubeApi, path: str, *, take: Callable[[Any], tuple[str, T]], kind: type, clock: Clock
) -> Listing[T]:
    """List `path`, and keep what `take` makes of each object of that `kind`: its UID and something.

    Raises:
        ApiError: the API refuses it.
        TransientError: the API does not answer.

    """
    decoder: msgspec.json.Decoder[Any] = msgspec.json.Decoder(kind)
    asked = Instant.now(clock)
    try:
        return _read(_pages(api, path, limit=_PAGE), decoder, take, asked, clock)
    except ApiError as error:
        if error.status != HTTPStatus.GONE:
            raise
        # Its history was compacted between two pages: all at once, then.
        return _read(_pages(api, path), decoder, take, asked, clock)


def _read(
    pages: Iterator[_Page],
    decoder: msgspec.json.Decoder[Any],
    take: Callable[[Any], tuple[str, T]],
    asked: Instant,
    clock: Clock,
) -> Listing[T]:
    first = next(pages)
    answered = Instant.now(clock)  # further pages are of the first one's version
    objects = dict(take(decoder.decode(raw)) for raw in first.items)
    for page in pages:
        objects.update(take(decoder.decode(raw)) for raw in page.items)
    return Listing(version=first.metadata.resourceVersion, asked=asked, answered=answered, objects=objects)


def _pages(api: KubeApi, path: str, **query: Any) -> Iterator[_Page]:
    while True:
        page = msgspec.json.decode(api.text(path, **query), type=_Page)
        yield page
        if not page.metadata.more:
            return
        query["continue"] = page.metadata.more
