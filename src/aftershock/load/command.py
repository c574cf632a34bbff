"""How Locust is told what to do: on its command line, and in AFTERSHOCK_LOAD_* for our locustfiles."""

from __future__ import annotations

import ipaddress
import os
import sys
from collections.abc import Mapping
from pathlib import Path
from urllib.parse import urlsplit

from aftershock.load.library import with_library
from aftershock.load.spec import LoadSpec

__all__ = ["command", "environment", "pace", "variables"]


LAST_ANSWERS_S = 12
"""Connecting and answering may take five seconds each; what was under way is waited for that long."""


def command(spec: LoadSpec, files: Mapping[str, Path]) -> list[str]:
    """Return the words that start Locust."""
    options = {
        "-f": spec.locustfile,
        "--host": spec.host.rstrip("/"),
        **pace(spec),
        "--csv": str(files["csv"]).removesuffix("_stats.csv"),
        "--html": files["html"],
        "--json-file": str(files["json"]).removesuffix(".json"),
        # A failed request is a result, not a failed load.
        "--exit-code-on-error": 0,
    }
    words = [str(word) for pair in options.items() for word in pair]
    return [sys.executable, "-m", "locust", "--headless", "--only-summary", *words]


def pace(spec: LoadSpec) -> dict[str, object]:
    """Return Locust's options that say how many users there are, and for how long."""
    # Whole seconds is what Locust reads.
    seconds = max(1, round(spec.duration_s))
    if spec.demand.arrivals:
        # One user a process, who sends all the others, and ends the load when all is answered.
        count = max(1, spec.demand.workers)
        return {"-u": count, "-r": count, "-t": f"{seconds + 2 * LAST_ANSWERS_S}s"}
    users = {"-u": spec.demand.users, "-r": spec.spawn_rate, "-t": f"{seconds}s"}
    return {**users, "--stop-timeout": LAST_ANSWERS_S}


def environment(spec: LoadSpec, log: Path) -> dict[str, str]:
    """Return what our locustfiles read, and this process' own variables."""
    return {**with_library(_clean(os.environ)), **variables(spec, log.resolve())}


def variables(spec: LoadSpec, log: Path) -> dict[str, str]:
    """Return what our locustfiles read."""
    common = {
        "AFTERSHOCK_LOAD_LOG": str(log),
        "AFTERSHOCK_LOAD_SHAPE": spec.demand.shape,
        **_resolver(spec.host),
    }
    if spec.demand.arrivals:
        arrivals = {"ARRIVALS": spec.demand.arrivals, "SECONDS": spec.duration_s}
        return {**common, **{f"AFTERSHOCK_LOAD_{name}": str(value) for name, value in arrivals.items()}}
    return {**common, "AFTERSHOCK_LOAD_RATE": str(spec.demand.rate_per_user)}


def _resolver(host: str) -> dict[str, str]:
    """Have gevent take an address as it is: its resolver hands each to a thread, at every new connection."""
    try:
        ipaddress.ip_address(urlsplit(host).hostname or "")
    except ValueError:
        return {}
    return {"GEVENT_RESOLVER": "block"}


def _clean(environ: Mapping[str, str]) -> dict[str, str]:
    """Leave out what would override what a scenario says: Locust's variables, and ours of another load."""
    ours = ("LOCUST_", "AFTERSHOCK_LOAD_")
    return {name: value for name, value in environ.items() if not name.startswith(ours)}
