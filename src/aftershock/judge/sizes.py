"""How many replicas an HPA asked for, and when: enough, not too many, back again, without flapping."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import pairwise
from typing import Any

from aftershock.clock import format_duration
from aftershock.judge.hpa_spec import read_spec
from aftershock.judge.record import Instant, clock_time, end_of, gaps_within, within_bound
from aftershock.judge.scaling_troubles import troubles
from aftershock.timeline import Event
from aftershock.verdict import Verdict, met, unknown, violated

__all__ = ["not_flapping", "returned_to", "scaled_to_at_least", "stayed_at_most"]


@dataclass(frozen=True, kw_only=True)
class _Course:
    """What was wanted of the HPA's target from `since` to `end`: (when, replicas), the first at `since`."""

    hpa: str
    since: datetime
    end: datetime
    sizes: tuple[tuple[Instant, int], ...]
    spec: Any
    trouble: str
    holes: tuple[str, ...]

    def __str__(self) -> str:
        return " → ".join(str(size) for _, size in self.sizes)

    def lines(self) -> tuple[str, ...]:
        """Return each size with its time, counted from the beginning."""
        moved = [
            f"{size} replicas from {clock_time(when.at)} on ({self.after(when):.1f} s after the start)"
            for when, size in self.sizes
        ]
        return (*moved, *([f"trouble: {self.trouble}"] if self.trouble else []))

    def after(self, when: Instant) -> float:
        """Return the seconds from the beginning to `when`."""
        return max(0.0, (when.at - self.since).total_seconds())

    def because(self, otherwise: str) -> str:
        """Return `otherwise`, with what was wrong with the HPA if something was."""
        return f"{otherwise}: {self.trouble}" if self.trouble else otherwise


def scaled_to_at_least(
    events: Iterable[Event], *, hpa: str, replicas: int, within_s: float, since: datetime
) -> Verdict:
    """Judge whether `hpa` ("hpa/NS/NAME") asked for so many replicas within `within_s` of `since`."""
    name = f"{hpa} scales to at least {replicas} within {format_duration(within_s)}"
    details = _details(hpa, f"at least {replicas} replicas wanted within {format_duration(within_s)}")
    course = _course(list(events), hpa, since)
    if isinstance(course, str):
        return unknown(name, reason=course, **details)
    details["evidence"] = course.lines()
    first = next((when for when, size in course.sizes if size >= replicas), None)
    if first is not None and first is course.sizes[0][0]:
        return unknown(name, observed=str(course), reason="so many were wanted from the start", **details)
    if first is not None:
        took, error_s = course.after(first), first.resolution_s
        return within_bound(name, observed=took, limit_s=within_s, resolution_s=error_s, **details)
    if course.holes:
        return unknown(name, observed=str(course), reason=course.holes[0], **details)
    if (course.end - since).total_seconds() <= within_s:
        return unknown(name, observed=str(course), reason="the record ends before its time was up", **details)
    most = max(size for _, size in course.sizes)
    reason = course.because(f"it asked for {most} at most")
    return violated(name, observed=str(course), reason=reason, unit="replicas", **details)


def stayed_at_most(
    events: Iterable[Event], *, hpa: str, replicas: int, since: datetime, until: datetime | None = None
) -> Verdict:
    """Judge whether never more than `replicas` were wanted from `since` on."""
    name = f"{hpa} does not go above {replicas}"
    details = _details(hpa, f"never more than {replicas} replicas wanted") | {"unit": "replicas"}
    course = _course(list(events), hpa, since, until)
    if isinstance(course, str):
        return unknown(name, reason=course, **details)
    details |= {"evidence": course.lines(), "observed": str(course)}
    above = [(when, size) for when, size in course.sizes if size > replicas]
    if above:
        when, size = above[0]
        return violated(name, reason=f"{size} from {clock_time(when.at)} on", **details)
    if course.holes:
        return unknown(name, reason=course.holes[0], **details)
    return met(name, **details)


