"""The words that steps take beside plain text and numbers, and the parser that knows them.

    @then(phrase("{alert:w} fires within {limit:Duration}"))

A converter that raises StepArgumentError refuses its word at collection, with the file and
line of the step, before anything is touched. So whatever a step needs to be there, a file
above all, is a type here (or is given to `phrase` as one): that is the whole registry.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import Any, TypeVar

from pytest_bdd import parsers

from aftershock.clock import parse_duration
from aftershock.cluster.targets import Amount, NodeWords
from aftershock.config import load_settings, project_root
from aftershock.errors import ConfigError, StepArgumentError, UsageError
from aftershock.judge.load_record import PHASES
from aftershock.judge.scaling_troubles import TROUBLES
from aftershock.load.spec import LONGEST_S, Demand, check_demand, parse_demand
from aftershock.secret import Secret, read_secret

__all__ = [
    "TYPES",
    "amount",
    "demand",
    "duration",
    "experiment",
    "hpa_trouble",
    "litmus_engine",
    "load_time",
    "locustfile",
    "node",
    "percentile",
    "phrase",
    "secret",
    "users",
]


T = TypeVar("T")


def duration(text: str) -> float:
    """Read a duration, as in "30 seconds", into seconds.

    Raises:
        StepArgumentError: it is none.

    """
    try:
        return parse_duration(text)
    except ConfigError as error:
        raise StepArgumentError(error.message, expected=error.expected) from error


def amount(text: str) -> Amount:
    """Read how many are meant: "2", or "30 % of the", as in "30 % of the reviews pods".

    Raises:
        StepArgumentError: it is neither, or none at all, or more than there can be.

    """
    if re.fullmatch(r"[1-9]\d*", text):
        return Amount(count=int(text))
    percent = re.fullmatch(r"(\d+(?:\.\d+)?) ?% of the", text)
    if percent is None or not 0 < float(percent[1]) <= 100:  # noqa: PLR2004 - all of them
        raise StepArgumentError(f"{text!r} is no amount", expected='as "2", or "30 % of the"', found=text)
    return Amount(share=float(Fraction(percent[1]) / 100))


def node(text: str) -> NodeWords:
    """Read which node is meant: "a worker node", "the node that holds most of reviews", "node ip-10-0-7"."""
    words = text.split()
    if text.startswith("the "):
        return NodeWords(workload=words[-1])
    return NodeWords(role=words[1]) if words[0] in {"a", "an"} else NodeWords(name=words[1])


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
    """Find a Chaos Toolkit experiment by its name in experiments/, as "drain-worker", and check all of it.

    Raises:
        StepArgumentError: there is none, or something in it is wrong; with file and line.

    """
    # Not at the top: faults come with a Kubernetes client, which this plugin loads without.
    from aftershock.experiments.file import read_experiment  # noqa: PLC0415 - as said

    path = _find(text, folder="experiments", endings=(".yaml", ".yml", ".json"), what="experiment")
    allowed = load_settings(root=project_root()).experiment_providers
    _checked(lambda: read_experiment(path, allowed=allowed))
    return path


def litmus_engine(text: str) -> Path:
    """Find a ChaosEngine by its name in experiments/litmus/, as "pod-delete", and check all of it.

    Raises:
        StepArgumentError: there is none, or something in it is wrong or not supported; with
            file and line.

    """
    from aftershock.litmus.file import read_engine  # noqa: PLC0415 - as above

    path = _find(text, folder="experiments/litmus", endings=(".yaml", ".yml"), what="Litmus engine")
    _checked(lambda: read_engine(path))
    return path


def demand(text: str) -> Demand:
    """Read how much load, as "200 requests/s", "a ramp to 500 requests/s", "a spike to 100 users".

    Raises:
        StepArgumentError: it is none, its shape is not known, or a number is out of range.

    """
    return _checked(lambda: parse_demand(text))


def users(text: str) -> int:
    """Read a number of users.

    Raises:
        StepArgumentError: Locust is not made for so many, or there are none.

    """
    _checked(lambda: check_demand(Demand(users=int(text))))
    return int(text)


def user_rate(text: str) -> float:
    """Read how many times a second each user asks.

    Raises:
        StepArgumentError: it is out of range.

    """
    _checked(lambda: check_demand(Demand(users=1, rate_per_user=float(text))))
    return float(text)


def load_time(text: str) -> float:
    """Read how long a load lasts, into seconds.

    Raises:
        StepArgumentError: it is no duration, or none that Locust can keep.

    """
    seconds = duration(text)
    if not 1 <= seconds <= LONGEST_S:
        raise StepArgumentError(
            f"a load of {text} is out of range", expected="from 1 second to 24 hours", found=text
        )
    return seconds


def percentile(text: str) -> float:
    """Read a percentile, as "p95" or "p99.9".

    Raises:
        StepArgumentError: there is no such percentile.

    """
    percent = float(text[1:])
    if not 0 < percent <= 100:  # noqa: PLR2004 - all of them
        raise StepArgumentError(
            f"there is no percentile {text}", expected="above p0, at most p100", found=text
        )
    return percent


def hpa_trouble(text: str) -> str:
    """Read what may be wrong with an HPA, as in "at its maximum".

    Raises:
        StepArgumentError: it is nothing that is looked for.

    """
    if text not in TROUBLES:
        raise StepArgumentError(f"an HPA is not known to be {text!r}", expected=", ".join(TROUBLES))
    return text


def secret(text: str) -> Secret:
    """Read where a secret is, as "env:SHOP_TOKEN" or "file:secrets/token", and take it from there.

    Raises:
        StepArgumentError: nothing is there, or it stands in the feature file itself.

    """
    try:
        return read_secret(text, root=project_root())
    except ConfigError as error:
        raise StepArgumentError(
            error.message, expected=error.expected, found=error.found, hint=error.hint
        ) from error


def _checked(read: Callable[[], T]) -> T:
    try:
        return read()
    except UsageError as error:
        raise StepArgumentError(
            error.message, expected=error.expected, found=error.found, hint=error.hint
        ) from error


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


@dataclass(frozen=True)
class _Words:
    """A converter of what is more than one word: `pattern` tells the parser where it ends."""

    read: Callable[[str], Any]
    pattern: str
    regex_group_count: int = 0

    def __call__(self, text: str) -> Any:
        return self.read(text)


TYPES: Mapping[str, Callable[[str], Any]] = {
    "Amount": _Words(amount, r"\d+(?:\.\d+)?(?: ?%)?(?: of the)?"),
    "Demand": _Words(demand, r"[^ ]+ .*(?:requests/s|users?|requests/s each|workers?)"),
    "Duration": duration,
    "Experiment": experiment,
    "HpaTrouble": hpa_trouble,
    "LitmusEngine": litmus_engine,
    "LoadTime": load_time,
    "Locustfile": locustfile,
    "Node": _Words(node, r"an? [\w-]+ node|the node that holds most of [^ ]+|node [^ ]+"),
    "Percentile": _Words(percentile, r"p\d+(?:\.\d+)?"),
    "Phase": _Words(str, "|".join(PHASES)),
    "Secret": _Words(secret, r"[^ ]+"),
    "UserRate": _Words(user_rate, r"-?[\d.]+"),
    "Users": _Words(users, r"-?\d+"),
}


def phrase(sentence: str, **more: Callable[[str], Any]) -> parsers.parse:
    """Return the parser of a step's sentence: it knows TYPES and `more`, and minds the case."""
    return parsers.parse(sentence, extra_types={**TYPES, **more}, case_sensitive=True)
