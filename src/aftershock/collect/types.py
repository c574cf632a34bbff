"""The words that steps take beside plain text and numbers, and the parser that knows them.

    @then(phrase("{alert:w} fires within {limit:Duration}"))

A converter that raises StepArgumentError refuses its word at collection, with the file and
line of the step, before anything is touched. So whatever a step needs to be there, a file
above all, is a type here (or is given to `phrase` as one): that is the whole registry.
"""

from __future__ import annotations

import ast
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import yaml
from pytest_bdd import parsers

from aftershock.clock import parse_duration
from aftershock.config import project_root
from aftershock.errors import ConfigError, StepArgumentError

__all__ = ["TYPES", "duration", "experiment", "locustfile", "phrase"]


def duration(text: str) -> float:
    """Read a duration, as in "30 seconds", into seconds.

    Raises:
        StepArgumentError: it is none.

    """
    try:
        return parse_duration(text)
    except ConfigError as error:
        raise StepArgumentError(error.message, expected=error.expected) from error


def locustfile(text: str) -> Path:
    """Find a locustfile by its name in loadtests/, as "browse" or "browse.py".

    Raises:
        StepArgumentError: there is none, or it is no Python.

    """
    path = _find(text, folder="loadtests", endings=(".py",), what="locustfile")
    try:
        ast.parse(path.read_bytes(), str(path))
    except (SyntaxError, ValueError) as error:
        raise StepArgumentError(
            f"{text!r} is a locustfile that Python cannot read", found=str(error)
        ) from error
    return path


def experiment(text: str) -> Path:
    """Find a Chaos Toolkit experiment by its name in experiments/, as "drain-worker".

    Raises:
        StepArgumentError: there is none, or it has no title and method.

    """
    path = _find(text, folder="experiments", endings=(".yaml", ".yml", ".json"), what="experiment")
    try:
        content = yaml.safe_load(path.read_bytes())
    except yaml.YAMLError as error:
        raise StepArgumentError(f"{text!r} is an experiment that is no YAML", found=str(error)) from error
    missing = [key for key in ("title", "method") if not isinstance(content, dict) or key not in content]
    if missing:
        raise StepArgumentError(
            f"{text!r} is no experiment", expected=f"{' and '.join(missing)} at its top level"
        )
    return path


def _find(text: str, *, folder: str, endings: tuple[str, ...], what: str) -> Path:
    base = project_root() / folder
    stems = {text, text.replace("-", "_"), text.replace(" ", "-"), text.replace(" ", "_")}
    names = [
        stem if stem.endswith(endings) else stem + ending for stem in sorted(stems) for ending in endings
    ]
    for name in names:
        path = (base / name).resolve()
        if path.is_file() and path.is_relative_to(base.resolve()):
            return path
    there = sorted(path.name for path in base.glob("*") if path.name.endswith(endings))
    raise StepArgumentError(
        f"there is no {what} {text!r}",
        expected=f"one of {folder}/: {', '.join(there) or 'it holds none'}",
        hint=f"name one that is there, or add {folder}/{names[0]}",
    )


TYPES: Mapping[str, Callable[[str], Any]] = {
    "Duration": duration,
    "Experiment": experiment,
    "Locustfile": locustfile,
}


def phrase(sentence: str, **more: Callable[[str], Any]) -> parsers.parse:
    """Return the parser of a step's sentence: it knows TYPES and `more`, and minds the case."""
    return parsers.parse(sentence, extra_types={**TYPES, **more}, case_sensitive=True)
