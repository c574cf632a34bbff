"""Whether it recovered in time: from the first degradation to the first instant of the healthy streak.

Two clocks: Kubernetes' (pods owned by the workload, at the receipt of the watch event) and
the client's (probes). A workload is degraded while fewer of its own pods are Ready than are
wanted, and when a container restarted, even if its pod never showed as unready.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from aftershock.clock import format_duration, from_rfc3339
from aftershock.judge.episodes import Change, Episode, find_episodes
from aftershock.judge.probes import failing_at, outage_changes, probe_holes
from aftershock.judge.record import Instant, clock_time, elapsed, end_of, gaps_within, injection, within_bound
from aftershock.judge.world import Owners, World, healthy, replay
from aftershock.timeline import Event
from aftershock.verdict import Verdict, met, unknown, violated

__all__ = ["CONFIRM_S", "recovered_within", "service_recovered_within"]

CONFIRM_S = 3.0
"""How long health must last to count: a readiness probe of the stack's workloads has failed by then."""

_API_SECOND = 1.0  # the API's own times are whole seconds, cut off


def recovered_within(
    events: Iterable[Event],
    *,
    workload: str,
    within_s: float,
    wanted: int | None = None,
    since: datetime | None = None,
    until: datetime | None = None,
    confirm_s: float = CONFIRM_S,
    expect_impact: bool = True,
    url: str | None = None,
) -> Verdict:
    """Judge the recovery of `workload` ("deployment/NS/NAME") by Kubernetes' clock.

    `wanted` is the number of Ready pods that make it healthy; by default what the deployment
    asked for at `since`, or less if it was scaled down after. `since` defaults to the
    injection. With `url` the client's figure is given beside it. Of several degradations the
    longest counts, and the last one must have ended.
    """
    record = list(events)
    namespace = workload.split("/")[1]
    question = _Question(
        name=f"{workload} recovers within {format_duration(within_s)}",
        what="Ready again",
        query=f"watch pods -n {namespace}; owned by {workload}",
        within_s=within_s,
        confirm_s=confirm_s,
        expect_impact=expect_impact,
    )
    start, end = _window(record, since, until, ("watching", f"pod/{namespace}"))
    if start is None or end is None:
        return question.unanswered("the record shows no injection to count from")
    holes = gaps_within(
        record,
        resources=("pod", "deployment", "replicaset"),
        since=start.at,
        until=end.at,
        namespace=namespace,
    )
    if holes:
        return question.unanswered(*holes)
    before, changes = _workload_changes(record, workload, start, end, wanted)
    if before is None:
        return question.unanswered(
            f"the record before the injection does not show {workload} and how many replicas it wants"
        )
    if not before.healthy:
        return question.unanswered(f"it was not healthy before the injection: {before.note}")
    client = _client_lines(record, url, start, end, confirm_s) if url else []
    return question.answer(changes, start, end, extra=client)


def service_recovered_within(
    events: Iterable[Event],
    *,
    url: str,
    within_s: float,
    since: datetime | None = None,
    until: datetime | None = None,
    confirm_s: float = CONFIRM_S,
    expect_impact: bool = True,
) -> Verdict:
    """Judge the recovery of what answers at `url` by the client's clock (its probes)."""
    record = list(events)
    question = _Question(
        name=f"{url} answers again within {format_duration(within_s)}",
        what="answering again",
        query=f"GET {url}",
        within_s=within_s,
        confirm_s=confirm_s,
        expect_impact=expect_impact,
    )
    start, end = _window(record, since, until, ("probing", url))
    if start is None or end is None:
        return question.unanswered("the record shows no injection to count from")
    holes = probe_holes(record, url=url, since=start.at, until=end.at)
    if holes:
        return question.unanswered(*holes)
    if failing_at(record, url=url, at=start.at):
        return question.unanswered("the probe failed already before the injection")
    return question.answer(outage_changes(record, url=url, since=start.at, until=end.at), start, end)


@dataclass(frozen=True, kw_only=True)
class _Question:
    """What is asked of a recovery, by whatever clock."""

    name: str
    what: str
    query: str
    within_s: float
    confirm_s: float
    expect_impact: bool

    @property
    def expected(self) -> str:
        limit = format_duration(self.within_s)
        if not self.expect_impact:
            return f"no degradation, or one of at most {limit}"
        return f"{self.what} within {limit} of the first degradation, for {self.confirm_s:g} s"

    def unanswered(self, reason: str, *others: str) -> Verdict:
        """Say that the record does not allow an answer."""
        return unknown(
            self.name, expected=self.expected, reason=reason, evidence=(reason, *others), query=self.query
        )

    def answer(
        self, changes: Sequence[Change], start: Instant, end: Instant, *, extra: Sequence[str] = ()
    ) -> Verdict:
        """Judge the changes of health since `start`."""
        episodes = find_episodes(changes, until=end, confirm_s=self.confirm_s)
        details: dict[str, Any] = {
            "expected": self.expected,
            "query": self.query,
            "evidence": (*(_episode_line(episode, start) for episode in episodes), *extra),
        }
        if not episodes:
            return self._no_impact(details)
        if not episodes[-1].confirmed:
            return self._not_recovered(episodes[-1], end, details)
        worst = max(episodes, key=lambda episode: episode.duration_s or 0.0)
        return within_bound(
            self.name,
            observed=worst.duration_s or 0.0,
            limit_s=self.within_s,
            resolution_s=worst.resolution_s,
            **details,
        )

    def _no_impact(self, details: dict[str, Any]) -> Verdict:
        seen = "no impact seen"
        if self.expect_impact:
            reason = f"{seen}: there was nothing to recover from"
            return unknown(self.name, observed=seen, reason=reason, **details)
        return met(self.name, observed=seen, **details)

    def _not_recovered(self, episode: Episode, end: Instant, details: dict[str, Any]) -> Verdict:
        """Judge a degradation whose end is not confirmed: violated only if it is too late already."""
        until = episode.end.when if episode.end else end
        so_far = elapsed(episode.begin.when, until)
        if so_far - episode.resolution_s > self.within_s:
            reason = f"not recovered {format_duration(so_far)} after the first degradation"
            return violated(self.name, observed=reason, reason=reason, **details)
        reason = f"the record ends before health had lasted for {self.confirm_s:g} s"
        return unknown(self.name, reason=reason, **details)


