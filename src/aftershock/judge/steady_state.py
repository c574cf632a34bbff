"""Whether an experiment's steady state held after its method, as its journal has it."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from aftershock.timeline import Event
from aftershock.verdict import Verdict, met, unknown, violated

__all__ = ["steady_state_held"]


def steady_state_held(events: Iterable[Event], *, experiment: str) -> Verdict:
    """Judge whether the steady state of the experiment of that title held after the method.

    Every probe's answer is evidence. The experiment's last run in the record counts.
    """
    name = f"steady state of {experiment!r}"
    runs = [event.data for event in events if event.kind == "experiment" and event.subject == experiment]
    if not runs:
        reason = "the record does not show that the experiment ran to its end"
        return unknown(name, expected="the experiment's hypothesis", reason=reason)
    run = runs[-1]
    details: dict[str, Any] = {
        "expected": run["hypothesis"],
        "evidence": tuple(
            f"{probe['name']}: {probe['output']!r}, tolerated: {probe['tolerance']!r}"
            for probe in run["probes"]
        ),
        "query": f"the experiment's journal, {run['journal']}",
    }
    if run["deviated"]:
        return violated(name, observed="it did not", reason="the steady state was lost", **details)
    return met(name, observed="it held", **details)
