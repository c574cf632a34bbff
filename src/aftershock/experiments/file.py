"""The files of Chaos Toolkit experiments, as far as they are run here, checked field by field."""

from __future__ import annotations

import inspect
from collections.abc import Collection, Iterator, Mapping
from pathlib import Path
from typing import Any, Literal

import msgspec

from aftershock import chaostoolkit as own
from aftershock.errors import UsageError
from aftershock.faults.calls import bound, fault_arguments
from aftershock.written import Key, Written, read_yaml

__all__ = ["OWN_MODULE", "Activity", "Experiment", "read_experiment"]

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


def read_experiment(path: Path, *, allowed: Collection[str] = ()) -> Experiment:
    """Read and check an experiment; runs nothing of it.

    Raises:
        UsageError: there is no such file, it is no experiment, calls a function or a fault
            that is not there or with wrong arguments, or needs a provider that is not in
            `allowed`. It names file and line.

    """
    written = read_yaml(path)
    experiment = written.convert(Experiment, what="experiment")
    if not experiment.method:
        raise UsageError(f"{written.at('method')}: the method is empty", expected="at least one action")
    for keys, name, provider, given in _calls(written, experiment):
        where = f"{written.at(*keys)}: {name}"
        try:
            _check(provider, allowed, given)
        except UsageError as error:
            raise UsageError(
                f"{where}: {error.message}", expected=error.expected, found=error.found, hint=error.hint
            ) from error
    return experiment


Call = tuple[tuple[Key, ...], str, Provider, Mapping[str, Any]]
"""Where it stands, its name, who does it, and the arguments that Chaos Toolkit adds."""


def _calls(written: Written, experiment: Experiment) -> Iterator[Call]:
    """Yield everything that would run: tolerances and configuration can be code, too."""
    parts: tuple[tuple[tuple[Key, ...], list[Activity]], ...] = (
        (("steady-state-hypothesis", "probes"), experiment.steady_state_hypothesis.probes),
        (("method",), experiment.method),
        (("rollbacks",), experiment.rollbacks),
    )
    for keys, activities in parts:
        for number, activity in enumerate(activities):
            yield (*keys, number), activity.name, activity.provider, {}
            if _is_code(activity.tolerance):
                where = (*keys, number, "tolerance")
                yield where, f"tolerance of {activity.name}", _provider(written, where), {"value": None}
    for name, value in experiment.configuration.items():
        if _is_code(value):
            where = ("configuration", name)
            yield where, name, _provider(written, where), {}
    for number, control in enumerate(experiment.controls):
        yield ("controls", number), control.name, control.provider, {}


def _is_code(value: Any) -> bool:
    return isinstance(value, dict) and value.get("type") == "probe"


def _provider(written: Written, keys: tuple[Key, ...]) -> Provider:
    value: Any = written.content
    for key in keys:
        value = value[key]
    try:
        return msgspec.convert(value.get("provider"), Provider)
    except msgspec.ValidationError as error:
        raise UsageError(f"{written.at(*keys)}: no provider that runs here", found=str(error)) from error


def _check(provider: Provider, allowed: Collection[str], given: Mapping[str, Any]) -> None:
    kind = provider.module if provider.type == "python" else provider.type
    if kind == OWN_MODULE:
        _check_call(provider, given)
    elif kind not in allowed:
        raise UsageError(
            f"a provider {kind!r} is not allowed",
            expected=f"functions of {OWN_MODULE}" + "".join(f", {name}" for name in sorted(allowed)),
            found=kind,
            hint="an experiment is executable code; if you trust it, add the provider to "
            "experiment_providers in [tool.aftershock]",
        )


def _check_call(provider: Provider, given: Mapping[str, Any]) -> None:
    """Check that our function exists and takes these arguments; of `inject`, that the fault does."""
    if provider.func not in own.__all__:
        raise UsageError(f"{OWN_MODULE} has no {provider.func!r}", expected=", ".join(own.__all__))
    if not isinstance(provider.arguments, dict):
        raise UsageError("arguments must be named", found=repr(provider.arguments))
    signature = inspect.signature(getattr(own, provider.func), eval_str=True)
    named = [p for p in signature.parameters.values() if p.kind is not inspect.Parameter.VAR_KEYWORD]
    mine = {p.name for p in named}
    if provider.func != "inject":
        added = {name: value for name, value in given.items() if name in mine}
        bound(provider.func, named, {**provider.arguments, **added})
        return
    bound("inject", named, {name: value for name, value in provider.arguments.items() if name in mine})
    others = {name: value for name, value in provider.arguments.items() if name not in mine}
    fault_arguments(provider.arguments["fault"], others)
