"""Whether a node was emptied and given back without harm.

The budget is judged from the pods themselves, not from the budget's own status; the
service from the client's probes; replacements by owner.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from datetime import datetime
from itertools import pairwise
from typing import Any

from aftershock.judge.episodes import find_episodes
from aftershock.judge.probes import outage_changes, probe_holes, probes_within
from aftershock.judge.record import Instant, clock_time, end_of, gaps_within
from aftershock.judge.world import Data, Owners, World, healthy, replay, selects
from aftershock.timeline import Event
from aftershock.verdict import Verdict, met, unknown, violated

__all__ = ["budget_respected", "node_emptied", "node_schedulable", "service_answered"]

_OUTAGE_CONFIRM_S = 0.0  # every good answer ends an outage: the longest unbroken one is wanted


def budget_respected(
    events: Iterable[Event], *, budget: str, since: datetime, until: datetime | None = None
) -> Verdict:
    """Judge whether the Ready pods of `budget` ("pdb/NS/NAME") never fell below its minimum.

    Counted as the disruption controller counts: Ready and not being deleted. The state at
    `since` counts as well.
    """
    record = list(events)
    namespace = budget.split("/")[1]
    name = f"{budget} is respected throughout"
    details: dict[str, Any] = {
        "expected": "never fewer Ready pods than the budget demands",
        "query": f"watch pods -n {namespace}, counted by the budget's selector",
        "unit": "ready pods",
    }
    last = end_of(record, observer=("watching", f"pod/{namespace}"))
    end = min(last.at, until) if last and until else (last.at if last else since)
    holes = gaps_within(
        record, resources=("pod", "pdb", "deployment"), since=since, until=end, namespace=namespace
    )
    if holes:
        return unknown(name, reason=holes[0], evidence=tuple(holes), **details)
    counts = _budget_counts(record, budget, since, end)
    if not counts:
        return unknown(name, reason=f"the record does not show {budget}", **details)
    # The closest call is what matters: the least room between what was there and what must be.
    ready, need, at = min(counts, key=lambda count: count[0] - count[1])
    line = f"closest at {clock_time(at)}: {ready} ready, {need} demanded; {len(counts)} states looked at"
    details["expected"] = f"never fewer than {need} Ready pods"
    if ready < need:
        reason = f"{ready} of {need} at {clock_time(at)}"
        return violated(name, observed=ready, reason=reason, evidence=(line,), **details)
    return met(name, observed=ready, evidence=(line,), **details)


def _budget_counts(
    record: Sequence[Event], budget: str, since: datetime, end: datetime
) -> list[tuple[int, int, datetime]]:
    """Return (ready, demanded, when) for every state from `since` on, the one before included."""
    owners = Owners(record)
    before: tuple[int, int, datetime] | None = None
    counts: list[tuple[int, int, datetime]] = []
    for event, world in replay(record):
        if event.at > end:
            break
        rule = world.get("pdb", budget)
        if rule is None or event.kind not in {"pod", "pdb", "deployment"}:
            continue
        pods = [
            pod
            for pod in world.all("pod")
            if pod["namespace"] == rule["namespace"] and selects(rule["selector"], pod["labels"])
        ]
        ready = sum(1 for pod in pods if healthy(pod))
        count = (ready, _demanded(rule, pods, owners, world), event.at)
        if event.at < since:
            before = (count[0], count[1], since)
        else:
            counts.append(count)
    return [before, *counts] if before else counts


def _demanded(rule: Data, pods: Sequence[Data], owners: Owners, world: World) -> int:
    """How many pods the budget wants Ready; a percentage counts of what the owners want, rounded up."""
    wanted = 0
    for workload in {owners.workload(pod) for pod in pods}:
        deployment = world.get("deployment", workload)
        own = [pod for pod in pods if owners.workload(pod) == workload]
        wanted += int(deployment["replicas"]) if deployment else len(own)
    if rule["min_available"] is not None:
        return _amount(rule["min_available"], wanted)
    if rule["max_unavailable"] is not None:
        return max(0, wanted - _amount(rule["max_unavailable"], wanted))
    return 0


def _amount(value: int | str, whole: int) -> int:
    return math.ceil(whole * int(value.rstrip("%")) / 100) if isinstance(value, str) else int(value)


def service_answered(
    events: Iterable[Event],
    *,
    url: str,
    since: datetime,
    until: datetime | None = None,
    max_error_ratio: float = 0.0,
) -> Verdict:
    """Judge whether `url` answered the client's probes throughout.

    At most `max_error_ratio` of the probes may fail (0: none). A time without probes is
    unknown, unless what was seen is too much already.
    """
    record = list(events)
    name = f"{url} answers throughout"
    allowed = "no failed probe" if not max_error_ratio else f"at most {max_error_ratio:.2%} failed probes"
    details: dict[str, Any] = {"expected": allowed, "query": f"GET {url}"}
    last = end_of(record, observer=("probing", url))
    if last is None:
        return unknown(name, reason="the record is empty", **details)
    end = min(last.at, until) if until else last.at
    probes = probes_within(record, url=url, since=since, until=end)
    failed = [probe for probe in probes if not probe.data["ok"]]
    holes = probe_holes(record, url=url, since=since, until=end)
    if probes:
        details["observed"] = f"{len(failed)} of {len(probes)} probes failed"
        details["evidence"] = tuple(_probe_lines(record, url, since, end, probes))
        details["resolution_s"] = max(probe.resolution_s for probe in probes)
    if holes and len(failed) <= max_error_ratio * len(probes):
        return unknown(name, reason=holes[0], **details)
    if len(failed) > max_error_ratio * len(probes):
        ratio = len(failed) / len(probes)
        return violated(name, reason=f"{ratio:.2%} of the probes failed", **details)
    return met(name, **details)


def _probe_lines(
    record: Sequence[Event], url: str, since: datetime, end: datetime, probes: Sequence[Event]
) -> Iterable[str]:
    times = sorted(probe.data["ms"] for probe in probes if probe.data["ok"])
    if times:
        yield f"answers after {times[len(times) // 2]:.0f} ms (median), {times[-1]:.0f} ms (slowest)"
    changes = outage_changes(record, url=url, since=since, until=end)
    outages = find_episodes(changes, until=Instant(at=end), confirm_s=_OUTAGE_CONFIRM_S)
    if outages:
        longest = max(outages, key=lambda outage: outage.duration_s or math.inf)
        took = "the rest of the record" if longest.duration_s is None else f"{longest.duration_s:.2f} s"
        yield f"{len(outages)} outages, the longest {took} from {clock_time(longest.begin.when.at)} on"
    for failed in [probe for probe in probes if not probe.data["ok"]][:5]:
        said = failed.data.get("error") or f"status {failed.data.get('status')}"
        yield f"failed {clock_time(failed.at)}: {said} after {failed.data['ms']:.0f} ms"


def node_emptied(
    events: Iterable[Event], *, node: str, since: datetime, until: datetime | None = None
) -> Verdict:
    """Judge whether `node` really held movable pods at `since` and later held none.

    Pods of daemon sets, static pods, pods without an owner and pods that have ended stay
    where they are. Only the recorded namespaces are seen.
    """
    record = list(events)
    name = f"{node} is emptied"
    details: dict[str, Any] = {
        "expected": "pods of the targets at first, then none",
        "query": f"watch pods, spec.nodeName={node}",
        "unit": "pods",
    }
    last = end_of(record)
    end = min(last.at, until) if last and until else (last.at if last else since)
    holes = gaps_within(record, resources=("pod",), since=since, until=end)
    counts: list[tuple[datetime, list[str]]] = []
    before: list[str] | None = None
    for event, world in replay(record):
        if event.kind != "pod" or event.at > end:
            continue
        names = [pod["name"] for pod in world.all("pod") if pod["node"] == node and _movable(pod)]
        if event.at < since:
            before = names
        else:
            counts.append((event.at, names))
    if holes or before is None:
        reason = holes[0] if holes else "the record does not show the pods before"
        return unknown(name, reason=reason, evidence=tuple(holes), **details)
    if not before:
        return unknown(name, observed=0, reason="it held no movable pod before", **details)
    first = f"held {', '.join(sorted(before))}"
    empty = next((at for at, names in counts if not names), None)
    if empty is None:
        left = counts[-1][1] if counts else before
        reason = f"still there: {', '.join(sorted(left))}"
        return violated(name, observed=len(left), reason=reason, evidence=(first,), **details)
    took = (empty - since).total_seconds()
    return met(
        name, observed=0, evidence=(first, f"empty at {clock_time(empty)}, after {took:.1f} s"), **details
    )


def _movable(pod: Data) -> bool:
    """Whether a drain takes it away: it leaves what a daemon set would put back or nobody make again."""
    owned = bool(pod["owner"]) and pod["owner"]["kind"] != "DaemonSet"
    return owned and not pod["mirror"] and pod["phase"] not in {"Succeeded", "Failed"}


def node_schedulable(events: Iterable[Event], *, node: str, at: datetime | None = None) -> Verdict:
    """Judge whether `node` takes pods at `at` (the end of the record): Ready, not cordoned."""
    record = list(events)
    name = f"{node} is schedulable again"
    details: dict[str, Any] = {
        "expected": "Ready and not cordoned",
        "query": f"watch nodes, metadata.name={node}",
    }
    last = end_of(record, observer=("watching", "node/"))
    when = min(last.at, at) if last and at else (last.at if last else None)
    seen = [e for e in record if e.kind == "node" and e.subject == f"node/{node}" and when and e.at <= when]
    if when is None or not seen:
        return unknown(name, reason=f"the record does not show {node}", **details)
    holes = gaps_within(record, resources=("node",), since=when, until=when)
    if holes:
        return unknown(name, reason=holes[0], **details)
    state = seen[-1].data
    evidence = tuple(_cordon_lines(seen))
    shown = (
        f"{'Ready' if state['ready'] else 'not Ready'}, {'cordoned' if state['unschedulable'] else 'open'}"
    )
    if state["type"] in {"DELETED", "GONE"}:
        shown = "deleted"
    good = shown == "Ready, open"
    verdict = met if good else violated
    reason = "" if good else f"it is {shown}"
    return verdict(name, observed=shown, reason=reason, evidence=evidence, **details)


def _cordon_lines(seen: Sequence[Event]) -> Iterable[str]:
    for earlier, later in pairwise(seen):
        if earlier.data["unschedulable"] != later.data["unschedulable"]:
            yield f"{'cordoned' if later.data['unschedulable'] else 'uncordoned'} {clock_time(later.at)}"
