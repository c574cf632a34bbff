"""Signals flipped at random instants; the forecast of each, and when its alert really fired."""

from __future__ import annotations

import random
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from aftershock.clock import SystemClock, from_rfc3339, pause
from aftershock.forecast.alerts import AlertPath, Firing, firing
from aftershock.forecast.paths import alert_paths
from aftershock.observe.alerts import spans_of
from aftershock.observe.cadence import read_cadence
from aftershock.observe.prometheus import Prometheus
from benchmarks.forecast.exporting import Exporter
from benchmarks.forecast.readings import Reading, read
from benchmarks.forecast.rules import PREFIX, Rule

__all__ = [
    "EARLIER",
    "JUST_BEFORE",
    "Flip",
    "Run",
    "fired",
    "flip_all",
    "missed_evaluations",
    "readings",
    "run",
]

JUST_BEFORE = "just before the change"
EARLIER = "before the first change of all"

_LONGEST_INTERVAL_S = 10.0
_AFTER_LATEST_S = 3.0


@dataclass(frozen=True, kw_only=True)
class Flip:
    """A signal that changed, and what was known of its alert's path before, by when that was read."""

    rule: Rule
    at: datetime
    paths: Mapping[str, AlertPath]

    def forecast(self) -> dict[str, Firing]:
        """Return the forecast from each of the paths."""
        return {known: firing(path, self.at) for known, path in self.paths.items()}


@dataclass(frozen=True, kw_only=True)
class Run:
    """Every forecast beside what happened, and how many evaluations Prometheus left out meanwhile."""

    readings: list[Reading]
    missed_evaluations: float


def run(
    exporter: Exporter, prometheus: Prometheus, rules: Sequence[Rule], *, spread_s: float, seed: int
) -> Run:
    """Flip all, wait until all can have fired, and compare."""
    flips = flip_all(exporter, prometheus, rules, spread_s=spread_s, seed=seed)
    until = max(
        firing.latest or flip.at + timedelta(seconds=spread_s)
        for flip in flips
        for firing in flip.forecast().values()
    ) + timedelta(seconds=_AFTER_LATEST_S)
    left_s = (until - SystemClock().now()).total_seconds()
    pause(left_s, what="the last alert to have had its time")
    since = min(flip.at for flip in flips)
    return Run(
        readings=readings(flips, fired(prometheus, since=since)),
        missed_evaluations=missed_evaluations(prometheus, since=since),
    )


def flip_all(
    exporter: Exporter, prometheus: Prometheus, rules: Sequence[Rule], *, spread_s: float, seed: int
) -> list[Flip]:
    """Flip the signals one by one, in random order, at random instants within `spread_s`.

    Before each flip the cadence is read again, as a preflight would.
    """
    chance = random.Random(seed)  # noqa: S311 - to be repeatable, not secret
    order = chance.sample(list(rules), len(rules))
    due_s = sorted(chance.uniform(0.0, spread_s) for _ in rules)
    first = alert_paths(read_cadence(prometheus, alerts={rule.alert for rule in rules}))
    clock = SystemClock()
    begun = clock.monotonic()
    flips = []
    for rule, wait_s in zip(order, due_s, strict=True):
        pause(begun + wait_s - clock.monotonic(), what="the next change to be due")
        now = alert_paths(read_cadence(prometheus, alerts={rule.alert}))
        (earlier,), (just_before,) = first[rule.alert], now[rule.alert]
        at = exporter.flip(rule.signal)
        flips.append(Flip(rule=rule, at=at, paths={JUST_BEFORE: just_before, EARLIER: earlier}))
    return flips


def fired(
    prometheus: Prometheus, *, since: datetime, which: str = f'alertname=~"{PREFIX}.*"'
) -> dict[str, datetime]:
    """Return when each alert, of those with labels as `which` has them, first fired from `since` on.

    It is the time of Prometheus' own first sample, by our clock. What fired before `since` is
    left out.
    """
    offset = timedelta(seconds=prometheus.clock_offset()[0])
    margin = timedelta(seconds=_LONGEST_INTERVAL_S)
    found: dict[str, datetime] = {}
    selector = f'ALERTS{{{which},alertstate="firing"}}'
    for series in prometheus.samples(selector, start=since - margin, end=SystemClock().now()):
        name = series.labels["alertname"]
        for span in spans_of(series, _LONGEST_INTERVAL_S):
            at = from_rfc3339(span["from"]) - offset
            if at >= since:
                found[name] = min(at, found.get(name, at))
    return found


def readings(flips: Sequence[Flip], fired: Mapping[str, datetime]) -> list[Reading]:
    """Return every forecast beside what happened."""
    return [
        read(
            forecast,
            start=flip.at,
            fired=fired.get(flip.rule.alert),
            known=known,
            kind=flip.rule.kind,
            alert=flip.rule.alert,
            made_of=flip.paths[known].made_of(),
        )
        for flip in flips
        for known, forecast in flip.forecast().items()
    ]


def missed_evaluations(prometheus: Prometheus, *, since: datetime) -> float:
    """Return how many evaluations of our groups Prometheus left out since then."""
    selector = f'prometheus_rule_group_iterations_missed_total{{rule_group=~".*{PREFIX}.*"}}'
    found = prometheus.samples(selector, start=since, end=SystemClock().now())
    return sum(series.samples[-1][1] - series.samples[0][1] for series in found)