def returned_to(
    events: Iterable[Event], *, hpa: str, replicas: int, within_s: float, since: datetime
) -> Verdict:
    """Judge whether `hpa` came back to `replicas` within `within_s` of `since`, the end of the load.

    To the beginning of the time for which it then stayed there, to the end of the record.
    """
    name = f"{hpa} returns to {replicas} within {format_duration(within_s)}"
    details = _details(hpa, f"{replicas} replicas wanted again within {format_duration(within_s)}")
    course = _course(list(events), hpa, since)
    if isinstance(course, str):
        return unknown(name, reason=course, **details)
    details["evidence"] = course.lines()
    when, size = course.sizes[-1]
    if len(course.sizes) == 1 and size == replicas:
        reason = f"it was at {replicas} when the load ended: nothing had to return"
        return unknown(name, observed=str(course), reason=reason, **details)
    if course.holes:
        return unknown(name, observed=str(course), reason=course.holes[0], **details)
    if size == replicas:
        took, error_s = course.after(when), when.resolution_s
        return within_bound(name, observed=took, limit_s=within_s, resolution_s=error_s, **details)
    if (course.end - since).total_seconds() <= within_s:
        return unknown(name, observed=str(course), reason="the record ends before its time was up", **details)
    reason = course.because(f"it is still at {size}")
    return violated(name, observed=str(course), reason=reason, unit="replicas", **details)


def not_flapping(
    events: Iterable[Event], *, hpa: str, since: datetime, until: datetime | None = None
) -> Verdict:
    """Judge whether no resize was turned back within the HPA's longer stabilisation window."""
    name = f"{hpa} does not flap"
    details = _details(hpa, "no resize is turned back within the stabilisation window")
    course = _course(list(events), hpa, since, until)
    if isinstance(course, str):
        return unknown(name, reason=course, **details)
    behaviour = course.spec.behaviour
    window_s = max(behaviour.up.window_s, behaviour.down.window_s)
    details |= {
        "expected": f"{details['expected']} of {format_duration(window_s)}",
        "evidence": course.lines(),
        "observed": str(course),
        "unit": "replicas",
    }
    moves = [(when, after - before) for (_, before), (when, after) in pairwise(course.sizes)]
    for (earlier, first), (later, second) in pairwise(moves):
        apart = (later.at - earlier.at).total_seconds()
        if first * second < 0 and apart < window_s:
            reason = f"{first:+d} at {clock_time(earlier.at)}, {second:+d} only {apart:.1f} s later"
            return violated(name, reason=reason, **details)
    if course.holes:
        return unknown(name, reason=course.holes[0], **details)
    if not moves:
        return unknown(name, reason=course.because("nothing was resized"), **details)
    return met(name, **details)


def _details(hpa: str, expected: str) -> dict[str, Any]:
    query = f"watch horizontalpodautoscalers, deployments -n {hpa.split('/')[1]}"
    return {"expected": expected, "query": query}


def _course(
    record: Sequence[Event], hpa: str, since: datetime, until: datetime | None = None
) -> _Course | str:
    """Return what was wanted since then; a text says why that is not known."""
    namespace = hpa.split("/")[1]
    told = [event for event in record if event.kind == "hpa" and event.subject == hpa]
    if not told:
        return f"the record does not show {hpa}"
    workload = told[-1].data["target"]
    last = end_of(record, observer=("watching", f"deployment/{namespace}"))
    end = min(filter(None, (last.at if last else since, until)))
    sizes: list[tuple[Instant, int]] = []
    for event in record:
        if event.kind != "deployment" or event.subject != workload or event.at > end:
            continue
        size = int(event.data["replicas"])
        if event.at <= since:
            sizes = [(Instant(at=since), size)]
        elif not sizes or sizes[-1][1] != size:
            sizes.append((Instant.of(event), size))
    found = troubles(record, hpa=hpa, since=since, until=end)
    if not sizes or sizes[0][0].at != since:
        why = f": {found[0].text}" if found else ""
        return f"the record does not show {workload} at {clock_time(since)}{why}"
    return _Course(
        hpa=hpa,
        since=since,
        end=end,
        sizes=tuple(sizes),
        spec=read_spec(told[-1].data),
        trouble=str(found[0]) if found else "",
        holes=tuple(
            gaps_within(record, resources=("hpa", "deployment"), since=since, until=end, namespace=namespace)
        ),
    )
