"""Kubernetes quantities as plain numbers, where a float is exact enough."""

from __future__ import annotations

from kubernetes.utils import parse_quantity

__all__ = ["number"]


def number(text: str) -> float:
    """Return what "100m", "64Mi" or "2" says, in the unit itself (cores, bytes)."""
    return float(parse_quantity(text))  # type: ignore[no-untyped-call]  # it ships no types
