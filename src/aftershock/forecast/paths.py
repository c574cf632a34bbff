"""From what Prometheus says of its rules and targets to the path of each alert."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from aftershock.clock import from_rfc3339
from aftershock.forecast.alerts import AlertPath, Source
from aftershock.forecast.beat import Beat
from aftershock.forecast.promql import Expression, Selector, read_expression, seconds
from aftershock.forecast.routing import Notify, UndecidedError, routes

__all__ = ["Facts", "alert_paths", "scraped"]

_DEEPEST = 5  # recording rules on recording rules; a cycle must end, too
_PLACE = ("job", "instance")  # what tells targets apart, in series and in targets

Group = Mapping[str, Any]


@dataclass(frozen=True, kw_only=True)
class Facts:
    """What was read of the monitoring, as its APIs have it.

    `carriers` are the (job, instance) that expose a metric; `missing` are the selectors of which
    no series exists now; `unread` is why something is not there, by the name of a fact.
    """

    groups: Sequence[Group]
    targets: Sequence[Mapping[str, Any]]
    carriers: Mapping[str, Collection[tuple[str, str]]]
    missing: Collection[str] | None = ()
    routing: Mapping[str, Any] | None = None
    offset_s: float = 0.0
    clock_error_s: float = 0.0
    unread: Mapping[str, str] = field(default_factory=dict)


def alert_paths(facts: Facts, alerts: Collection[str] | None = None) -> dict[str, tuple[AlertPath, ...]]:
    """Return the paths of `alerts` (all, if None), one for each rule of that name."""
    found: dict[str, tuple[AlertPath, ...]] = {}
    for group in facts.groups:
        for place, rule in enumerate(group["rules"]):
            if rule["type"] == "alerting" and (alerts is None or rule["name"] in alerts):
                path = _path(facts, group, place)
                found[rule["name"]] = (*found.get(rule["name"], ()), path)
    return found


def scraped(groups: Iterable[Group], alerts: Collection[str] | None = None) -> list[Selector]:
    """Return what the rules of `alerts` (all, if None) read that no rule records: what is scraped."""
    groups = list(groups)
    found: dict[str, Selector] = {}
    for group in groups:
        for place, rule in enumerate(group["rules"]):
            if rule["type"] == "alerting" and (alerts is None or rule["name"] in alerts):
                for _, expression in _expressions(groups, group, place):
                    found |= {
                        selector.text: selector
                        for selector in expression.selectors
                        if not _recording(groups, selector.metric)
                    }
    return list(found.values())


def _path(facts: Facts, group: Group, place: int) -> AlertPath:
    rule = group["rules"][place]
    steps = list(_expressions(facts.groups, group, place))
    selectors = [
        selector
        for _, expression in steps
        for selector in expression.selectors
        if not _recording(facts.groups, selector.metric)
    ]
    sources, unknown = _sources(facts, selectors)
    if any(expression.offset_s for _, expression in steps):
        unknown.append("the expression looks back by an offset")
    if rule.get("health") == "err":
        unknown.append(f"its evaluation fails: {rule.get('lastError', '')}")
    labels = {**rule.get("labels", {}), "alertname": rule["name"]}
    notify, untold = _notify(facts, labels)
    differing = [selector for selector in selectors if selector.differs]
    evaluation = _evaluation(group)
    return AlertPath(
        alert=rule["name"],
        labels=labels,
        sources=sources,
        # The signal comes the other way: from the rule that reads what is scraped.
        records=tuple(dict.fromkeys(beat for beat, _ in reversed(steps) if beat is not None)),
        evaluation=evaluation,
        for_s=float(rule.get("duration") or 0.0),
        keep_firing_for_s=float(rule.get("keepFiringFor") or 0.0),
        window_s=sum(expression.window_s for _, expression in steps),
        second_sample=_second_sample(facts, differing),
        lasts_s=next((e.lasts_s for _, e in steps if e.lasts_s is not None), None),
        notify=notify,
        untold=untold,
        offset_s=facts.offset_s,
        clock_error_s=facts.clock_error_s,
        unknown=tuple(unknown),
    )


def _expressions(
    groups: Sequence[Group], group: Group, place: int, depth: int = 0
) -> Iterator[tuple[Beat | None, Expression]]:
    """Yield the rule's expression, then those of the recording rules that it reads.

    Each with the evaluation that the signal waits for there; None where it is the same as the
    reader's: a rule that stands before its reader in one group.
    """
    expression = read_expression(group["rules"][place]["query"])
    yield None, expression
    if depth == _DEEPEST:
        return
    for metric in expression.metrics:
        for other, at in _recording(groups, metric):
            same = other is group and at < place
            inner = _expressions(groups, other, at, depth + 1)
            _, read = next(inner)
            # In one group but after its reader, it is read at the next evaluation only.
            yield (None if same else _evaluation(other)), read
            yield from inner


def _recording(groups: Iterable[Group], metric: str) -> list[tuple[Group, int]]:
    return [
        (group, place)
        for group in groups
        for place, rule in enumerate(group["rules"])
        if rule["type"] == "recording" and rule["name"] == metric
    ]


def _sources(facts: Facts, selectors: Sequence[Selector]) -> tuple[tuple[Source, ...], list[str]]:
    """Return the targets that carry the selectors' metrics, and what is not known of them."""
    unknown = [reason for name, reason in facts.unread.items() if name in {"targets", "carriers"}]
    carried: dict[tuple[str, str], set[str]] = {}
    for metric in dict.fromkeys(selector.metric for selector in selectors):
        places = facts.carriers.get(metric, ())
        if not places and not unknown:
            unknown.append(f"no target is known to expose {metric or 'what a pattern of names matches'}")
        for place in places:
            carried.setdefault(place, set()).add(metric)
    found = []
    for target in facts.targets:
        metrics = carried.get(_place(target["labels"]), set())
        if metrics:
            found.append(
                Source(metrics=tuple(sorted(metrics)), scrape=_scrape(target), labels=target["labels"])
            )
    if carried and not found and not unknown:
        unknown.append("the targets that expose its metrics are no longer scraped")
    return tuple(found), unknown


