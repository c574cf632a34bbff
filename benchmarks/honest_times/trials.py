"""Schedules of outages: lengths, pauses, phases by chance, and a seed that makes the same again."""

from __future__ import annotations

import random
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass
from typing import Any, Literal

from benchmarks.honest_times.driven_pod import How

__all__ = ["KINDS", "LONGER", "PAUSE_S", "Kind", "Outage", "Schedule", "Trial", "draw"]

Kind = Literal["1 s", "2 s", "5 s", "10 s", "30 s", "overlapping"]
_LENGTHS: Mapping[Kind, float] = {"1 s": 1.0, "2 s": 2.0, "5 s": 5.0, "10 s": 10.0, "30 s": 30.0}
KINDS: tuple[Kind, ...] = (*_LENGTHS, "overlapping")
_OVERLAPPING_S = 4.0  # each of the two

LONGER = 0.1
"""By at most so large a share an outage is longer than its name says, by chance: a length that is a
multiple of a probe's period would hide the probe's own error at one end behind that at the other."""

PAUSE_S = (9.0, 11.0)
"""Between two outages of a pod, seconds: its readiness probe has noticed the end, health has lasted for
as long as the judges want, and one judge's window ends before the next begins. By chance within these
bounds, so that outages come at any phase of the probes."""

_HOW: tuple[How, ...] = ("unavailable", "refused")


@dataclass(frozen=True, kw_only=True)
class Outage:
    """From `after_s`, for `for_s` seconds, answers are 503 ("unavailable") or connections "refused"."""

    after_s: float
    for_s: float
    how: How

    @property
    def end_s(self) -> float:
        """When it is over, in seconds of the schedule."""
        return self.after_s + self.for_s


@dataclass(frozen=True, kw_only=True)
class Trial:
    """One degradation to be measured: one outage, or two that overlap."""

    kind: Kind
    outages: tuple[Outage, ...]

    @property
    def end_s(self) -> float:
        """When the last of it is over, in seconds of the schedule."""
        return max(outage.end_s for outage in self.outages)


@dataclass(frozen=True, kw_only=True)
class Schedule:
    """What one pod goes through, in order."""

    trials: tuple[Trial, ...]

    @property
    def length_s(self) -> float:
        """Seconds until all is over and the last recovery can be seen to last."""
        return (self.trials[-1].end_s if self.trials else 0.0) + PAUSE_S[0]

    def to_json(self) -> list[dict[str, Any]]:
        """Return what the pod is told."""
        return [asdict(outage) for trial in self.trials for outage in trial.outages]


def draw(*, kinds: Iterable[Kind] = KINDS, per_kind: int, pods: int, seed: int) -> list[Schedule]:
    """Deal `per_kind` trials of every kind to `pods` schedules of about the same length."""
    chance = random.Random(seed)  # noqa: S311 - to be repeatable, not secret
    dealt: list[list[Kind]] = [[] for _ in range(pods)]
    for kind in sorted(kinds, key=_length, reverse=True):
        for _ in range(per_kind):
            min(dealt, key=lambda hand: sum(_length(k) + PAUSE_S[1] for k in hand)).append(kind)
    return [_schedule(hand, chance) for hand in dealt]


def _length(kind: Kind) -> float:
    return _LENGTHS.get(kind, 2 * _OVERLAPPING_S)


def _schedule(hand: list[Kind], chance: random.Random) -> Schedule:
    chance.shuffle(hand)
    trials: list[Trial] = []
    at = 0.0
    for kind in hand:
        at += chance.uniform(*PAUSE_S)
        trials.append(_trial(kind, at, chance))
        at = trials[-1].end_s
    return Schedule(trials=tuple(trials))


def _trial(kind: Kind, at: float, chance: random.Random) -> Trial:
    def outage(after_s: float, for_s: float) -> Outage:
        return Outage(after_s=round(after_s, 6), for_s=round(for_s, 6), how=chance.choice(_HOW))

    def longer(seconds: float) -> float:
        return seconds * (1 + chance.uniform(0, LONGER))

    if kind == "overlapping":
        # Neither ends before the other has begun.
        second = at + chance.uniform(0.25, 0.75) * _OVERLAPPING_S
        return Trial(kind=kind, outages=(outage(at, _OVERLAPPING_S), outage(second, longer(_OVERLAPPING_S))))
    return Trial(kind=kind, outages=(outage(at, longer(_LENGTHS[kind])),))
