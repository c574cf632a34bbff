"""What load to drive, and what can be known to be wrong with it before it starts."""

from __future__ import annotations

import os
import re
import socket
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from aftershock.errors import ConfigError, EnvironmentUnusableError
from aftershock.load.library import with_library

__all__ = [
    "LONGEST_S",
    "MOST_ARRIVALS",
    "MOST_USERS",
    "SHAPES",
    "Demand",
    "LoadSpec",
    "check_demand",
    "check_locustfile",
    "check_spec",
    "check_target",
    "parse_demand",
]

SHAPES: Mapping[str, float] = {"constant": 1.0, "ramp": 0.5, "soak": 0.9, "spike": 0.28, "step": 0.6}
"""Each shape, and its mean level: what it asks for, of what its top for all the time would be."""
MOST_USERS = 10_000
MOST_WORKERS = 50
MOST_RATE_PER_USER = 1_000.0
MOST_ARRIVALS = 20_000.0
"""Requests per second. One process of Locust sends a few thousand, several on several cores more."""
LONGEST_S = 24 * 3600.0
LISTED_WITHIN_S = 30.0
TAIL_LINES = 5


@dataclass(frozen=True, kw_only=True)
class Demand:
    """How much: `arrivals` requests a second, or `users` who ask `rate_per_user` times a second each.

    The first is the open model, the second the closed one; each is the highest of its `shape`.
    With `workers` they come from so many of Locust's workers inside the cluster.
    """

    arrivals: float = 0.0
    users: int = 0
    rate_per_user: float = 1.0
    shape: str = "constant"
    workers: int = 0

    @property
    def top_rps(self) -> float:
        """Requests per second at the highest; in the closed model they are no promise, but an upper bound."""
        return self.arrivals or self.users * self.rate_per_user

    def asked(self, duration_s: float) -> float:
        """Return how many requests that is in all."""
        return self.top_rps * duration_s * SHAPES[self.shape]

    def __str__(self) -> str:
        """Say it for a person."""
        each = f"{self.users} users, {self.rate_per_user:g} requests/s each ({self.top_rps:g}/s)"
        said = f"{self.arrivals:g} requests/s" if self.arrivals else each
        said += "" if self.shape == "constant" else f", as a {self.shape}"
        return f"{said}, from {self.workers} workers in the cluster" if self.workers else said


@dataclass(frozen=True, kw_only=True)
class LoadSpec:
    """What load to drive.

    `host` is the base URL; `demand` how much for `duration_s`. In the closed model `spawn_rate`
    users start per second. `number` tells loads of the same locustfile in one scenario apart.
    """

    locustfile: Path
    host: str
    demand: Demand
    duration_s: float = 60.0
    spawn_rate: float = 100.0
    number: int = 1

    @property
    def name(self) -> str:
        """What its files are called."""
        return self.locustfile.stem + (f"-{self.number}" if self.number > 1 else "")

    @property
    def subject(self) -> str:
        """The name under which the timeline has it."""
        return f"load/{self.name}"

    def facts(self) -> dict[str, Any]:
        """Return it as the data of an event; `asked` is how many requests that is in all."""
        return {
            "host": self.host,
            "model": "open" if self.demand.arrivals else "closed",
            **asdict(self.demand),
            "duration_s": self.duration_s,
            "asked": round(self.demand.asked(self.duration_s)),
        }


_DEMAND = re.compile(
    r"(?:an? (?P<shape>\S+) (?:to|of|at) )?(?P<number>-?[\d.]+) (?P<unit>requests/s|users?)"
    r"(?: at (?P<each>-?[\d.]+) requests/s each)?(?: from (?P<workers>-?\d+) workers?)?"
)


def parse_demand(text: str) -> Demand:
    """Read a demand, as "200 requests/s", "100 users at 2 requests/s each", "a ramp to 500 requests/s".

    Raises:
        ConfigError: it is none, its shape is not known, or a number is out of range.

    """
    match = _DEMAND.fullmatch(text)
    if match is None or (match["each"] and match["unit"] == "requests/s"):
        raise ConfigError(
            f"{text!r} is no load",
            expected='as "200 requests/s", "100 users", "100 users at 2 requests/s each", '
            f'"a ramp to 200 requests/s"; shapes: {", ".join(SHAPES)}',
        )
    shape, number = match["shape"] or "constant", _number(match["number"], text)
    workers = int(match["workers"] or 0)
    if match["workers"] and not 1 <= workers <= MOST_WORKERS:
        raise ConfigError(f"{workers} workers are out of range", expected=f"from 1 to {MOST_WORKERS}")
    if match["unit"] == "requests/s":
        _check_arrivals(number)
        demand = Demand(arrivals=number, shape=shape, workers=workers)
    else:
        if number != int(number):
            raise ConfigError(f"{number:g} users are not whole", expected=f"from 1 to {MOST_USERS}")
        each = _number(match["each"] or "1", text)
        demand = Demand(users=int(number), rate_per_user=each, shape=shape, workers=workers)
    check_demand(demand)
    return demand


