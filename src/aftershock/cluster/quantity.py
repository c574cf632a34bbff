"""Kubernetes quantities as plain numbers, where a float is exact enough."""

from __future__ import annotations

__all__ = ["number"]


def number(text: str) -> float:
    """Return what "100m", "64Mi" or "2" says, in the unit itself (cores, bytes)."""
    # Here, because the reaper has no client library, and plans nothing.
    from kubernetes.utils import parse_quantity  # noqa: PLC0415 - as above

    return float(parse_quantity(text))  # type: ignore[no-untyped-call]  # it ships no types
