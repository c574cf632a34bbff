"""Tolerances: whether what a probe saw is good. Nothing seen (None) never is.

    tolerance:
      type: probe
      name: within half a second
      provider:
        type: python
        module: aftershock.chaostoolkit
        func: at_most
        arguments: {limit: 0.5}

Chaos Toolkit adds the probe's answer as `value`; when it checks a file, it has none yet.
"""

from __future__ import annotations

from http import HTTPStatus

__all__ = ["at_least", "at_most", "is_success"]


def at_most(*, value: float | None = None, limit: float) -> bool:
    """Whether `value` is a number and not above `limit`."""
    return value is not None and value <= limit


def at_least(*, value: float | None = None, limit: float) -> bool:
    """Whether `value` is a number and not below `limit`."""
    return value is not None and value >= limit


def is_success(*, value: int | None = None) -> bool:
    """Whether `value` is an HTTP status that is no error: 200 to 399."""
    return value is not None and HTTPStatus.OK <= value < HTTPStatus.BAD_REQUEST
