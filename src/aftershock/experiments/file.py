"""The files of Chaos Toolkit experiments, as far as they are run here, checked field by field."""

from __future__ import annotations

import inspect
from collections.abc import Collection, Iterator
from pathlib import Path
from typing import Any, Literal

import msgspec
import yaml

from aftershock import chaostoolkit as own
from aftershock.errors import UsageError

__all__ = ["Experiment", "read_experiment"]

OWN_MODULE = own.__name__


class Provider(msgspec.Struct, frozen=True, kw_only=True):
    """Who does it. Fields beyond these belong to the kinds that need an allowance."""

    type: Literal["python", "process", "http"]
    module: str = ""
    func: str = ""
    arguments: dict[str, Any] | str | list[str] = msgspec.field(default_factory=dict)


class Activity(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A probe or an action."""

    name: str
    type: Literal["probe", "action"]
    provider: Provider
    tolerance: Any = None
    pauses: dict[str, float] = msgspec.field(default_factory=dict)
    background: bool = False


class Hypothesis(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What holds when all is well."""

    title: str
    probes: list[Activity] = msgspec.field(default_factory=list)


class Control(msgspec.Struct, frozen=True, kw_only=True):
    """Code that Chaos Toolkit calls around activities."""

    name: str
    provider: Provider


class Experiment(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, rename="kebab"):
    """An experiment. A steady state is required: without one nothing says what "worked" is."""

    title: str
    description: str
    steady_state_hypothesis: Hypothesis
    method: list[Activity]
    rollbacks: list[Activity] = msgspec.field(default_factory=list)
    tags: list[str] = msgspec.field(default_factory=list)
    configuration: dict[str, Any] = msgspec.field(default_factory=dict)
    runtime: dict[str, Any] = msgspec.field(default_factory=dict)
    controls: list[Control] = msgspec.field(default_factory=list)

    def providers(self) -> Iterator[tuple[str, Provider]]:
        """Yield everything that would run, with its name."""
        for activity in (*self.steady_state_hypothesis.probes, *self.method, *self.rollbacks):
            yield activity.name, activity.provider
        for control in self.controls:
            yield control.name, control.provider


def read_experiment(path: Path, *, allowed: Collection[str] = ()) -> Experiment:
    """Read and check an experiment; runs nothing of it.

    Raises:
        UsageError: there is no such file, it is no experiment, calls a function that is not
            there or with wrong arguments, or needs a provider that is not in `allowed`.

    """
    try:
        raw = yaml.safe_load(path.read_text(encoding="utf-8"))
        experiment = msgspec.convert(raw, Experiment)
    except OSError as error:
        raise UsageError(f"cannot read the experiment {path}", found=str(error)) from error
    except (yaml.YAMLError, msgspec.ValidationError) as error:
        raise UsageError(f"{path} is no experiment that runs here", found=str(error)) from error
    if not experiment.method:
        raise UsageError(f"{path}: the method is empty", expected="at least one action")
    for name, provider in experiment.providers():
        _check(f"{path}: {name}", provider, allowed)
    return experiment


def _check(where: str, provider: Provider, allowed: Collection[str]) -> None:
    kind = provider.module if provider.type == "python" else provider.type
    if kind == OWN_MODULE:
        _check_call(where, provider)
    elif kind not in allowed:
        raise UsageError(
            f"{where}: a provider {kind!r} is not allowed",
            expected=f"functions of {OWN_MODULE}" + "".join(f", {name}" for name in sorted(allowed)),
            found=kind,
            hint="an experiment is executable code; allow it by name, if you trust it",
        )


def _check_call(where: str, provider: Provider) -> None:
    """Check that our function exists and takes these arguments."""
    if provider.func not in own.__all__:
        raise UsageError(f"{where}: {OWN_MODULE} has no {provider.func!r}", expected=", ".join(own.__all__))
    if not isinstance(provider.arguments, dict):
        raise UsageError(f"{where}: arguments must be named", found=repr(provider.arguments))
    try:
        inspect.signature(getattr(own, provider.func)).bind(**provider.arguments)
    except TypeError as error:
        raise UsageError(f"{where}: wrong arguments for {provider.func}", found=str(error)) from error
