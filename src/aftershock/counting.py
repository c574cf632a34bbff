"""Numbers of things, as people write them."""

from __future__ import annotations

__all__ = ["counted"]


def counted(number: int, one: str) -> str:
    """Return "1 run", "3 runs", "0 runs" of "run": a noun, or words that end with one, that takes an s."""
    return f"{number} {one}" if number == 1 else f"{number} {one}s"
