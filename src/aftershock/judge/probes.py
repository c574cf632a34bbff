"""What the client's probes say: holes in them, failures, outages.

A probe that was due at t and failed shows the service down from t on: it went down at some time
between the probe before and the answer that says so. It is up again when the first good answer
has arrived.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime
from itertools import pairwise

from aftershock.judge.episodes import Change
from aftershock.judge.record import Instant, clock_time
from aftershock.timeline import Event

__all__ = ["failing_at", "outage_changes", "probe_holes", "probes_within"]

_MISSED = 3.0
"""More than this many periods without a probe is a hole."""
_LEAST_HOLE_S = 0.5
_SILENCE = "timeout"


def probes_within(events: Iterable[Event], *, url: str, since: datetime, until: datetime) -> list[Event]:
    """Return the probes of `url` that were due in that time, in order of when they were due."""
    found = (
        event
        for event in events
        if event.source == "client"
        and event.kind == "probe"
        and event.subject == url
        and since <= event.at <= until
    )
    return sorted(found, key=lambda event: event.at)


def probe_holes(events: Sequence[Event], *, url: str, since: datetime, until: datetime) -> list[str]:
    """Say where `since` … `until` has no probes of `url`, in one line each."""
    period, slowest = _pace(events, url)
    allowed = max(_LEAST_HOLE_S, _MISSED * period)
    times = [probe.at for probe in probes_within(events, url=url, since=since, until=until)]
    if not times:
        return [f"no probe of {url} from {clock_time(since)} to {clock_time(until)}"]
    # The last probes may still be on their way when the record ends.
    edges = [since, *times]
    holes = [(a, b) for a, b in pairwise(edges) if (b - a).total_seconds() > allowed]
    if (until - times[-1]).total_seconds() > allowed + slowest:
        holes.append((times[-1], until))
    return [f"no probe of {url} from {clock_time(a)} to {clock_time(b)}" for a, b in holes]


def outage_changes(events: Iterable[Event], *, url: str, since: datetime, until: datetime) -> list[Change]:
    """Turn the probes of `url` into changes of health."""
    return [_change(probe) for probe in probes_within(events, url=url, since=since, until=until)]


def failing_at(events: Iterable[Event], *, url: str, at: datetime) -> bool:
    """Whether the last probe of `url` before `at` failed; no probe is no failure."""
    earlier = [event for event in events if event.kind == "probe" and event.subject == url and event.at < at]
    return bool(earlier) and not max(earlier, key=lambda event: event.at).data["ok"]


def _change(probe: Event) -> Change:
    took = probe.data["ms"] / 1000
    if probe.data["ok"]:
        # Up at some time between the probe before and this answer.
        return Change(
            when=Instant.of(probe).plus(took, resolution_s=probe.resolution_s + took),
            healthy=True,
            note=f"answered {probe.data['status']}",
        )
    said = probe.data.get("error") or f"status {probe.data.get('status')}"
    # A slow no may have become one after it was asked. Silence has no such time: it is the outage.
    until = 0.0 if said == _SILENCE else took
    return Change(
        when=Instant.of(probe).plus(0.0, resolution_s=probe.resolution_s + until), healthy=False, note=said
    )


def _pace(events: Iterable[Event], url: str) -> tuple[float, float]:
    """Seconds between probes and the longest that one may take, as the probe announced them."""
    for event in events:
        if event.kind == "probing" and event.subject == url and event.data["state"] == "started":
            return 1.0 / event.data["rate"], event.data["timeout_s"]
    return 0.0, 0.0
