"""Whether the probes of a ChaosEngine passed, from the record of their looks.

As Litmus has it: a probe has passed if no look of its failed, and the engine if every probe
has; the probe success percentage stands in the evidence. Other than there, nothing counts as
passed that was not looked at, or while it is not proven that the fault was there.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import pairwise
from typing import Any

from aftershock.clock import format_duration
from aftershock.judge.record import clock_time, not_landed
from aftershock.timeline import Event
from aftershock.verdict import Verdict, met, unknown, violated

__all__ = ["engine_passed"]

PHASES: Mapping[str, tuple[str, ...]] = {
    "SOT": ("before",),
    "EOT": ("after",),
    "Edge": ("before", "after"),
    "Continuous": ("during",),
    "OnChaos": ("during",),
}
"""In which parts of the experiment a probe of that mode has to have looked."""
_LEAST_HOLE_S = 1.0
Look = Mapping[str, Any]


def engine_passed(events: Iterable[Event], *, engine: str) -> Verdict:
    """Judge whether every probe of the engine of that name passed, and the application became whole again.

    The last run in the record counts. The error is the longest time between two looks of a
    probe that looks throughout: a shorter failure may not show.
    """
    record = list(events)
    name = f"engine {engine!r}"
    states = [i for i, event in enumerate(record) if event.kind == "engine" and event.subject == engine]
    starts = [i for i in states if record[i].data["state"] == "started"]
    expected = "every probe passes, and the application is whole again"
    if not starts or record[states[-1]].data["state"] != "ended":
        reason = "the record does not show that the engine ran to its end"
        return unknown(name, expected=expected, reason=reason)
    run = record[starts[-1] : states[-1] + 1]
    probes = [_Probe(run, probe) for probe in run[0].data["probes"]]
    own = [event for event in run if event.kind == "check" and event.source == "harness"]
    bad_own = [event for event in own if not event.data["ok"]]
    failed = [probe for probe in probes if probe.failed]
    missing = [reason for probe in probes for reason in probe.missing()]
    details: dict[str, Any] = {
        "expected": expected,
        "observed": f"{len(probes) - len(failed)} of {len(probes)} probes passed",
        "resolution_s": max((probe.longest_s for probe in probes), default=0.0),
        "evidence": tuple(_lines(run, probes, own)),
        "query": f"{run[0].data['file']}; the looks are in the timeline, kind check",
    }
    if failed or bad_own:
        reasons = [probe.first_failure() for probe in failed]
        reasons += [f"{event.subject}: {event.data['said']}" for event in bad_own]
        return violated(name, reason="; ".join(reasons), **details)
    gone = not_landed(run) or ([] if _landed(run) else ["no fault landed"])
    if gone or missing:
        return unknown(name, reason="; ".join([*gone, *missing]), **details)
    return met(name, **details)


class _Probe:
    """One probe and its looks."""

    def __init__(self, run: Sequence[Event], about: Look) -> None:
        self.about = about
        self.looks = [
            event
            for event in run
            if event.kind == "check"
            and event.source == "client"
            and event.subject == about["name"]
            and event.data["experiment"] == about["experiment"]
        ]
        self.failed = [look for look in self.looks if not look.data["ok"]]
        gaps = [(b.at - a.at).total_seconds() for a, b in pairwise(self.looks)]
        self.longest_s = round(max(gaps, default=0.0), 3) if self.looks_throughout else 0.0

    @property
    def looks_throughout(self) -> bool:
        """Whether it looks again and again."""
        return self.about["mode"] in {"Continuous", "OnChaos"}

    def missing(self) -> Iterator[str]:
        """Say where it should have looked and did not."""
        seen = {look.data["phase"] for look in self.looks}
        for phase in PHASES[self.about["mode"]]:
            if phase not in seen:
                yield f"{self.about['name']} did not look {phase} the chaos"
        if not self.looks_throughout:
            return
        allowed = self.about["every_s"] + max(_LEAST_HOLE_S, self.about["every_s"])
        for a, b in pairwise(self.looks):
            idle = (b.at - a.at).total_seconds() - a.data["took_s"]
            if idle > allowed:
                since = f"{format_duration(idle)} from {clock_time(a.at)} on"
                yield f"{self.about['name']} did not look for {since}"

    def first_failure(self) -> str:
        """Say when it failed first, and how."""
        first = self.failed[0]
        return (
            f"{self.about['name']} failed {first.data['phase']} the chaos, at {clock_time(first.at)}: "
            f"{first.data['said']} after {first.data['attempts']} attempts"
        )

    def line(self) -> str:
        """Sum it up."""
        good = len(self.looks) - len(self.failed)
        where = "" if self.about["url"] == self.about["asked_at"] else f", asked at {self.about['asked_at']}"
        return (
            f"{self.about['name']} ({self.about['mode']}, {self.about['tolerance']}): "
            f"{good} of {len(self.looks)} looks good{where}"
        )


def _landed(run: Sequence[Event]) -> list[str]:
    return sorted({event.data["fault_id"] for event in run if event.kind == "landed"})


def _lines(run: Sequence[Event], probes: Sequence[_Probe], own: Sequence[Event]) -> Iterator[str]:
    if probes:
        passed = sum(1 for probe in probes if not probe.failed)
        yield f"probe success percentage: {100 * passed / len(probes):.0f} %"
    yield from (probe.line() for probe in probes)
    for event in own:
        took = format_duration(event.data["took_s"])
        yield f"{event.subject}, {event.data['phase']} the chaos: {event.data['said']} after {took}"
    yield f"{len(_landed(run))} faults landed"
    if run[-1].data["stopped_by"]:
        yield f"stopped by {run[-1].data['stopped_by']}"
