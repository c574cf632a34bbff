"""One watch: list, then follow from there; after a break list again and own up to the gap."""

from __future__ import annotations

import threading
from collections.abc import Callable
from contextlib import closing
from http import HTTPStatus

from aftershock.clock import Clock
from aftershock.cluster.api import KubeApi
from aftershock.cluster.watch import Watch
from aftershock.errors import ApiError, TransientError
from aftershock.observe.ending import unseen
from aftershock.observe.gathering import Gathering
from aftershock.observe.lines import Lines
from aftershock.observe.listing import Instant, read_list
from aftershock.observe.notes import WATCH_RESOLUTION_S, Notes
from aftershock.observe.pacing import Pacing
from aftershock.observe.resources import Resource
from aftershock.timeline import Event

__all__ = ["BUSY_WATCH_S", "CATCH_UP_S", "RELIST_EVERY_S", "WATCH_S", "Watcher"]

WATCH_S = 15.0
"""How long one watch request lasts. Its regular end proves that nothing was lost, so a break loses
at most this long; it also bounds how long a stopped watcher's thread lives on."""

BUSY_WATCH_S = 30.0
"""The same for one that is begun while events gather: what it brings proves it meanwhile, and to begin one
costs as much as ten events do. If it brings nothing for WATCH_S, a new one is begun."""

RELIST_EVERY_S = (0.5, 2.0)
"""The first and the longest pause between two attempts to see again; each is twice the one before."""

CATCH_UP_S = 5.0
"""For how long after a break what a watch brings may be as old as the list: an API server that has just been
restarted was seen to bring, one by one, what had happened up to 4 s before."""

