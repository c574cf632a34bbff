"""Durations as people write them in our files: 90s, 5m, 1h30m."""

from __future__ import annotations

import re

__all__ = ["seconds"]

_DURATION = re.compile(r"(\d+)(s|m|h)")
_UNITS = {"s": 1, "m": 60, "h": 3600}


def seconds(text: str) -> int:
    """Return what "5m" or "1m30s" says, in seconds.

    Raises:
        ValueError: it is no such text.

    """
    parts = _DURATION.findall(text)
    if not parts or "".join(number + unit for number, unit in parts) != text:
        raise ValueError(f"{text!r} is no duration; expected one like 5m or 1m30s")
    return sum(int(number) * _UNITS[unit] for number, unit in parts)
