"""Kubernetes quantities as plain numbers, where a float is exact enough."""

from __future__ import annotations

__all__ = ["canonical", "number"]


def number(text: str) -> float:
    """Return what "100m", "64Mi" or "2" says, in the unit itself (cores, bytes)."""
    # Here, because the reaper has no client library, and plans nothing.
    from kubernetes.utils import parse_quantity  # noqa: PLC0415 - as above

    return float(parse_quantity(text))  # type: ignore[no-untyped-call]  # it ships no types


def canonical(value: float) -> str:
    """Return a decimal quantity as the API writes it: 30 is "30", 0.5 is "500m", 1000 is "1k"."""
    milli = round(value * 1000)
    for suffix, unit in (("M", 10**9), ("k", 10**6), ("", 10**3)):
        if milli and milli % unit == 0:
            return f"{milli // unit}{suffix}"
    return f"{milli}m" if milli else "0"