def _number(text: str, whole: str) -> float:
    try:
        return float(text)
    except ValueError as error:
        raise ConfigError(f"{text!r} in {whole!r} is no number") from error


def check_demand(demand: Demand) -> None:
    """Refuse what cannot work.

    Raises:
        ConfigError: it says what.

    """
    if demand.shape not in SHAPES:
        raise ConfigError(f"unknown load shape {demand.shape!r}", expected=", ".join(SHAPES))
    if demand.arrivals:
        _check_arrivals(demand.arrivals)
        return
    if not 1 <= demand.users <= MOST_USERS:
        raise ConfigError(f"{demand.users} users are out of range", expected=f"from 1 to {MOST_USERS}")
    if not 0 < demand.rate_per_user <= MOST_RATE_PER_USER:
        raise ConfigError(
            f"{demand.rate_per_user:g} requests/s of each user are out of range",
            expected=f"above 0, at most {MOST_RATE_PER_USER:g}",
        )


def _check_arrivals(rate: float) -> None:
    if not 0 < rate <= MOST_ARRIVALS:
        raise ConfigError(
            f"{rate:g} requests/s are out of range", expected=f"above 0, at most {MOST_ARRIVALS:g}"
        )


def check_spec(spec: LoadSpec) -> None:
    """Refuse what cannot work, before anything is started.

    Raises:
        ConfigError: it says what.

    """
    try:
        compile(spec.locustfile.read_bytes(), str(spec.locustfile), "exec")
    except OSError as error:
        there = ", ".join(sorted(path.name for path in spec.locustfile.parent.glob("*.py")))
        raise ConfigError(
            f"there is no locustfile {spec.locustfile}",
            expected=there or "a file in loadtests/",
            found=str(error),
        ) from error
    except (SyntaxError, ValueError) as error:
        raise ConfigError(f"the locustfile {spec.locustfile} is broken", found=str(error)) from error
    check_demand(spec.demand)
    if not 1 <= spec.duration_s <= LONGEST_S:
        raise ConfigError(
            f"a load of {spec.duration_s:g} s is out of range", expected=f"from 1 to {LONGEST_S:g} seconds"
        )
    if not 0 < spec.spawn_rate < float("inf"):
        raise ConfigError(f"spawn_rate is {spec.spawn_rate}", expected="a number above zero")


def check_locustfile(path: Path) -> None:
    """Have Locust read the file, in a process of its own; nothing is sent.

    Raises:
        ConfigError: it cannot be imported, or has no user.

    """
    command = [sys.executable, "-m", "locust", "-f", str(path), "--list"]
    try:
        done = subprocess.run(
            command,
            env=with_library(os.environ),
            capture_output=True,
            text=True,
            timeout=LISTED_WITHIN_S,
            check=False,
        )
    except subprocess.TimeoutExpired as error:
        raise ConfigError(
            f"the locustfile {path.name} is not read within {LISTED_WITHIN_S:g} s",
            expected="a module that only defines users",
        ) from error
    named = [line for line in done.stdout.splitlines() if line.startswith(" ")]
    if done.returncode != 0 or not named:
        tail = done.stderr.strip().splitlines()[-TAIL_LINES:] if done.returncode else ["it defines no user"]
        raise ConfigError(
            f"Locust cannot read the locustfile {path.name}",
            expected="a module that imports, with at least one user class",
            found="\n    ".join(tail),
            hint=f"try it: locust -f {path} --list",
        )


def check_target(host: str) -> None:
    """Open a connection to the target and close it.

    Raises:
        EnvironmentUnusableError: it is refused, or does not come about.

    """
    parts = urlsplit(host)
    port = parts.port or (443 if parts.scheme == "https" else 80)
    try:
        socket.create_connection((str(parts.hostname), port), timeout=5.0).close()
    except OSError as error:
        raise EnvironmentUnusableError(
            f"the load's target {host} takes no connection",
            expected="a service that answers before the load starts",
            found=str(error),
            hint="check that its pods are Ready and that the port is mapped",
        ) from error
