"""What auto-recovery did, by the Events it made and the counts it keeps: and that it did no more."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from datetime import datetime, timedelta
from typing import Any

from aftershock.clock import format_duration, from_rfc3339
from aftershock.judge.record import clock_time, end_of, gaps_within, within_bound
from aftershock.judge.world import Owners
from aftershock.timeline import Event
from aftershock.verdict import Verdict, met, unknown, violated

__all__ = [
    "ACTED",
    "autorecovery_acted",
    "autorecovery_counted_well",
    "autorecovery_did_nothing_else",
    "autorecovery_took_back",
    "autorecovery_would_act",
    "repairs_told",
]

ACTED = "AutoRecovered"
"""The reason of the Event that it makes of a repair."""
PREPARED = "AutoRecoveryPrepared"
RETURNED = "AutoRecoveryReturned"
_STALE_S = 2.0
"""An Event's own time is in whole seconds, by the clock of the node that it was made on."""
_SUMS_WITHIN = 0.02
"""Each state is counted for itself when it is scraped: a pod may change between two of them."""


def autorecovery_acted(
    events: Iterable[Event], *, playbook: str, about: str, within_s: float, since: datetime
) -> Verdict:
    """Judge whether `playbook` repaired something of `about` (a workload, or a node) within `within_s`.

    `about` is kind/namespace/name, or node/name. Timed by the receipt of the Event.
    """
    name = f"auto-recovery acts by {playbook} on {about} within {format_duration(within_s)}"
    return _said_in_time(
        name, events, reason=ACTED, playbook=playbook, about=about, within_s=within_s, since=since
    )


def autorecovery_took_back(
    events: Iterable[Event], *, playbook: str, about: str, within_s: float, since: datetime
) -> Verdict:
    """Judge whether what `playbook` did to `about` was taken back within `within_s`, in the same way."""
    name = f"auto-recovery takes back what {playbook} did to {about} within {format_duration(within_s)}"
    return _said_in_time(
        name, events, reason=RETURNED, playbook=playbook, about=about, within_s=within_s, since=since
    )


def _said_in_time(
    name: str,
    events: Iterable[Event],
    *,
    reason: str,
    playbook: str,
    about: str,
    within_s: float,
    since: datetime,
) -> Verdict:
    record = list(events)
    details: dict[str, Any] = {
        "expected": f"an Event {reason} within {format_duration(within_s)}",
        "query": "watch events",
    }
    told = list(repairs_told(record, since, {reason}))
    details["evidence"] = tuple(_line(event) for event in told)
    names = _namer(record)
    ours = [event for event in told if _playbook(event) == playbook and about in names(event.subject)]
    if ours:
        took = (ours[0].at - since).total_seconds()
        return within_bound(
            name, observed=took, limit_s=within_s, resolution_s=ours[0].resolution_s, **details
        )
    doubt = _doubt(record, since, within_s)
    if doubt:
        return unknown(name, reason=doubt, **details)
    return violated(name, observed="no such Event", reason=f"{len(told)} others", **details)


def autorecovery_did_nothing_else(events: Iterable[Event], *, but: str, since: datetime) -> Verdict:
    """Judge whether it did nothing since then but `but`: "PLAYBOOK on OBJECT", several with "; " between.

    Unknown unless one replica led when the record ends: what does not run does nothing.
    """
    record = list(events)
    name = "auto-recovery does nothing else" if but else "auto-recovery does nothing"
    details: dict[str, Any] = {
        "expected": f"no action but {but}" if but else "no action",
        "query": "watch events; autorecovery_leader",
    }
    named = [tuple(one.split(" on ", 1)) for one in but.split("; ") if one]
    told, names = list(repairs_told(record, since)), _namer(record)
    others = [
        event
        for event in told
        if not any(_playbook(event) == who and what in names(event.subject) for who, what in named)
    ]
    details["evidence"] = tuple(_line(event) for event in told)
    if others:
        return violated(name, observed=f"{len(others)} more", reason=f"first: {_line(others[0])}", **details)
    looks = [event for event in record if event.kind == "autorecovery"]
    if not looks or looks[-1].data["leaders"] != 1:
        seen = looks[-1].data["leaders"] if looks else "no look at it"
        return unknown(name, reason=f"it is not known that one replica led: {seen}", **details)
    doubt = _doubt(record, since, 0.0)
    if doubt:
        return unknown(name, reason=doubt, **details)
    return met(name, observed="nothing else", **details)


