"""Whether a figure of a scenario has become worse: what the last runs say against those before.

A regression is what is left after three questions, for each figure:

1. Are there enough runs? The last `last` with a figure, and before them twice as many, and so many that a
   clear change could be significant at all. At most `most_before` runs before count. Else it is unknown.
2. Would chance give it? `larger` (the exact one-sided Mann-Whitney test), with Holm's correction over all
   figures of that profile and cluster: at most `ALPHA` that any of them is called a regression wrongly.
3. Is it more than the figures' own error? The shift must exceed the largest resolution among them.

A run's repetitions of a scenario count once, by their median: they share what is particular to the run.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Literal

from aftershock.history.facts import Kind
from aftershock.history.rank_test import fewest_before, holm, larger, shift

__all__ = ["ALPHA", "BEFORE", "LAST", "Point", "Series", "Trend", "most_before", "percentile", "trends_of"]

ALPHA = 0.01
"""How often, at most, one look at a history without a change says that there is a regression."""

LAST = 5
BEFORE = 30

Finding = Literal["regression", "none", "unknown"]


@dataclass(frozen=True, kw_only=True)
class Point:
    """One run's figure; `value` is math.inf where it never came, `resolution` its largest error."""

    run: str
    began: datetime
    value: float
    resolution: float


@dataclass(frozen=True, kw_only=True)
class Series:
    """A figure of one scenario through the runs of one profile on one cluster, oldest first.

    `runs` is in how many runs the scenario had its turn, with the figure or without.
    """

    profile: str
    cluster: str
    file: str
    template: str
    example: Mapping[str, str]
    scenario: str
    kind: Kind
    subject: str
    unit: str
    runs: int
    points: Sequence[Point]

    def parts(self, last: int) -> tuple[list[Point], list[Point]]:
        """Return the points that count before, and the last ones."""
        return list(self.points[:-last][-most_before(last) :]), list(self.points[-last:])


@dataclass(frozen=True, kw_only=True)
class Trend:
    """What is known of a series. `chance` is adjusted for all series tested; both None where unknown."""

    series: Series
    last: int
    finding: Finding
    because: str
    chance: float | None = None
    shift: float | None = None


def percentile(values: Sequence[float], share: float) -> float:
    """Return the smallest value that `share` of them do not exceed (nearest rank)."""
    return sorted(values)[max(math.ceil(share * len(values)), 1) - 1]


def most_before(last: int) -> int:
    """Return how many runs before the last ones count: older ones speak of another cluster by and by."""
    return max(BEFORE, 3 * last)


def trends_of(series: Sequence[Series], *, last: int = LAST, alpha: float = ALPHA) -> list[Trend]:
    """Judge every series; those of one profile and cluster are corrected for their number together."""
    found: dict[int, Trend] = {}
    groups: dict[tuple[str, str], list[int]] = {}
    for place, one in enumerate(series):
        groups.setdefault((one.profile, one.cluster), []).append(place)
    for places in groups.values():
        together = _together([series[place] for place in places], last=last, alpha=alpha)
        found.update(zip(places, together, strict=True))
    return [found[place] for place in range(len(series))]


def _together(group: Sequence[Series], *, last: int, alpha: float) -> list[Trend]:
    """Judge the series of one profile and cluster.

    One with thrice `last` runs counts among the tests, though it may take more to be significant beside them.
    """
    family = [place for place, one in enumerate(group) if len(one.points) >= 3 * last]
    before = max(2 * last, fewest_before(recent=last, alpha=alpha, tests=len(family)))
    possible = before <= most_before(last)
    tested = [place for place in family if possible and len(group[place].points) >= last + before]
    chances = [_chance(group[place], last) if place in tested else 1.0 for place in family]
    adjusted = dict(zip(family, holm(chances), strict=True))
    trends = []
    for place, one in enumerate(group):
        blank = Trend(series=one, last=last, finding="unknown", because="")
        if place in tested:
            trends.append(_judged(blank, adjusted[place], alpha))
        elif possible:
            trends.append(replace(blank, because=f"{len(one.points)} of {last + before} runs"))
        else:
            reason = f"{last} runs cannot be significant among {len(family)} figures; take more of them"
            trends.append(replace(blank, because=reason))
    return trends


def _chance(series: Series, last: int) -> float:
    before, recent = series.parts(last)
    return larger([point.value for point in before], [point.value for point in recent])


def _judged(blank: Trend, chance: float, alpha: float) -> Trend:
    before, recent = blank.series.parts(blank.last)
    moved = shift([point.value for point in before], [point.value for point in recent])
    error = max(point.resolution for point in (*before, *recent))
    known = replace(blank, chance=chance, shift=moved)
    if chance > alpha:
        return replace(known, finding="none", because="chance may explain it")
    if moved <= error:
        return replace(known, finding="none", because="it is within the figures' own error")
    return replace(known, finding="regression", because="larger than chance and the figures' error explain")
