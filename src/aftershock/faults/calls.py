"""Faults from files: a name of the catalogue, and arguments as YAML has them.

Arguments are held against the fault's signature. Nothing is asked of a cluster here, so a file
is checked before anything runs.
"""

from __future__ import annotations

import difflib
import inspect
from collections.abc import Mapping
from typing import Any

import msgspec

from aftershock.errors import UsageError
from aftershock.faults.catalogue import FAULTS
from aftershock.faults.protocol import Fault
from aftershock.faults.tools import Tools

__all__ = ["FROM_CONFIGURATION", "bound", "fault_arguments", "make_fault"]

FROM_CONFIGURATION = "${"
"""Text in which an experiment's own configuration is filled in: what comes of it is not known beforehand."""


def make_fault(name: str, tools: Tools, arguments: Mapping[str, Any]) -> Fault:
    """Return the fault of that name, as `arguments` describe it.

    Raises:
        UsageError: there is no such fault, or it takes other arguments.

    """
    checked = fault_arguments(name, arguments)
    return FAULTS[name](tools, **checked)


def fault_arguments(name: str, arguments: Mapping[str, Any]) -> dict[str, Any]:
    """Return `arguments` as the fault of that name takes them.

    Raises:
        UsageError: there is no such fault, or it takes other arguments.

    """
    if name not in FAULTS:
        raise UsageError(
            f"there is no fault {name!r}",
            expected=", ".join(sorted(FAULTS)),
            hint=_near(name, FAULTS),
        )
    _, *parameters = inspect.signature(FAULTS[name], eval_str=True).parameters.values()
    return bound(name, parameters, arguments)


def bound(what: str, parameters: list[inspect.Parameter], arguments: Mapping[str, Any]) -> dict[str, Any]:
    """Return `arguments` in the types of `parameters`, those of `what`.

    Raises:
        UsageError: one is missing, not known, or of another type; it is named.

    """
    known = {parameter.name: parameter for parameter in parameters}
    for name in arguments:
        if name not in known:
            raise UsageError(
                f"{what} has no argument {name!r}",
                expected=", ".join(known) or "no arguments",
                hint=_near(name, known),
            )
    needed = [p.name for p in parameters if p.default is inspect.Parameter.empty]
    missing = [name for name in needed if name not in arguments]
    if missing:
        raise UsageError(
            f"{what} needs {' and '.join(map(repr, missing))}",
            expected=", ".join(known),
            found=", ".join(arguments) or "no arguments",
        )
    return {name: _typed(what, known[name], value) for name, value in arguments.items()}


def _typed(what: str, parameter: inspect.Parameter, value: Any) -> Any:
    if isinstance(value, str) and FROM_CONFIGURATION in value:
        return value
    try:
        return msgspec.convert(value, parameter.annotation)
    except msgspec.ValidationError as error:
        raise UsageError(f"{parameter.name!r} of {what} is wrong", found=f"{value!r}: {error}") from error


def _near(name: str, known: Mapping[str, Any]) -> str:
    near = difflib.get_close_matches(name, known, n=1)
    return f"did you mean {near[0]!r}?" if near else ""
