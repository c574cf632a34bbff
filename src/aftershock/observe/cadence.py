"""How often the monitoring looks, and when it did last: what the forecast is made from.

What cannot be read is named in the facts with the reason, and the forecast says so; nothing
is assumed in its place.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Sequence
from typing import Any

from aftershock.errors import QueryError, TransientError
from aftershock.forecast.paths import Facts, scraped
from aftershock.forecast.promql import Selector
from aftershock.observe.alertmanager import Alertmanager
from aftershock.observe.prometheus import Prometheus

__all__ = ["read_cadence"]

Place = tuple[str, str]

# How the families of histograms, summaries and counters are called in a target's metadata.
_SUFFIX = re.compile(r"_(bucket|sum|count|total|created)$")


def read_cadence(
    prometheus: Prometheus, *, alertmanager: Alertmanager | None = None, alerts: Collection[str] | None = None
) -> Facts:
    """Return rules, targets, phases and routing, as far as the rules of `alerts` (all, if None) need them.

    Raises:
        QueryError, TransientError: the rules themselves, or the clock, cannot be read.

    """
    offset, error = prometheus.clock_offset()
    groups = prometheus.rules()
    selectors = scraped(groups, alerts)
    unread: dict[str, str] = {}
    targets: list[dict[str, Any]] = []
    carriers: dict[str, set[Place]] = {}
    missing: set[str] | None = None
    try:
        targets = prometheus.targets()
        carriers = _carriers(prometheus, sorted({s.metric for s in selectors if s.metric}))
        missing = _missing(prometheus, selectors)
    except (QueryError, TransientError) as refused:
        unread["targets"] = f"the targets cannot be read: {refused.message}"
    routing = None
    if alertmanager is not None:
        try:
            routing = alertmanager.configuration()
        except (QueryError, TransientError) as refused:
            unread["routing"] = f"Alertmanager's configuration cannot be read: {refused.message}"
    return Facts(
        groups=groups,
        targets=targets,
        carriers=carriers,
        missing=missing,
        routing=routing,
        offset_s=offset,
        clock_error_s=error,
        unread=unread,
    )


def _carriers(prometheus: Prometheus, metrics: Sequence[str]) -> dict[str, set[Place]]:
    """Return which (job, instance) expose each metric: by their series, else by what targets declare."""
    found: dict[str, set[Place]] = {metric: set() for metric in metrics}
    if not metrics:
        return found
    names = "|".join(re.escape(metric) for metric in metrics).replace("\\", "\\\\")
    for sample in prometheus.query(f'group by (__name__, job, instance) ({{__name__=~"{names}"}})'):
        found[sample.labels["__name__"]].add(_place(sample.labels))
    for metric, places in found.items():
        if not places:
            # kube-state-metrics, for one, has no series of terminations before there was one.
            declared = prometheus.exposed_by(metric) or prometheus.exposed_by(_SUFFIX.sub("", metric))
            places.update(_place(labels) for labels in declared)
    return found


def _missing(prometheus: Prometheus, selectors: Sequence[Selector]) -> set[str]:
    """Return the selectors, among those that compare samples, of which there is no series now."""
    return {s.text for s in selectors if s.differs and not prometheus.query(f"group({s.text})")}


def _place(labels: Any) -> Place:
    return labels.get("job", ""), labels.get("instance", "")
