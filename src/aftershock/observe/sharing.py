"""Equal parts of what is kept are kept once: ten thousand pods of a few deployments are much alike.

What is shared belongs to several events and is never changed afterwards.
"""

from __future__ import annotations

import sys
from typing import Any

__all__ = ["Sharing", "like"]

_ALIKE = ("labels", "owner")
"""Flat parts that objects of one template have in common."""

_OWN = ("uid", "resource_version", "name", "id")
"""Texts that no two objects have in common."""


def like(value: Any, before: Any) -> Any:
    """Return `value` made of the parts of `before` that are equal; `value` itself is changed."""
    if value == before:
        return before
    if isinstance(value, dict) and isinstance(before, dict):
        for key, part in value.items():
            value[key] = like(part, before.get(key))
    elif isinstance(value, list) and isinstance(before, list):
        value[: len(before)] = map(like, value, before)
    return value


class Sharing:
    """Knows the parts of the objects that one watcher has met."""

    def __init__(self) -> None:
        self._parts: dict[str, Any] = {}

    def first(self, data: dict[str, Any]) -> dict[str, Any]:
        """Return what is kept of an object met for the first time, made of parts of the others."""
        for key, value in data.items():
            data[key] = self._shared(key, value)
        return data

    def _shared(self, key: str, value: Any) -> Any:
        if isinstance(value, str):
            return value if key in _OWN else sys.intern(value)
        if isinstance(value, dict):
            return self._parts.setdefault(str(value), value) if key in _ALIKE else self.first(value)
        if isinstance(value, list):
            value[:] = [self._shared("", part) for part in value]
        return value
