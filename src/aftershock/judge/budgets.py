"""What a PodDisruptionBudget limits, and what it does not: evictions, and an HPA's scale-down."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from itertools import pairwise
from typing import Any

from aftershock.judge.hands import by_hand
from aftershock.judge.record import Instant, clock_time, end_of, gaps_within
from aftershock.judge.scaling_record import Resize
from aftershock.judge.world import Owners, World, replay, selects
from aftershock.timeline import Event
from aftershock.verdict import Verdict, met, unknown, violated

__all__ = ["evictions_refused", "scaled_down_past_budget"]


def evictions_refused(events: Iterable[Event], *, workload: str, since: datetime) -> Verdict:
    """Judge whether every eviction of a pod of `workload` that was asked for since then was refused."""
    record = list(events)
    owners = Owners(record)
    ours = {e.subject for e in record if e.kind == "pod" and owners.workload(e.data) == workload}
    asked = [e for e in record if e.kind == "eviction-asked" and e.subject in ours and e.at >= since]
    allowed = [event for event in asked if not event.data["refused"]]
    name = f"evictions of {workload}'s pods are refused"
    details: dict[str, Any] = {
        "expected": "every eviction refused by a disruption budget",
        "query": "POST .../pods/NAME/eviction, as a dry run",
        "evidence": tuple(f"{clock_time(e.at)} {e.subject}: {e.data['said']}" for e in asked),
        "observed": f"{len(asked) - len(allowed)} of {len(asked)} refused",
    }
    if not asked:
        return unknown(name, reason="nobody asked for one", **details)
    if allowed:
        return violated(name, reason=f"{allowed[0].subject} could have been evicted", **details)
    return met(name, **details)


def scaled_down_past_budget(events: Iterable[Event], *, hpa: str, since: datetime) -> Verdict:
    """Judge whether `hpa` took pods away while a budget of theirs allowed no disruption.

    Each resize downwards counts for which the budget, as last seen before it, allowed none.
    """
    record = list(events)
    namespace = hpa.split("/")[1]
    name = f"{hpa} scales down past the disruption budget"
    details: dict[str, Any] = {
        "expected": "fewer replicas wanted while the budget allows no disruption",
        "query": f"watch deployments, poddisruptionbudgets -n {namespace}",
    }
    told = next((e.data for e in record if e.kind == "hpa" and e.subject == hpa), None)
    end = end_of(record)
    if told is None or end is None:
        return unknown(name, reason=f"the record does not show {hpa}", **details)
    down = [(r, allowed) for r, allowed in _resizes(record, told["target"]) if r.when.at >= since]
    strangers = by_hand(record, hpa, [resize for resize, _ in down])
    down = [(resize, allowed) for resize, allowed in down if resize not in strangers]
    details["evidence"] = tuple(
        f"{clock_time(r.when.at)} {r}, the budget allowed {'unknown' if a is None else a}" for r, a in down
    )
    past = [resize for resize, allowed in down if allowed == 0]
    details["observed"] = ", ".join(map(str, past)) or "none"
    if past:
        return met(name, unit="replicas", **details)
    holes = gaps_within(
        record, resources=("deployment", "pdb"), since=since, until=end.at, namespace=namespace
    )
    if holes:
        return unknown(name, reason=holes[0], **details)
    reason = "it did not scale down" if not down else "the budget allowed it each time"
    return unknown(name, reason=reason, **details)


def _resizes(record: Iterable[Event], workload: str) -> list[tuple[Resize, int | None]]:
    """Return the resizes downwards, each with how many disruptions the budget allowed just before."""
    seen: list[tuple[Instant, int, int | None]] = []
    for event, world in replay(record):
        if event.kind == "deployment" and event.subject == workload:
            seen.append((Instant.of(event), event.data["replicas"], _allowed(world, workload)))
    return [
        (Resize(when=when, before=before, after=after), allowed)
        for (_, before, _), (when, after, allowed) in pairwise(seen)
        if after < before
    ]


def _allowed(world: World, workload: str) -> int | None:
    """Return the least that budgets over the workload's pods allow; None where there is none."""
    deployment = world.get("deployment", workload)
    labels = (deployment or {}).get("selector", {}).get("matchLabels") or {}
    found = [
        budget["allowed"]
        for budget in world.all("pdb")
        if deployment
        and budget["namespace"] == deployment["namespace"]
        and selects(budget["selector"], labels)
    ]
    return min((allowed for allowed in found if allowed is not None), default=None)
