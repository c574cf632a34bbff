"""What the shop sells: made from a fixed seed, so that every replica has the same items."""

from __future__ import annotations

import random
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

__all__ = ["SORT_KEYS", "Item", "make_items", "search"]

SORT_KEYS = ("id", "name", "price", "stock")

_QUALITIES = ("amber", "brass", "cedar", "copper", "flint", "ivory", "linen", "oak", "slate", "wool")
_THINGS = ("basket", "bench", "bowl", "chair", "clock", "frame", "kettle", "lamp", "mirror", "shelf")
_ROOMS = ("attic", "cellar", "garden", "hall", "kitchen", "library", "porch", "study", "workshop")


@dataclass(frozen=True, kw_only=True, slots=True)
class Item:
    """An item; `price` in cents."""

    id: int
    name: str
    room: str
    price: int
    stock: int

    def to_dict(self) -> dict[str, Any]:
        """Return the item as the API shows it."""
        return asdict(self)


def make_items(count: int = 2000, *, seed: int = 7) -> tuple[Item, ...]:
    """Return `count` items, the same ones for the same seed."""
    source = random.Random(seed)  # noqa: S311 - invented wares, no secret
    return tuple(
        Item(
            id=number,
            name=f"{source.choice(_QUALITIES)} {source.choice(_THINGS)} no. {number}",
            room=source.choice(_ROOMS),
            price=source.randint(200, 90_000),
            stock=source.randint(0, 250),
        )
        for number in range(1, count + 1)
    )


def search(items: Sequence[Item], *, words: str = "", room: str = "", sort: str = "id") -> list[Item]:
    """Return the items whose name has every one of `words`, in that room if given, by one of SORT_KEYS."""
    wanted = words.lower().split()
    found = [
        item
        for item in items
        if (not room or item.room == room) and all(word in item.name.lower() for word in wanted)
    ]
    return sorted(found, key=lambda item: (getattr(item, sort), item.id))
