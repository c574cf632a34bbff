"""Whether it recovered in time: from the first degradation to the first instant of the healthy streak.

Three clocks: Kubernetes' (pods owned by the workload, at the receipt of the watch event), the
client's (probes) and Prometheus' (raw samples); the others stand beside the one that is
judged, as evidence. A workload is degraded while fewer of its own pods are Ready than are
wanted, and when a container restarted, even if its pod never showed as unready.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from aftershock.clock import format_duration
from aftershock.judge.clocks import client_lines, episode_line, prometheus_lines
from aftershock.judge.episodes import Change, Episode, find_episodes
from aftershock.judge.probes import failing_at, outage_changes, probe_holes
from aftershock.judge.record import (
    Instant,
    clock_jumps,
    effect_end,
    elapsed,
    end_of,
    gaps_within,
    injection,
    not_landed,
    within_bound,
)
from aftershock.judge.workload_health import workload_changes
from aftershock.timeline import Event
from aftershock.verdict import Verdict, met, unknown, violated

__all__ = ["CONFIRM_S", "recovered_within", "service_recovered_within"]

CONFIRM_S = 3.0
"""How long health must last to count: a readiness probe of the stack's workloads has failed by then."""


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
    injection. With `url` the client's figure is given beside it, and Prometheus' where the
    record has its samples. Of several degradations the longest counts, and the last one must
    have ended. A fault without proof that it landed makes it unknown. After a fault that
    lasts it is counted from the fault's end: while it was in effect there was nothing to
    recover to.
    """
    record = list(events)
    namespace = workload.split("/")[1]
    question = _Question(
        clock="Kubernetes'",
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
    holes = not_landed(record) + gaps_within(
        record,
        resources=("pod", "deployment", "replicaset"),
        since=start.at,
        until=end.at,
        namespace=namespace,
    )
    if holes:
        return question.unanswered(*holes)
    before, changes = workload_changes(record, workload, start, end, wanted)
    if before is None:
        return question.unanswered(
            f"the record before the injection does not show {workload} and how many replicas it wants"
        )
    if not before.healthy:
        return question.unanswered(f"it was not healthy before the injection: {before.note}")
    others = client_lines(record, url, start, end, confirm_s) if url else []
    others += prometheus_lines(record, workload, start, end, confirm_s)
    return question.answer(record, changes, start, end, extra=others)


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
        clock="client's",
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
    holes = not_landed(record) + clock_jumps(record, since=start.at)
    holes += probe_holes(record, url=url, since=start.at, until=end.at)
    if holes:
        return question.unanswered(*holes)
    if failing_at(record, url=url, at=start.at):
        return question.unanswered("the probe failed already before the injection")
    changes = outage_changes(record, url=url, since=start.at, until=end.at)
    return question.answer(record, changes, start, end)


@dataclass(frozen=True, kw_only=True)
class _Question:
    """What is asked of a recovery, by whatever clock."""

    clock: str
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
        self,
        record: Sequence[Event],
        changes: Sequence[Change],
        start: Instant,
        end: Instant,
        *,
        extra: Sequence[str] = (),
    ) -> Verdict:
        """Judge the changes of health since `start`."""
        try:
            over = effect_end(record)
        except LookupError as error:
            return self.unanswered(str(error.args[0]), *extra)
        episodes = find_episodes(changes, until=end, confirm_s=self.confirm_s)
        if over is not None:
            episodes = [episode.counted_from(over) for episode in episodes]
        details: dict[str, Any] = {
            "expected": self.expected,
            "query": self.query,
            "evidence": (*(episode_line(self.clock, episode, start) for episode in episodes), *extra),
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