def autorecovery_would_act(
    events: Iterable[Event], *, playbook: str, within_s: float, since: datetime
) -> Verdict:
    """Judge whether `playbook`, in a dry run, said in time what it would do, and nothing was done."""
    record = list(events)
    name = f"auto-recovery says what {playbook} would do within {format_duration(within_s)}"
    details: dict[str, Any] = {
        "expected": "one more dry run counted, and no action",
        "query": f'autorecovery_actions_total{{playbook="{playbook}", outcome="dry-run"}}',
    }
    done = list(repairs_told(record, since))
    details["evidence"] = tuple(_line(event) for event in done)
    if done:
        return violated(name, observed="it acted", reason=_line(done[0]), **details)
    looks = [event for event in record if event.kind == "autorecovery" and event.data["replicas"]]
    before = [look for look in looks if look.at <= since]
    if not before:
        return unknown(name, reason="what it had counted before is not known", **details)
    first = next((look for look in looks if _dry(look, playbook) > _dry(before[-1], playbook)), None)
    if first is not None:
        took = (first.at - since).total_seconds()
        return within_bound(name, observed=took, limit_s=within_s, resolution_s=first.resolution_s, **details)
    if (looks[-1].at - since).total_seconds() <= within_s:
        return unknown(name, reason="the record ends before its time was up", **details)
    return violated(name, observed="nothing said", reason="it counted no dry run", **details)


def autorecovery_counted_well(events: Iterable[Event], *, percent: float, since: datetime) -> Verdict:
    """Judge whether, at the last look since then, `percent` of all pods ran or had completed, by its count.

    Unknown without a look at one replica that leads, or where its states do not sum to its share.
    """
    name = f"auto-recovery counts at least {percent:g} % of the pods as running or completed"
    details: dict[str, Any] = {
        "expected": f"at least {percent:g} %",
        "query": "autorecovery_pods, autorecovery_pods_success_ratio",
        "unit": "%",
    }
    looks = [event for event in events if event.kind == "autorecovery" and event.at >= since]
    pods = dict(looks[-1].data["pods"]) if looks else {}
    ratio = looks[-1].data["success_ratio"] if looks else None
    if not pods or ratio is None:
        return unknown(name, reason="no replica that leads was seen to count", **details)
    total = sum(pods.values())
    states = ", ".join(f"{state} {count:g}" for state, count in pods.items())
    details["evidence"] = (f"{clock_time(looks[-1].at)} total {total:g}: {states}",)
    well = pods.get("running", 0.0) + pods.get("completed", 0.0)
    if not total or abs(well / total - ratio) > _SUMS_WITHIN:
        return unknown(name, reason=f"it says {ratio:.1%}, and its counts say otherwise", **details)
    observed = round(100 * ratio, 1)
    if observed < percent:
        return violated(name, observed=observed, reason=f"{total - well:g} pods do not", **details)
    return met(name, observed=observed, **details)


def repairs_told(
    record: Iterable[Event], since: datetime, reasons: Collection[str] = (ACTED, PREPARED)
) -> Iterator[Event]:
    """Yield the Events of `reasons` that were made since then, as they were first seen."""
    for event in record:
        ours = event.source == "kubernetes" and event.kind == "event"
        if ours and event.data["reason"] in reasons and event.at >= since and not _is_old(event, since):
            yield event


def _is_old(event: Event, since: datetime) -> bool:
    """Whether an Event that was seen since then was made before.

    A watch begins with all that there are, and tells of each once more when its hour is over.
    """
    made = event.data.get("first_at")
    return made is not None and from_rfc3339(made) < since - timedelta(seconds=_STALE_S)


def _playbook(event: Event) -> str:
    return str(event.data["message"]).partition(":")[0]


def _namer(record: Sequence[Event]) -> Callable[[str], set[str]]:
    """Return what says how an Event's subject is called: itself, and the workload that a pod is of."""
    owners = Owners(record)
    names: dict[str, set[str]] = defaultdict(set)
    for event in record:
        if event.kind == "pod":
            names[event.subject].add(owners.workload(event.data))
    return lambda subject: {subject, *names.get(subject, ())}


def _doubt(record: Sequence[Event], since: datetime, within_s: float) -> str:
    end = end_of(record)
    if end is None:
        return "the record is empty"
    holes = gaps_within(record, resources=("event", "pod"), since=since, until=end.at)
    if holes:
        return holes[0]
    if (end.at - since).total_seconds() <= within_s:
        return "the record ends before its time was up"
    return ""


def _dry(look: Event, playbook: str) -> float:
    return float(look.data["counted"].get(playbook, {}).get("dry-run", 0.0))


def _line(event: Event) -> str:
    return f"{clock_time(event.at)} {event.subject}: {event.data['message']}"
