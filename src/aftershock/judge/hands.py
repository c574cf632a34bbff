"""Which resizes of a workload were not its HPA's: somebody set the replicas by hand."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from datetime import timedelta

from aftershock.clock import from_rfc3339
from aftershock.judge.scaling_record import Resize
from aftershock.timeline import Event

__all__ = ["by_hand"]

_TOLD_WITHIN = timedelta(seconds=5)
"""The HPA writes its status, and an event, right after it has set the replicas."""
_BEFORE = timedelta(seconds=2)  # API timestamps are whole seconds, cut off
_NEW_SIZE = re.compile(r"New size: (\d+);")


def by_hand(events: Iterable[Event], hpa: str, resizes: Sequence[Resize]) -> list[Resize]:
    """Return those of `resizes` that `hpa` ("hpa/NS/NAME") did not claim as its own.

    It claims one by its status (desired replicas, and when it scaled last) or by the event
    SuccessfulRescale. Where the record ends before it had to, nobody is suspected.
    """
    record = list(events)
    about = "horizontalpodautoscaler" + hpa.removeprefix("hpa")
    seen = [event for event in record if event.kind == "hpa" and event.subject == hpa]
    if not record or not any("last_scale_at" in event.data for event in seen):
        return []
    told = [event for event in record if event.kind == "event" and event.subject == about]
    end = max(event.at for event in record)
    return [
        resize
        for resize in resizes
        if end >= resize.when.at + _TOLD_WITHIN
        and not any(_by_status(event, resize) for event in seen)
        and not any(_by_event(event, resize) for event in told)
    ]


def _by_status(event: Event, resize: Resize) -> bool:
    scaled = event.data.get("last_scale_at")
    if scaled is None or event.data["desired"] != resize.after:
        return False
    at = resize.when.at
    return at - _BEFORE <= from_rfc3339(scaled) <= at + _TOLD_WITHIN


def _by_event(event: Event, resize: Resize) -> bool:
    size = _NEW_SIZE.search(event.data["message"] or "")
    if event.data["reason"] != "SuccessfulRescale" or size is None or int(size[1]) != resize.after:
        return False
    at = resize.when.at
    return at - _BEFORE <= event.at <= at + _TOLD_WITHIN
