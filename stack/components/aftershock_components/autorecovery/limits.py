"""How often, and in which order: why an incident has to wait."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta

from aftershock_components.autorecovery.incidents import Incident, Incidents
from aftershock_components.autorecovery.playbooks import Limits, Playbook
from aftershock_components.durations import seconds

__all__ = ["pause_s", "why_not_yet"]

MEMORY = timedelta(hours=1)


def why_not_yet(
    incident: Incident, book: Playbook, incidents: Incidents, *, others: Sequence[Incident], now: datetime
) -> str:
    """Return why nothing may be done about an incident now, "" if it may.

    `others` are the incidents of the same object, in the order of their turn.
    """
    lasted_s = (now - incident.created_at).total_seconds()
    if lasted_s < seconds(book.condition.lasts):
        return f"it has lasted {lasted_s:.0f} s of {book.condition.lasts}"
    ahead = next((one for one in others if one.is_open), incident)
    if ahead.key != incident.key:
        return f"{ahead.playbook} is at {ahead.finding.object} first"
    acts = incidents.acts(since=now - MEMORY, object=incident.finding.object)
    keys = list(dict.fromkeys(act.key for act in acts))  # several steps of one incident count once
    pause = pause_s(book.limits, len(keys))
    if acts and (now - acts[-1].at).total_seconds() < pause:
        return f"{acts[-1].playbook} acted on {incident.finding.object} less than {pause:g} s ago"
    within = incidents.acts(since=now - timedelta(seconds=seconds(book.limits.within)), playbook=book.name)
    if len({act.key for act in within}) >= book.limits.actions:
        return f"{book.name} has acted {book.limits.actions} times within {book.limits.within}"
    return ""


def pause_s(limits: Limits, times: int) -> float:
    """Return how long to wait after the last of so many actions on one object within the hour, in seconds."""
    if not times:
        return 0.0
    return float(min(seconds(limits.pause) * 2 ** (times - 1), seconds(limits.longest_pause)))
