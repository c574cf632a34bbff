"""What a step means, as plain data, known before it runs.

    @then(phrase("{alert:w} fires within {limit:Duration}"))
    @means(lambda alert, limit: AlertFires(alert=alert, within_s=limit))
    def alert_fires(...)

The function given to `means` takes the words of the sentence by their names, as the step's
code will get them. What the data says, and who reads it, is not known here: an objective is
held against the forecast, an act is planned (aftershock.scene). A step that means nothing to
either needs no such line.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any, TypeVar

from aftershock.collect.gherkin import Scenario, Step
from aftershock.collect.vocabulary import Definition, understood

__all__ = ["Meaning", "meanings", "means"]

F = TypeVar("F", bound=Callable[..., Any])

_MEANINGS: dict[Callable[..., Any], Callable[..., object]] = {}


@dataclass(frozen=True, kw_only=True)
class Meaning:
    """One step of a scenario and what it means; `place` is its file and line."""

    step: Step
    what: object
    place: str


def means(make: Callable[..., object]) -> Callable[[F], F]:
    """Enter what a step definition means: `make` gets the words of its sentence. Stands below the keyword."""

    def entered(function: F) -> F:
        _MEANINGS[function] = make
        return function

    return entered


def meanings(scenario: Scenario, definitions: Iterable[Definition]) -> list[Meaning]:
    """Return what the steps of `scenario` mean, in their order; those that mean nothing are left out."""
    definitions = list(definitions)
    found = []
    for step in scenario.steps:
        match = understood(step, definitions)
        make = _MEANINGS.get(match[0].context.step_func) if match else None
        if match and make:
            what = make(**match[1])
            found.append(Meaning(step=step, what=what, place=f"{scenario.file}:{step.line}"))
    return found