_REFUSED = {HTTPStatus.UNAUTHORIZED, HTTPStatus.FORBIDDEN}


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
        gathering: Gathering,
    ) -> None:
        self.subject = f"{resource.kind}/{namespace}"
        self._path = resource.path.format(namespace=namespace)
        self._resource = resource
        self._api = api
        self._clock = clock
        self._stopping = stopping
        self._notes = Notes(resource, namespace, clock=clock, emit=emit)
        self._lines = Lines(resource.type)
        self._pacing = Pacing()
        self._gathering = gathering
        self._version = ""
        self._sure = Instant.now(clock)  # nothing that happened before is missing, unless under way
        self._empty = self._sure  # when there was nothing to read: what is read then happened later
        self._heard = 0.0  # when the watch began, or last brought something
        self._live = 0.0  # from when on nothing comes that happened before the watch was there
        self._ended = False  # the watch has
        self._blind = ""  # why nothing is seen at the moment
        self._gave_up = False
        self._allowed = False  # the API has let us watch before
        self._steady = True  # the watch before, if any, ended in good order

    def list_now(self) -> None:
        """List once and record what is there.

        Raises:
            ApiError: the API refuses it.
            TransientError: the API does not answer.

        """
        self._list(sure=None)

    def run(self) -> None:
        """Follow until told to stop; what it raises is for the recorder.

        Raises:
            ApiError: the API refuses what can never be right, or our first watch.

        """
        try:
            while not self._stopping.is_set():
                try:
                    self._follow(self._begin())
                except (ApiError, TransientError) as error:
                    self._see_again(error)
        except BaseException as error:
            self._notes.gap(self._sure, None, f"the watcher gave up: {error}")
            self._gave_up = True
            raise

    def stop(self) -> None:
        """Record that the record ends here, and that it ended blind if it did."""
        reason = "" if self._gave_up else self._blind or self._unseen()
        if reason:
            self._notes.gap(self._sure, None, reason)
        self._notes.state("stopped")

    def _list(self, *, sure: Instant | None) -> Instant:
        """List, record what is there, and return when it was there at the latest."""
        found = read_list(
            self._api,
            self._path,
            take=lambda item: (item.metadata.uid, self._notes.kept("LISTED", item)),
            kind=self._resource.type,
            clock=self._clock,
        )
        self._notes.listed(found, sure=sure)
        self._version, self._sure = found.version, found.asked
        return found.answered

    def _begin(self) -> Watch:
        busy = self._pacing.gathers(self._clock.monotonic())
        return self._api.watch(
            self._path,
            timeout_s=BUSY_WATCH_S if busy else WATCH_S,
            resourceVersion=self._version,
            allowWatchBookmarks="true",
        )

    def _follow(self, watch: Watch) -> None:
        """Take what a watch brings, to its end. First comes what happened before it was there.

        Only what arrives proves that nothing before it is missing: a connection that carries
        nothing any more looks like a quiet one.
        """
        self._empty = self._sure
        self._heard = self._clock.monotonic()
        self._live = self._heard + (WATCH_RESOLUTION_S if self._steady else CATCH_UP_S)
        self._allowed = self._steady = True
        self._ended = False
        with closing(watch):
            while self._goes_on():
                if self._look(watch):
                    self._gathering.until_over(lambda: self._look(watch))
                elif self._goes_on():
                    self._next(watch, waiting=watch.drained())

    def _look(self, watch: Watch) -> bool:
        """Take all that has arrived, without waiting; say whether what comes next may be left to gather."""
        now = Instant.now(self._clock)
        while self._goes_on() and watch.ready():
            now = self._next(watch, waiting=False)
        if now.mono >= self._live and watch.drained():
            self._empty = now
        gathers = self._goes_on() and self._pacing.gathers(now.mono)
        if gathers and now.mono - self._heard > WATCH_S:  # it is dead, or all is quiet: a new one will tell
            self._ended, self._steady = True, False
            return False
        return gathers

    def _next(self, watch: Watch, *, waiting: bool) -> Instant:
        """Take the next line, for which we may have been `waiting`; return when it was read."""
        line = next(watch, None)
        now = Instant.now(self._clock)
        if waiting and now.mono >= self._live:  # it came this moment
            self._empty = now
        self._heard = now.mono
        if line is None:
            self._ended = True
        else:
            self._take(line, now, since=self._empty)
            self._pacing.count(now.mono)
        self._sure = self._empty
        return now

    def _goes_on(self) -> bool:
        return not (self._ended or self._stopping.is_set())

    def _take(self, text: bytes, now: Instant, *, since: Instant) -> None:
        line = self._lines.decode(text)
        if line.type != "BOOKMARK":
            self._notes.changed(line.type, line.object, now, since=since)
        self._version = line.object.metadata.resourceVersion

    def _see_again(self, broken: ApiError | TransientError) -> None:
        """List again as soon as the API answers, and record what was missed as a gap.

        It is asked for as long as the record lasts: nobody is served by one that ends early.
        """
        sure, error = self._sure, broken
        self._steady = False
        pause_s, longest_s = RELIST_EVERY_S
        while not self._stopping.is_set():
            if not self._passes(error):
                raise error
            self._blind = broken.message if error is broken else f"{broken.message}; {error.message}"
            try:
                until = self._list(sure=sure)
            except (ApiError, TransientError) as again:
                error = again
                self._clock.sleep(pause_s)
                pause_s = min(2 * pause_s, longest_s)
            else:
                self._notes.gap(sure, until, self._blind)
                self._blind = ""
                return

    def _passes(self, error: ApiError | TransientError) -> bool:
        """Say whether the API may answer otherwise when asked again.

        One that has just started refuses everybody until it has read its users and their roles.
        """
        if isinstance(error, TransientError) or error.status == HTTPStatus.GONE:
            return True
        return self._allowed and error.status in _REFUSED

    def _unseen(self) -> str:
        """Say why something may be missing up to now; "" if nothing is."""
        if self._clock.monotonic() - self._sure.mono <= WATCH_RESOLUTION_S:
            return ""
        return unseen(
            self._api,
            self._path,
            reached=lambda: self._version,
            versions=self._notes.versions,
            clock=self._clock,
        )
