"""The step definitions in reach of a file, and which of them a step matches.

The only module that reaches into pytest-bdd: it has no public way to list definitions, and
no way to say that two of them match. What it calls is what pytest-bdd itself calls when a
step runs, so the answer here and then is the same.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from pytest_bdd.compat import get_fixture_names, getfixturedefs
from pytest_bdd.steps import StepFunctionContext, step_function_context_registry

from aftershock.collect.gherkin import Step
from aftershock.errors import AftershockError

__all__ = ["Definition", "Refusal", "definitions", "matching", "understood"]


@dataclass(frozen=True, kw_only=True)
class Definition:
    """A step definition. `type` is None for one that takes every keyword."""

    sentence: str
    type: str | None
    where: str
    context: StepFunctionContext

    def __str__(self) -> str:
        """Return the sentence with the place of its code."""
        return f"{self.type or 'step'} {self.sentence!r} ({self.where})"


@dataclass(frozen=True, kw_only=True)
class Refusal:
    """A definition whose sentence fits, but a word of it was refused by its converter."""

    definition: Definition
    error: Exception


def definitions(node: pytest.Collector) -> list[Definition]:
    """Return the definitions that a scenario under `node` can use."""
    manager = node.session._fixturemanager  # noqa: SLF001 - pytest has no public list of fixtures
    found: list[Definition] = []
    for name in get_fixture_names(manager):
        for fixture in getfixturedefs(manager, name, node) or ():
            context = step_function_context_registry.get(fixture.func)
            if context is not None:
                found.append(_definition(context, root=node.config.rootpath))
    return found


def _definition(context: StepFunctionContext, *, root: Path) -> Definition:
    code = context.step_func.__code__
    path = Path(code.co_filename)
    shown = path.relative_to(root).as_posix() if path.is_relative_to(root) else "/".join(path.parts[-2:])
    return Definition(
        sentence=context.parser.name,
        type=context.type,
        where=f"{shown}:{code.co_firstlineno}",
        context=context,
    )


def matching(step: Step, among: Iterable[Definition]) -> tuple[list[Definition], list[Refusal]]:
    """Return the definitions that match `step`, and those that all but match it."""
    matches: list[Definition] = []
    refusals: list[Refusal] = []
    for definition in among:
        if definition.type not in (None, step.type):
            continue
        try:
            arguments = _arguments(definition.context, step.text)
        except (ValueError, AftershockError) as error:
            refusals.append(Refusal(definition=definition, error=error))
            continue
        if arguments is not None:
            matches.append(definition)
    return matches, refusals


def understood(step: Step, among: Iterable[Definition]) -> tuple[Definition, dict[str, Any]] | None:
    """Return the definition that runs `step` and the words that its code will get; None where none does."""
    matches, _ = matching(step, among)
    if not matches:
        return None
    return matches[0], _arguments(matches[0].context, step.text) or {}


def _arguments(context: StepFunctionContext, text: str) -> dict[str, Any] | None:
    """Return the step's words as its code will get them; None where the sentence does not fit.

    Raises:
        ValueError: a converter refused a word.

    """
    if not context.parser.is_matching(text):
        _refused_by_parser(context, text)
        return None
    arguments: dict[str, Any] = context.parser.parse_arguments(text) or {}
    for name in arguments.keys() & context.converters.keys():
        arguments[name] = context.converters[name](arguments[name])
    return arguments


def _refused_by_parser(context: StepFunctionContext, text: str) -> None:
    """Raise what a type of the parser raised: `is_matching` hides it as "no match"."""
    try:
        context.parser.parse_arguments(text)
    except AttributeError:
        return  # no match at all: pytest-bdd's parser reads an attribute of None
