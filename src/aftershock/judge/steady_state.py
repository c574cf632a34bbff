"""Whether an experiment's steady state held during and after its method, as its journal has it."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

from aftershock.clock import format_duration, from_rfc3339
from aftershock.judge.record import clock_time
from aftershock.timeline import Event
from aftershock.verdict import Verdict, met, unknown, violated

__all__ = ["steady_state_held"]


def steady_state_held(events: Iterable[Event], *, experiment: str) -> Verdict:
    """Judge whether the steady state of the experiment of that title held during and after the method.

    Every probe's answer is evidence. The experiment's last run in the record counts. The error
    is the longest time between two looks during the method: a shorter loss may not show. A
    record from before they were made tells of the time after the method only.
    """
    name = f"steady state of {experiment!r}"
    runs = [event.data for event in events if event.kind == "experiment" and event.subject == experiment]
    if not runs:
        reason = "the record does not show that the experiment ran to its end"
        return unknown(name, expected="the experiment's hypothesis", reason=reason)
    run = runs[-1]
    during = run.get("during")
    details: dict[str, Any] = {
        "expected": run["hypothesis"],
        "evidence": tuple(_lines(run)),
        "query": f"the experiment's journal, {run['journal']}",
        "resolution_s": round(during["longest_s"], 3) if during else 0.0,
    }
    if run["deviated"]:
        return violated(name, observed="it did not", reason="the steady state was lost", **details)
    if during and during["failed"]:
        reason = f"it was lost during the method: {during['failed']} of {during['checks']} checks"
        return violated(name, observed="it held after, not throughout", reason=reason, **details)
    if during and not during["checks"]:
        return unknown(name, reason="nobody looked during the method", **details)
    return met(name, observed="it held", **details)


def _lines(run: Any) -> Iterator[str]:
    for probe in run["probes"]:
        yield f"{probe['name']}: {probe['output']!r}, tolerated: {probe['tolerance']!r}"
    during = run.get("during")
    if not during:
        return
    yield (
        f"during the method: {during['checks']} checks, {during['failed']} failed, "
        f"at most {format_duration(during['longest_s'])} from one to the next"
    )
    for failure in during["failures"][:5]:
        said = failure.get("error") or repr(failure["output"])
        yield f"{clock_time(from_rfc3339(failure['at']))}: {failure['name']}: {said}"