def _place(labels: Mapping[str, str]) -> tuple[str, str]:
    job, instance = (labels.get(name, "") for name in _PLACE)
    return job, instance


def _scrape(target: Mapping[str, Any]) -> Beat:
    return Beat(
        what=f"{target['labels'].get('job', '?')} is scraped",
        every_s=seconds(target["scrapeInterval"]),
        last=_instant(target.get("lastScrape")),
        takes_s=float(target.get("lastScrapeDuration") or 0.0),
    )


def _evaluation(group: Group) -> Beat:
    return Beat(
        what=f"group {group['name']} is evaluated",
        every_s=float(group["interval"]),
        last=_instant(group.get("lastEvaluation")),
        takes_s=float(group.get("evaluationTime") or 0.0),
    )


def _instant(text: str | None) -> datetime | None:
    """Return a time of Prometheus' API; Go writes the year 1 for never."""
    return None if not text or text.startswith("0001-") else from_rfc3339(text)


def _second_sample(facts: Facts, differing: Sequence[Selector]) -> bool | None:
    if not differing:
        return False
    if facts.missing is None:
        return None
    return any(selector.text in facts.missing for selector in differing)


def _notify(facts: Facts, labels: Mapping[str, str]) -> tuple[tuple[Notify, ...], str]:
    """Return who is told, or why that is not known."""
    if facts.routing is None:
        return (), facts.unread.get("routing", "there is no Alertmanager to ask")
    try:
        return routes(facts.routing, labels), ""
    except UndecidedError as error:
        return (), str(error)
    except (ValueError, re.error) as error:  # the tree, or a pattern in it, is not as we read them
        return (), f"the routing tree cannot be read: {error}"
