"""Faults from files: a name of the catalogue, and arguments as YAML has them.

Arguments are held against the fault's signature. Nothing is asked of a cluster here, so a file
is checked before anything runs.
"""

from __future__ import annotations

import difflib
import inspect
from collections.abc import Callable, Mapping
from typing import Any, NotRequired, Required, get_args, get_origin, get_type_hints

import msgspec

from aftershock.errors import UsageError
from aftershock.faults.catalogue import FAULTS
from aftershock.faults.protocol import Fault
from aftershock.faults.tools import Tools

__all__ = ["FROM_CONFIGURATION", "bound", "fault_arguments", "make_fault", "parameters_of"]

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
    return bound(name, parameters_of(FAULTS[name])[1:], arguments)


def parameters_of(function: Callable[..., Any]) -> list[inspect.Parameter]:
    """Return what `function` takes, the words of a TypedDict among it one by one."""
    found = []
    for parameter in inspect.signature(function, eval_str=True).parameters.values():
        if parameter.kind is inspect.Parameter.VAR_KEYWORD:
            (words,) = get_args(parameter.annotation)
            hints = get_type_hints(words, include_extras=True)
            found += [_word(name, kind) for name, kind in hints.items()]
        else:
            found.append(parameter)
    return found


def _word(name: str, kind: Any) -> inspect.Parameter:
    """Return a word of a TypedDict; those that are needed say so one by one."""
    marked = get_origin(kind) in {Required, NotRequired}
    default = inspect.Parameter.empty if get_origin(kind) is Required else None
    annotation = get_args(kind)[0] if marked else kind
    return inspect.Parameter(name, inspect.Parameter.KEYWORD_ONLY, default=default, annotation=annotation)


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
