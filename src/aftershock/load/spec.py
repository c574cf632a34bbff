"""What load to drive, and what can be known to be wrong with it before it starts."""

from __future__ import annotations

import socket
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

from aftershock.errors import ConfigError, EnvironmentUnusableError

__all__ = ["SHAPES", "LoadSpec", "check_spec", "check_target"]

SHAPES = ("constant", "ramp", "soak", "spike", "step")
MOST_USERS = 10_000


@dataclass(frozen=True, kw_only=True)
class LoadSpec:
    """What load to drive.

    `host` is the base URL; `users` the highest number of them, of whom `spawn_rate` start
    per second, each asking `rate_per_user` times a second; `duration_s` the whole load.
    """

    locustfile: Path
    host: str
    users: int = 100
    duration_s: float = 60.0
    spawn_rate: float = 100.0
    rate_per_user: float = 10.0
    shape: str = "constant"

    @property
    def subject(self) -> str:
        """The name under which the timeline has it."""
        return f"load/{self.locustfile.stem}"


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
    if spec.shape not in SHAPES:
        raise ConfigError(f"unknown load shape {spec.shape!r}", expected=", ".join(SHAPES))
    if not 1 <= spec.users <= MOST_USERS:
        raise ConfigError(f"{spec.users} users are out of range", expected=f"from 1 to {MOST_USERS}")
    for name in ("duration_s", "spawn_rate", "rate_per_user"):
        if not 0 < getattr(spec, name) < float("inf"):
            raise ConfigError(f"{name} is {getattr(spec, name)}", expected="a number above zero")


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
