"""Kubernetes' quantities: cores and bytes."""

from __future__ import annotations

import re

__all__ = ["mebibytes", "quantity"]

_QUANTITY = re.compile(r"(\d+(?:\.\d*)?)(n|u|m|k|M|G|T|Ki|Mi|Gi|Ti)?")
_UNITS = {
    "n": 1e-9, "u": 1e-6, "m": 1e-3, "": 1.0, "k": 1e3, "M": 1e6, "G": 1e9, "T": 1e12,
    "Ki": 2.0**10, "Mi": 2.0**20, "Gi": 2.0**30, "Ti": 2.0**40,
}  # fmt: skip


def quantity(text: str) -> float:
    """Return what "100m" or "64Mi" says, in cores or bytes.

    Raises:
        ValueError: it is no quantity.

    """
    found = _QUANTITY.fullmatch(text)
    if found is None:
        raise ValueError(f"{text!r} is no quantity; expected one like 250m or 256Mi")
    return float(found[1]) * _UNITS[found[2] or ""]


def mebibytes(size: float) -> str:
    """Return `size` bytes as the API is told them; less than a MiB is cut off."""
    return f"{int(size // 2**20)}Mi"
