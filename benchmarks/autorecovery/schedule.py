"""Which trials are made, in which order, and what one is."""

from __future__ import annotations

import random
from collections.abc import Mapping
from dataclasses import dataclass
from itertools import cycle, islice

__all__ = ["CRASH_LOOP", "KINDS", "TOGETHER", "WORKLOADS", "Plan", "Trial", "schedule"]

WORKLOADS = ("details", "ratings", "productpage", "reviews-v1", "reviews-v2", "reviews-v3")
"""Of one replica each: while its pod is away there is an outage."""
CRASH_LOOP = "crash loop"
KINDS = ("out of memory", CRASH_LOOP, "container killed", "pod deleted")
TOGETHER = 3
"""So many trials of a kind go side by side, each on its workload: they are mostly waiting."""


@dataclass(frozen=True, kw_only=True)
class Plan:
    """Trials to come, side by side: of one kind, on one workload each."""

    kind: str
    workloads: tuple[str, ...]
    with_it: bool


@dataclass(frozen=True, kw_only=True)
class Trial:
    """A trial that was made. `recovered_s` is None where it did not recover, or is not known: then `why`.

    `actions` are those about the workload, as "PLAYBOOK after SECONDS"; `false_actions` all others.
    """

    kind: str
    workload: str
    with_it: bool
    recovered_s: float | None
    why: str
    actions: tuple[str, ...] = ()
    false_actions: tuple[str, ...] = ()


def schedule(counts: Mapping[str, int], seed: int) -> list[Plan]:
    """Return pairs in random order, the kinds mixed; which half of a pair comes first is random as well."""
    chance = random.Random(seed)  # noqa: S311 - to be repeatable, not secret
    groups = [
        (kind, min(TOGETHER, count - begun))
        for kind, count in counts.items()
        for begun in range(0, count, TOGETHER)
    ]
    chance.shuffle(groups)
    turns = cycle(WORKLOADS)
    plans = []
    for kind, size in groups:
        workloads = tuple(islice(turns, size))
        halves = [Plan(kind=kind, workloads=workloads, with_it=with_it) for with_it in (True, False)]
        chance.shuffle(halves)
        plans += halves
    return plans
