"""Reading a record: instants and their errors, gaps, the comparison with a bound.

What all judges share and nothing about any one of them.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import pairwise
from typing import Any

from aftershock.clock import format_duration, from_rfc3339
from aftershock.timeline import Event
from aftershock.verdict import Verdict, met, unknown, violated

__all__ = [
    "Instant",
    "beginning",
    "clock_jumps",
    "clock_time",
    "effect_end",
    "elapsed",
    "end_of",
    "gaps_within",
    "injection",
    "not_landed",
    "within_bound",
]

_JUMP_S = 0.5
"""From one event to the next, wall and monotonic time differ by microseconds; else the wall clock was set."""


@dataclass(frozen=True, kw_only=True)
class Instant:
    """A point in time: wall clock, this machine's monotonic seconds if known, largest error in seconds."""

    at: datetime
    mono: float | None = None
    resolution_s: float = 0.0

    @classmethod
    def of(cls, event: Event) -> Instant:
        """When `event` was."""
        return cls(at=event.at, mono=event.mono, resolution_s=event.resolution_s)

    def plus(self, seconds: float, *, resolution_s: float | None = None) -> Instant:
        """Return the instant `seconds` later, by both clocks."""
        return Instant(
            at=self.at + timedelta(seconds=seconds),
            mono=None if self.mono is None else self.mono + seconds,
            resolution_s=self.resolution_s if resolution_s is None else resolution_s,
        )


def elapsed(start: Instant, end: Instant) -> float:
    """Seconds from `start` to `end`: monotonic where both have it, else by the wall."""
    if start.mono is not None and end.mono is not None:
        return end.mono - start.mono
    return (end.at - start.at).total_seconds()


def clock_time(at: datetime) -> str:
    """`at` for an evidence line: 10:00:00.123."""
    return at.strftime("%H:%M:%S.") + f"{at.microsecond // 1000:03d}"


def end_of(events: Sequence[Event], *, observer: tuple[str, str] | None = None) -> Instant | None:
    """When the record ends: the latest event by this machine's clocks; None for an empty record.

    With `observer` (as ("watching", "pod/NS")) it ends where that observer was stopped, if
    it was: what came later, it could not see.
    """
    own = [event for event in events if event.mono is not None]
    if not own:
        return None
    last = max(own, key=lambda event: event.at)
    states = [event for event in own if (event.kind, event.subject) == observer]
    return Instant.of(states[-1] if states and states[-1].data["state"] == "stopped" else last)


def injection(events: Iterable[Event], *, subject: str | None = None) -> Instant | None:
    """Return the first instant at which the harness may have acted (on `subject`, if given).

    That is when it began to act, where it said so; the act may well show before it returns.
    """
    for event in events:
        acts = event.source == "harness" and event.kind in {"injecting", "injected"}
        if acts and subject in {None, event.subject}:
            return Instant.of(event)
    return None


def beginning(events: Iterable[Event]) -> Instant | None:
    """Return what is counted from: the injection, or where the harness injected nothing, the first load."""
    record = list(events)
    loads = (Instant.of(event) for event in record if event.kind == "load-started")
    return injection(record) or next(loads, None)


def effect_end(events: Iterable[Event]) -> Instant | None:
    """Return when the last of the faults that last was over; None if there is none of the kind.

    It ended between the harness' first attempt to take it back (or its own expiry, if that
    came first) and the proof that nothing is left: the earlier is the instant, the difference
    its error.

    Raises:
        LookupError: one is still in effect as far as the record tells.

    """
    lasting: dict[str, datetime] = {}
    undoing: dict[str, Event] = {}
    ends: dict[str, Instant] = {}
    for event in events:
        fault = str(event.data.get("fault_id", ""))
        if event.source != "harness":
            continue
        if event.kind == "planned" and event.data.get("lasts_until"):
            lasting[fault] = from_rfc3339(event.data["lasts_until"])
        elif event.kind == "undoing":
            undoing.setdefault(fault, event)
        elif event.kind == "undone" and fault in lasting and fault in undoing:
            begun = Instant.of(undoing[fault])
            early = begun.plus(min(0.0, (lasting[fault] - begun.at).total_seconds()))
            ends.setdefault(fault, early.plus(0.0, resolution_s=elapsed(early, Instant.of(event))))
    open_ones = lasting.keys() - ends.keys()
    if open_ones:
        names = ", ".join(sorted(open_ones))
        raise LookupError(f'{names} is still in effect: put "When the fault is over" before this step')
    return max(ends.values(), key=lambda end: end.at, default=None)


def not_landed(events: Iterable[Event]) -> list[str]:
    """Say in one line each which faults were injected without proof that they landed."""
    acted: dict[str, Event] = {}
    for event in events:
        if event.source == "harness" and event.kind in {"injecting", "injected", "landed"}:
            fault = str(event.data.get("fault_id", event.subject))
            if event.kind == "landed":
                acted.pop(fault, None)
            else:
                acted.setdefault(fault, event)
    return [f"there is no proof that the fault on {event.subject} landed" for event in acted.values()]


def clock_jumps(events: Iterable[Event], *, since: datetime) -> list[str]:
    """Say in one line each where this machine's wall clock was set, from `since` on.

    Times by the wall on both sides of such a jump cannot be compared.
    """
    own = [event for event in events if event.mono is not None]
    jumps = []
    for earlier, later in pairwise(own):
        passed = (later.mono or 0.0) - (earlier.mono or 0.0)
        jump = (later.at - earlier.at).total_seconds() - passed
        if abs(jump) > _JUMP_S and max(earlier.at, later.at) >= since:
            jumps.append(
                f"this machine's clock was set by {jump:+.1f} s, from {clock_time(earlier.at)} "
                f"to {clock_time(later.at)}"
            )
    return jumps


def gaps_within(
    events: Sequence[Event],
    *,
    resources: Iterable[str],
    since: datetime,
    until: datetime,
    namespace: str | None = None,
) -> list[str]:
    """Say in one line each which parts of `since` … `until` nothing is known of, for those resources.

    Where this machine's clock was set, nothing can be put in order.
    """
    wanted = set(resources)
    lines = clock_jumps(events, since=since)
    for event in events:
        data = event.data
        if event.kind != "gap" or data["resource"] not in wanted:
            continue
        if namespace is not None and data["namespace"] not in {"", namespace}:
            continue
        start = from_rfc3339(data["from"])
        end = from_rfc3339(data["until"]) if data["until"] else None
        if start <= until and (end is None or end >= since):
            shown = clock_time(end) if end else "the end"
            lines.append(
                f"nothing is known of {event.subject} from {clock_time(start)} to {shown}: {data['reason']}"
            )
    return lines


def within_bound(
    name: str, *, observed: float, limit_s: float, resolution_s: float, expected: str, **details: Any
) -> Verdict:
    """Compare a duration with its bound; unknown where the margin is not above the resolution."""
    shown = {"observed": round(observed, 3), "unit": "s", "resolution_s": round(resolution_s, 3), **details}
    if resolution_s > 0 and abs(observed - limit_s) <= resolution_s:
        reason = (
            f"{format_duration(observed)} is within the error of {format_duration(resolution_s)} "
            f"of the bound {format_duration(limit_s)}"
        )
        return unknown(name, expected=expected, reason=reason, **shown)
    if observed <= limit_s:
        return met(name, expected=expected, **shown)
    reason = f"{format_duration(observed - limit_s)} too late"
    return violated(name, expected=expected, reason=reason, **shown)
