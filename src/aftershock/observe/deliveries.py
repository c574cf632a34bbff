"""Whether those who are told could be told: Alertmanager, the webhook, and what they say of failures.

A notification that is missing proves nothing while one of them was away.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable
from datetime import datetime
from itertools import pairwise
from typing import TypeVar

from aftershock.errors import QueryError, TransientError
from aftershock.observe.alertmanager import Alertmanager, WebhookLog, record_notifications
from aftershock.observe.prometheus import Prometheus, Series
from aftershock.timeline import Event, Timeline

__all__ = ["record_deliveries"]

T = TypeVar("T")

_FAILED = "alertmanager_notifications_failed_total"
_DROPPED = "prometheus_notifications_dropped_total"
_UNTOLD = "prometheus_notifications_errors_total"


def record_deliveries(
    timeline: Timeline,
    *,
    prometheus: Prometheus,
    alertmanager: Alertmanager | None,
    webhook: WebhookLog | None,
    since: datetime,
    until: datetime,
) -> Event:
    """Record the notifications since then, what Alertmanager knows now, and why something may be missing.

    `problems` are in the event that is returned, by what has them: "alertmanager", "webhook", or
    "receivers" (who answered with an error, by Alertmanager's own count). None is an error here: whether it
    matters is for the judges.
    """
    problems = {
        "webhook": _asked(
            "the webhook", webhook, lambda log: record_notifications(log, timeline, since=since)
        ),
        "alertmanager": _asked("Alertmanager", alertmanager, lambda known: known.record(timeline)),
        **_failures(prometheus, since, until),
    }
    said = {what: problem for what, problem in problems.items() if problem}
    return timeline.record("alertmanager", "deliveries", problems=said)


def _asked(name: str, what: T | None, ask: Callable[[T], object]) -> str:
    """Ask, and return why that was not possible."""
    if what is None:
        return f"there is no {name.removeprefix('the ')} that can be asked"
    try:
        ask(what)
    except (QueryError, TransientError) as error:
        found = f" ({error.found})" if error.found else ""
        return f"{name} cannot be asked: {error.message}{found}"
    return ""


def _failures(prometheus: Prometheus, since: datetime, until: datetime) -> dict[str, str]:
    """Return who answered Alertmanager with an error, and whether Prometheus reached it."""
    try:
        failed = _risen(prometheus.samples(_FAILED, start=since, end=until), "integration")
        unsent = _risen(prometheus.samples(_DROPPED, start=since, end=until), "job")
        unsent += _risen(prometheus.samples(_UNTOLD, start=since, end=until), "alertmanager")
    except (QueryError, TransientError) as error:
        return {"receivers": f"whether receivers failed is not known: {error.message}"}
    told = ", ".join(f"{count:g} by {name}" for name, count in sorted(failed.items()))
    return {
        "receivers": f"notifications failed: {told}" if failed else "",
        "prometheus": f"Prometheus did not reach Alertmanager {unsent.total():g} times" if unsent else "",
    }


def _risen(found: Iterable[Series], label: str) -> Counter[str]:
    """Return by how much counters rose, by that label; those that did not are left out."""
    risen: Counter[str] = Counter()
    for series in found:
        values = [value for _, value in series.samples]
        by = sum(later - earlier if later >= earlier else later for earlier, later in pairwise(values))
        if by:
            risen[series.labels.get(label, "?")] += int(by)
    return risen
