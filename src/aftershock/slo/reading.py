"""What both readers share: fields that must be there, and queries that take a window."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from aftershock.errors import ConfigError
from aftershock.forecast.promql import seconds
from aftershock.slo.objective import WINDOW

__all__ = ["duration", "mapping", "query", "share", "text"]

_TEMPLATE = re.compile(r"\{\{\s*\.window\s*\}\}")
_SELECTOR = re.compile(r"[a-zA-Z_:][\w:]*(\{[^{}]*\})?")


def mapping(node: Mapping[str, Any], name: str, where: str) -> Mapping[str, Any]:
    """Return the object `name` of `node`.

    Raises:
        ConfigError: it is missing, or none.

    """
    found = node.get(name)
    if not isinstance(found, Mapping):
        raise ConfigError(f"{where} has no {name}", expected=f"an object called {name}", found=repr(found))
    return found


def text(node: Mapping[str, Any], name: str, where: str) -> str:
    """Return the text `name` of `node`.

    Raises:
        ConfigError: it is missing, empty, or none.

    """
    found = node.get(name)
    if not isinstance(found, str) or not found.strip():
        raise ConfigError(f"{where} has no {name}", expected=f"a text called {name}", found=repr(found))
    return found.strip()


def share(value: Any, where: str, *, of: float) -> float:
    """Return an objective as a share of 1, given of 1 or of 100.

    Raises:
        ConfigError: it is no number, or not between them: nothing can fail, or everything may.

    """
    if not isinstance(value, int | float) or isinstance(value, bool) or not 0 < value < of:
        raise ConfigError(
            f"{where} has an objective that cannot be missed or met",
            expected=f"a number above 0 and below {of:g}",
            found=repr(value),
        )
    return round(float(value) / of, 12)


def duration(value: Any, where: str) -> float:
    """Return a duration ("30d", "4w") in seconds.

    Raises:
        ConfigError: it is none.

    """
    try:
        return seconds(str(value))
    except ValueError as error:
        raise ConfigError(
            f"{where} has a window that is no duration", expected='one like "30d"', found=repr(value)
        ) from error


def query(value: str, where: str) -> str:
    """Return a query that takes a window; a plain counter is summed by its rate.

    Raises:
        ConfigError: it is a calculation without a place for the window.

    """
    if _TEMPLATE.search(value):
        return value
    if _SELECTOR.fullmatch(value):
        return f"sum(rate({value}[{WINDOW}]))"
    raise ConfigError(
        f"{where} has a query without a window",
        expected=f"{WINDOW} in it, as in sum(rate(errors_total[{WINDOW}])), or the name of a counter",
        found=value,
    )
