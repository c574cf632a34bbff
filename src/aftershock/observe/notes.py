"""What the timeline is told of one resource in one namespace, and what is known of it by now."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Any

from aftershock.clock import Clock, rfc3339
from aftershock.observe.kube_types import KubeObject
from aftershock.observe.listing import Instant, Listing
from aftershock.observe.resources import Resource
from aftershock.observe.sharing import Sharing, like
from aftershock.timeline import Event

__all__ = ["WATCH_RESOLUTION_S", "Kept", "Notes", "gap_data"]

WATCH_RESOLUTION_S = 0.1
"""From a change in the API to our receipt of it: 20 ms at most when measured idle (10 ms median), with
room for a machine whose cores are busy."""

Kept = tuple[str, dict[str, Any]]
"""What is kept of an object: what the timeline calls it, and its data."""


class Notes:
    """Writes changes, lists, states and gaps. `known` are the objects there are, by UID."""

    def __init__(
        self, resource: Resource, namespace: str, *, clock: Clock, emit: Callable[[Event], None]
    ) -> None:
        self.known: dict[str, Kept] = {}
        self._resource = resource
        self._namespace = namespace
        self._subject = f"{resource.kind}/{namespace}"
        self._clock = clock
        self._emit = emit
        self._sharing = Sharing()

    def kept(self, change: str, item: KubeObject) -> Kept:
        """Return what is kept of an object, sharing what is kept already."""
        data = {"type": change, **self._resource.data_of(item)}
        known = self.known.get(item.metadata.uid)
        if known is None:
            return self._resource.subject_of(item), self._sharing.first(data)
        return known[0], like(data, known[1])

    def versions(self) -> dict[str, str]:
        """Return the version known of each object, by UID. Any thread may ask."""
        return {uid: data["resource_version"] for uid, (_, data) in self.known.copy().items()}

    def changed(self, change: str, item: KubeObject, now: Instant, *, since: Instant) -> None:
        """Note a change that a watch brought at `now`, and that was not there yet at `since`."""
        subject, data = self.kept(change, item)
        if change == "DELETED":
            self.known.pop(item.metadata.uid, None)
        else:
            self.known[item.metadata.uid] = (subject, data)
        self._write(self._resource.kind, subject, data, now, now.mono - since.mono + WATCH_RESOLUTION_S)

    def listed(self, listing: Listing[Kept], *, sure: Instant | None) -> None:
        """Note a list: the first one, or one after a break; then all of it happened after `sure`.

        What is not in it any more is noted as GONE: nobody saw how.
        """
        for uid in self.known.keys() - listing.objects.keys():
            subject, data = self.known[uid]
            self._listed(subject, {**data, "type": "GONE"}, sure)
        for subject, data in listing.objects.values():
            self._listed(subject, data, sure)
        self.known = listing.objects
        self.state("listed", count=len(listing.objects))

    def _listed(self, subject: str, data: dict[str, Any], sure: Instant | None) -> None:
        now = Instant.now(self._clock)
        within_s = now.mono - sure.mono + WATCH_RESOLUTION_S if sure else 0.0
        self._write(self._resource.kind, subject, data, now, within_s)

    def gap(self, sure: Instant, until: Instant | None, reason: str) -> None:
        """Note that what happened after `sure` may be missing, until then or to the end of the record.

        The gap begins a little before: what had just happened may have been under way to us.
        """
        since = Instant(sure.at - timedelta(seconds=WATCH_RESOLUTION_S), sure.mono - WATCH_RESOLUTION_S)
        data = gap_data(self._resource.kind, self._namespace, since, until, reason)
        self._write("gap", self._subject, data, Instant.now(self._clock))

    def state(self, state: str, **data: Any) -> None:
        """Note where the record of this resource begins, goes on or ends."""
        self._write("watching", self._subject, {"state": state, **data}, Instant.now(self._clock))

    def _write(
        self, kind: str, subject: str, data: dict[str, Any], now: Instant, resolution_s: float = 0.0
    ) -> None:
        self._emit(
            Event(
                at=now.at,
                mono=now.mono,
                source="kubernetes",
                kind=kind,
                subject=subject,
                data=data,
                resolution_s=resolution_s,
            )
        )


def gap_data(
    resource: str, namespace: str, since: Instant, until: Instant | None, reason: str
) -> dict[str, Any]:
    """Return the data of a gap: what may be missing, from when until when; None: to the end of the record."""
    return {
        "resource": resource,
        "namespace": namespace,
        "from": rfc3339(since.at),
        "until": rfc3339(until.at) if until else None,
        "from_mono": since.mono,
        "until_mono": until.mono if until else None,
        "reason": reason,
    }