def _window(
    record: Sequence[Event], since: datetime | None, until: datetime | None, observer: tuple[str, str]
) -> tuple[Instant | None, Instant | None]:
    start = Instant(at=since) if since else injection(record)
    last = end_of(record, observer=observer)
    if last and until and until < last.at:
        last = Instant(at=until)
    return start, last


def _episode_line(episode: Episode, start: Instant) -> str:
    begin = f"degraded {clock_time(episode.begin.when.at)} ({episode.begin.note})"
    after = f"{elapsed(start, episode.begin.when):.3f} s after the injection"
    if episode.end is None:
        return f"{begin}, {after}; not recovered in the record"
    whole = f"{elapsed(start, episode.end.when):.3f} s after the injection"
    lasting = "" if episode.confirmed else ", not confirmed"
    return (
        f"{begin}, {after}; healthy {clock_time(episode.end.when.at)} ({episode.end.note}), {whole}{lasting}"
    )


def _client_lines(
    record: Sequence[Event], url: str, start: Instant, end: Instant, confirm_s: float
) -> list[str]:
    holes = probe_holes(record, url=url, since=start.at, until=end.at)
    if holes:
        return [f"client's clock: {holes[0]}"]
    changes = outage_changes(record, url=url, since=start.at, until=end.at)
    episodes = find_episodes(changes, until=end, confirm_s=confirm_s)
    if not episodes:
        return [f"client's clock: no failed probe of {url}"]
    return [f"client's clock: {_episode_line(episode, start)}" for episode in episodes]


def _workload_changes(
    record: Sequence[Event], workload: str, start: Instant, end: Instant, wanted: int | None
) -> tuple[Change | None, list[Change]]:
    """Return the state before `start` (None if not known) and every change after it."""
    tracker = _Tracker(workload, Owners(record), start, wanted)
    before: Change | None = None
    after: list[Change] = []
    for event, world in replay(record):
        if event.at > end.at:
            break
        if event.kind not in {"pod", "deployment"}:
            continue
        seen = tracker.look(event, world)
        if event.at >= start.at:
            after += seen
        elif seen:
            before = seen[-1]
    return before, after


class _Tracker:
    """Follows the health of one workload through a replay."""

    def __init__(self, workload: str, owners: Owners, start: Instant, wanted: int | None) -> None:
        self._workload = workload
        self._owners = owners
        self._start = start
        self._wanted = wanted
        self._asked: int | None = None  # what the deployment asked for when the fault came
        self._restarts: dict[str, int] = {}
        self._was_healthy = False

    def look(self, event: Event, world: World) -> list[Change]:
        """Return what `event` says of the workload's health; nothing while its size is not known."""
        need = self._need(event, world)
        restarted = self._restarted(event)
        if need is None:
            return []
        own = [pod for pod in world.all("pod") if self._owners.workload(pod) == self._workload]
        ready = sum(1 for pod in own if healthy(pod))
        now = Change(when=Instant.of(event), healthy=ready >= need, note=f"{ready} of {need} ready")
        masked = restarted and self._was_healthy and now.healthy
        self._was_healthy = now.healthy
        if not masked:
            return [now]
        death = Change(
            when=_death(event, self._start),
            healthy=False,
            note=f"a container of {event.data['name']} restarted; the pod never showed as unready",
        )
        return [death, now]

    def _need(self, event: Event, world: World) -> int | None:
        if self._wanted is not None:
            return self._wanted
        deployment = world.get("deployment", self._workload)
        if deployment is None:
            return self._asked
        now = int(deployment["replicas"])
        if self._asked is None or event.at < self._start.at:
            self._asked = now
        # An autoscaler that asks for more is no damage; one that asks for less lowers the bar.
        return min(now, self._asked)

    def _restarted(self, event: Event) -> bool:
        pod = event.data
        if event.kind != "pod" or self._owners.workload(pod) != self._workload:
            return False
        total = sum(container["restarts"] for container in pod["containers"])
        before = self._restarts.get(pod["uid"], total)
        self._restarts[pod["uid"]] = total
        return bool(total > before)


def _death(event: Event, start: Instant) -> Instant:
    """When the container died, by its own status (a whole second, cut off); not before the injection."""
    receipt = Instant.of(event)
    finished = [
        from_rfc3339(container["last"]["finished_at"])
        for container in event.data["containers"]
        if container["last"] and container["last"]["finished_at"]
    ]
    if not finished:
        return receipt
    earlier = (event.at - max(*finished, start.at)).total_seconds()
    return receipt.plus(-max(0.0, earlier), resolution_s=_API_SECOND)
