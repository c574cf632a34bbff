"""How Locust is told what to do: on its command line, and in AFTERSHOCK_LOAD_* for our locustfiles."""

from __future__ import annotations

import os
import sys
from collections.abc import Mapping
from pathlib import Path

from aftershock.load.spec import LoadSpec

__all__ = ["command", "environment"]

LAST_ANSWERS_S = 12
"""Connecting and answering may take five seconds each; what was under way is waited for that long."""


def command(spec: LoadSpec, files: Mapping[str, Path]) -> list[str]:
    """Return the words that start Locust."""
    # Whole seconds is what Locust reads.
    seconds = max(1, round(spec.duration_s))
    if spec.demand.arrivals:
        # One user, who sends all the others, and ends the load when all is answered.
        pace = {"-u": 1, "-r": 1, "-t": f"{seconds + 2 * LAST_ANSWERS_S}s"}
    else:
        pace = {"-u": spec.demand.users, "-r": spec.spawn_rate, "-t": f"{seconds}s"}
        pace["--stop-timeout"] = LAST_ANSWERS_S
    options = {
        "-f": spec.locustfile,
        "--host": spec.host.rstrip("/"),
        **pace,
        "--csv": str(files["csv"]).removesuffix("_stats.csv"),
        "--html": files["html"],
        "--json-file": str(files["json"]).removesuffix(".json"),
        # A failed request is a result, not a failed load.
        "--exit-code-on-error": 0,
    }
    words = [str(word) for pair in options.items() for word in pair]
    return [sys.executable, "-m", "locust", "--headless", "--only-summary", *words]


def environment(spec: LoadSpec, log: Path) -> dict[str, str]:
    """Return what our locustfiles read, and this process' own variables."""
    common = {
        **_clean(os.environ),
        "AFTERSHOCK_LOAD_LOG": str(log.resolve()),
        "AFTERSHOCK_LOAD_SHAPE": spec.demand.shape,
    }
    if spec.demand.arrivals:
        arrivals = {"ARRIVALS": spec.demand.arrivals, "SECONDS": spec.duration_s}
        return {**common, **{f"AFTERSHOCK_LOAD_{name}": str(value) for name, value in arrivals.items()}}
    return {**common, "AFTERSHOCK_LOAD_RATE": str(spec.demand.rate_per_user)}


def _clean(environ: Mapping[str, str]) -> dict[str, str]:
    """Leave out what would override what a scenario says: Locust's variables, and ours of another load."""
    ours = ("LOCUST_", "AFTERSHOCK_LOAD_")
    return {name: value for name, value in environ.items() if not name.startswith(ours)}
