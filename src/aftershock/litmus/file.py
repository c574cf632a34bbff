"""ChaosEngine files: read and checked as a whole, before anything runs."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TypeVar

from aftershock.errors import UsageError
from aftershock.faults.calls import fault_arguments
from aftershock.litmus.probe import HttpProbe, probe_of
from aftershock.litmus.schema import ApplicationInfo, ChaosEngine, EnvVar, ExperimentEntry
from aftershock.litmus.tunables import Chaos, chaos_of
from aftershock.written import Key, Written, read_yaml

__all__ = ["Engine", "EngineExperiment", "read_engine"]

T = TypeVar("T")


@dataclass(frozen=True, kw_only=True)
class EngineExperiment:
    """One experiment of an engine. `settles_s` is how long the application may take to be whole again."""

    chaos: Chaos
    probes: tuple[HttpProbe, ...]
    settles_s: float
    looks_every_s: float


@dataclass(frozen=True, kw_only=True)
class Engine:
    """A ChaosEngine. Its experiments are in the order in which they run."""

    name: str
    file: str
    app: ApplicationInfo
    health_check: bool
    experiments: tuple[EngineExperiment, ...]


def read_engine(path: Path) -> Engine:
    """Read and check a ChaosEngine; runs nothing of it.

    Raises:
        UsageError: there is no such file, it is no ChaosEngine, or something in it is not
            supported. It names file, line and field.

    """
    written = read_yaml(path)
    engine = written.convert(ChaosEngine, what="ChaosEngine")
    if str(engine.spec.annotation_check).lower() != "false":
        raise UsageError(
            f"{written.at('spec', 'annotationCheck')}: annotationCheck is not supported",
            expected="'false': which namespaces may be touched is said by their label aftershock.dev/allow",
            found=str(engine.spec.annotation_check),
        )
    names = Counter(entry.name for entry in engine.spec.experiments)
    for number, entry in enumerate(engine.spec.experiments):
        if names[entry.name] > 1:
            raise UsageError(f"{written.at('spec', 'experiments', number)}: {entry.name} stands there twice")
    found = [
        (entry.spec.rank, _experiment(written, number, entry, engine.spec.appinfo))
        for number, entry in enumerate(engine.spec.experiments)
    ]
    return Engine(
        name=engine.metadata.name,
        file=written.name,
        app=engine.spec.appinfo,
        health_check=engine.spec.default_health_check,
        experiments=tuple(experiment for _, experiment in sorted(found, key=lambda pair: pair[0])),
    )


def _experiment(
    written: Written, number: int, entry: ExperimentEntry, app: ApplicationInfo
) -> EngineExperiment:
    keys: tuple[Key, ...] = ("spec", "experiments", number)
    env, timeouts = entry.spec.components.env, entry.spec.components.status_check_timeouts
    where = _culprit(env, keys, lambda tunables: chaos_of(entry.name, tunables, app))
    chaos = _placed(written, where, lambda: chaos_of(entry.name, _tunables(env), app))
    _placed(written, keys, lambda: fault_arguments(chaos.fault, chaos.arguments))
    probes = tuple(
        _placed(written, (*keys, "spec", "probe", place), partial(probe_of, probe))
        for place, probe in enumerate(entry.spec.probe)
    )
    twice = [name for name, count in Counter(probe.name for probe in probes).items() if count > 1]
    if twice:
        raise UsageError(f"{written.at(*keys, 'spec', 'probe')}: two probes are called {twice[0]!r}")
    return EngineExperiment(
        chaos=chaos, probes=probes, settles_s=timeouts.timeout, looks_every_s=float(timeouts.delay or 1)
    )


def _tunables(env: list[EnvVar]) -> dict[str, str]:
    """Return the tunables as text, as an environment has them.

    Raises:
        UsageError: one is there twice.

    """
    values: dict[str, str] = {}
    for entry in env:
        if entry.name in values:
            raise UsageError(f"{entry.name} stands there twice")
        value = entry.value
        values[entry.name] = str(value).lower() if isinstance(value, bool) else str(value).strip()
    return values


def _culprit(
    env: list[EnvVar], keys: tuple[Key, ...], reads: Callable[[dict[str, str]], object]
) -> tuple[Key, ...]:
    """Return where the first tunable stands with which, beside those before it, `reads` fails."""
    for place in range(len(env)):
        try:
            reads(_tunables(env[: place + 1]))
        except UsageError:
            return (*keys, "spec", "components", "env", place)
    return keys


def _placed(written: Written, keys: tuple[Key, ...], make: Callable[[], T]) -> T:
    """Return what `make` returns; its error gets the place."""
    try:
        return make()
    except UsageError as error:
        raise UsageError(
            f"{written.at(*keys)}: {error.message}",
            expected=error.expected,
            found=error.found,
            hint=error.hint,
        ) from error
