"""One degradation by three clocks: Kubernetes' watches, the client's probes, Prometheus' samples.

Each line of evidence says how long it took by that clock, how exactly that is known, and
when it began and ended after the injection.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime, timedelta
from itertools import pairwise
from statistics import median
from typing import Any

from aftershock.clock import from_rfc3339
from aftershock.judge.episodes import Change, Episode, find_episodes
from aftershock.judge.probes import failing_at, outage_changes, probe_holes, probes_within
from aftershock.judge.record import Instant, clock_time, elapsed
from aftershock.timeline import Event

__all__ = ["client_lines", "episode_line", "prometheus_lines"]


def episode_line(clock: str, episode: Episode, start: Instant) -> str:
    """Return `episode` as evidence; `clock` is whose it is, `start` the injection."""
    begin = (
        f"degraded {clock_time(episode.begin.when.at)} ({episode.begin.note}), "
        f"{elapsed(start, episode.begin.when):.3f} s after the injection"
    )
    if episode.end is None or episode.duration_s is None:
        return f"{clock} clock: {begin}; not recovered in the record"
    took = f"{episode.duration_s:.3f} s ± {episode.resolution_s:.3f} s"
    lasting = "" if episode.confirmed else ", not confirmed"
    return (
        f"{clock} clock: {took}; {begin}; healthy {clock_time(episode.end.when.at)} "
        f"({episode.end.note}), {elapsed(start, episode.end.when):.3f} s after the injection{lasting}"
    )


def client_lines(
    record: Sequence[Event], url: str, start: Instant, end: Instant, confirm_s: float
) -> list[str]:
    """Return what the probes of `url` say of the time from `start` to `end`."""
    clock = "client's"
    holes = probe_holes(record, url=url, since=start.at, until=end.at)
    if holes:
        return [f"{clock} clock: {holes[0]}"]
    if failing_at(record, url=url, at=start.at):
        return [f"{clock} clock: not known, the probe of {url} failed already before the injection"]
    changes = outage_changes(record, url=url, since=start.at, until=end.at)
    episodes = find_episodes(changes, until=end, confirm_s=confirm_s)
    if not episodes:
        pace = max(
            probe.resolution_s for probe in probes_within(record, url=url, since=start.at, until=end.at)
        )
        return [f"{clock} clock: no failed probe of {url}; never more than {pace:.3f} s between two"]
    return [episode_line(clock, episode, start) for episode in episodes]


def prometheus_lines(
    record: Sequence[Event], workload: str, start: Instant, end: Instant, confirm_s: float
) -> list[str]:
    """Return what Prometheus' raw samples of the workload's Ready pods say; nothing if it was not asked.

    A sample tells of the time since the one before it, so the resolution is the scrape
    interval (as it really was) and the error of its clock.
    """
    clock = "Prometheus'"
    looks = [event for event in record if event.kind == "ready-replicas" and event.subject == workload]
    if not looks:
        return []
    look = looks[-1]
    if look.data["problem"]:
        return [f"{clock} clock: not known, {look.data['problem']}"]
    if any(sample["ready"] is None or sample["wanted"] is None for sample in look.data["samples"]):
        return [f"{clock} clock: not known, a sample is not a number"]
    states = list(_states(look))
    before = [wanted for when, _, wanted in states if when.at < start.at]
    during = [state for state in states if start.at <= state[0].at <= end.at]
    if not before or not during:
        return [f"{clock} clock: not known, it has no samples of {workload} around the injection"]
    changes = [
        Change(
            when=when,
            healthy=ready >= min(wanted, before[-1]),
            note=f"{ready:g} of {min(wanted, before[-1]):g} ready",
        )
        for when, ready, wanted in during
    ]
    episodes = find_episodes(changes, until=during[-1][0], confirm_s=confirm_s)
    if not episodes:
        pace = median(when.resolution_s for when, _, _ in during)
        return [f"{clock} clock: no sample shows it; one every {pace:.1f} s"]
    return [episode_line(clock, episode, start) for episode in episodes]


def _states(look: Event) -> Iterator[tuple[Instant, float, float]]:
    """Yield (when by our clock, ready, wanted) for each sample but the first, whose past is not known."""
    samples: Iterable[Any] = look.data["samples"]
    for earlier, later in pairwise(samples):
        at = from_rfc3339(later["at"])
        since = (at - from_rfc3339(earlier["at"])).total_seconds()
        ours: datetime = at - timedelta(seconds=look.data["offset_s"])
        when = Instant(at=ours, resolution_s=since + look.resolution_s)
        yield when, float(later["ready"]), float(later["wanted"])
