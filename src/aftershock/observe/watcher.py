"""One watch: list, then follow from there; after a break list again and own up to the gap."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable
from datetime import datetime
from http import HTTPStatus
from typing import Any

import msgspec

from aftershock.clock import Clock, rfc3339, wait_until
from aftershock.cluster.api import KubeApi
from aftershock.errors import ApiError, TransientError
from aftershock.observe.kube_types import KubeObject, ListMeta, Status, WatchLine
from aftershock.observe.resources import Resource
from aftershock.timeline import Event

__all__ = ["WATCH_RESOLUTION_S", "Watcher"]

WATCH_RESOLUTION_S = 0.1
"""From a change in the API to our receipt of it: 20 ms at most when measured idle (10 ms median), with
room for a machine whose cores are busy."""

WATCH_S = 15.0
"""How long one watch request lasts. Its regular end proves that nothing was lost, so a break loses
at most this long; it also bounds how long a stopped watcher's thread lives on."""

_RELIST_WITHIN_S = 300.0
_RELIST_EVERY_S = 0.5


class _List(msgspec.Struct):
    """A list whose items are decoded one by one."""

    metadata: ListMeta
    items: list[msgspec.Raw] = []


class _BrokenError(Exception):
    """The watch cannot go on from where it was."""


class Watcher:
    """Follows one resource, in one namespace if it has namespaces.

    `emit` gets every event to record. `list_now` must be called first, then `run` in a
    thread of its own until `stopping` is set.
    """

    def __init__(
        self,
        api: KubeApi,
        resource: Resource,
        namespace: str,
        *,
        clock: Clock,
        emit: Callable[[Event], None],
        stopping: threading.Event,
    ) -> None:
        self.resource = resource
        self.namespace = namespace
        self.subject = f"{resource.kind}/{namespace}"
        self._path = resource.path.format(namespace=namespace)
        self._api = api
        self._clock = clock
        self._emit = emit
        self._stopping = stopping
        self._decoder = msgspec.json.Decoder(resource.type)
        self._version = ""
        self._known: dict[str, tuple[str, dict[str, Any]]] = {}  # by UID: subject and data, to report GONE
        self._seen_until = (clock.now(), clock.monotonic())
        self._broken = ""  # why nothing is seen at the moment

    def list_now(self, *, resolution_s: float = 0.0) -> int:
        """List once and record what is there; return how many objects there are.

        Raises:
            ApiError: the API refuses it.
            TransientError: the API does not answer.

        """
        found = msgspec.json.decode(self._api.text(self._path), type=_List)
        present = [self._decoder.decode(raw) for raw in found.items]
        self._touch()
        for uid in self._known.keys() - {item.metadata.uid for item in present}:
            subject, data = self._known.pop(uid)
            self._record(subject, {**data, "type": "GONE"}, resolution_s)
        for item in present:
            self._take("LISTED", item, resolution_s)
        self._version = found.metadata.resourceVersion
        self._state("listed", count=len(present))
        return len(present)

    def run(self) -> None:
        """Follow until told to stop; what it raises is for the recorder."""
        try:
            while not self._stopping.is_set():
                self._round()
        except BaseException as error:
            self._broken = f"the watcher gave up: {error}"
            self._gap(self._seen_until, None, self._broken)
            raise

    def stop(self) -> None:
        """Record that the record ends here, and that it ended blind if it did."""
        if self._broken:
            self._gap(self._seen_until, None, self._broken)
        self._state("stopped")

    def _round(self) -> None:
        try:
            self._follow(
                self._api.watch(
                    self._path,
                    timeout_s=WATCH_S,
                    resourceVersion=self._version,
                    allowWatchBookmarks="true",
                )
            )
        except TransientError as error:
            self._relist(error.message)
        except _BrokenError as error:
            self._relist(str(error))
        except ApiError as error:
            if error.status != HTTPStatus.GONE:
                raise
            self._relist(error.message)

    def _follow(self, lines: Iterable[bytes]) -> None:
        for line in lines:
            if self._stopping.is_set():
                return
            self._line(msgspec.json.decode(line, type=WatchLine))
        self._touch()  # ended by the server in good order: nothing is missing up to here

    def _line(self, line: WatchLine) -> None:
        if line.type == "ERROR":
            status = msgspec.json.decode(line.object, type=Status)
            if status.code == HTTPStatus.GONE or status.code >= HTTPStatus.TOO_MANY_REQUESTS:
                raise _BrokenError(f"{status.code} {status.reason}: {status.message}")
            raise ApiError(f"watch {self._path}: {status.message}", status=status.code)
        if line.type == "BOOKMARK":
            self._version = msgspec.json.decode(line.object, type=KubeObject).metadata.resourceVersion
        else:
            item = self._decoder.decode(line.object)
            self._take(line.type, item, WATCH_RESOLUTION_S)
            self._version = item.metadata.resourceVersion
        self._touch()

    def _take(self, change: str, item: KubeObject, resolution_s: float) -> None:
        subject, data = self.resource.subject_of(item), {"type": change, **self.resource.data_of(item)}
        if change == "DELETED":
            self._known.pop(item.metadata.uid, None)
        else:
            self._known[item.metadata.uid] = (subject, data)
        self._record(subject, data, resolution_s)

    def _relist(self, reason: str) -> None:
        """List again as soon as the API answers, and record what was missed as a gap."""
        lost = self._seen_until

        def list_again() -> bool:
            if not self._stopping.is_set():
                self.list_now(resolution_s=self._clock.monotonic() - lost[1])
            return True

        self._broken = reason
        wait_until(
            list_again,
            within_s=_RELIST_WITHIN_S,
            every_s=_RELIST_EVERY_S,
            what=f"a list of {self._path}",
            clock=self._clock,
        )
        if not self._stopping.is_set():
            self._gap(lost, self._seen_until, reason)
            self._broken = ""

    def _touch(self) -> None:
        self._seen_until = (self._clock.now(), self._clock.monotonic())

    def _gap(self, start: tuple[datetime, float], end: tuple[datetime, float] | None, reason: str) -> None:
        data = {
            "resource": self.resource.kind,
            "namespace": self.namespace,
            "from": rfc3339(start[0]),
            "until": rfc3339(end[0]) if end else None,
            "from_mono": start[1],
            "until_mono": end[1] if end else None,
            "reason": reason,
        }
        self._record(self.subject, data, 0.0, kind="gap")

    def _state(self, state: str, **data: Any) -> None:
        self._record(self.subject, {"state": state, **data}, 0.0, kind="watching")

    def _record(self, subject: str, data: dict[str, Any], resolution_s: float, *, kind: str = "") -> None:
        self._emit(
            Event(
                at=self._clock.now(),
                mono=self._clock.monotonic(),
                source="kubernetes",
                kind=kind or self.resource.kind,
                subject=subject,
                data=data,
                resolution_s=resolution_s,
            )
        )
