"""The recorder: watches of everything that the judges read, each in a thread of its own.

Those whose events gather are read by one thread for all of them meanwhile.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor

from aftershock.clock import Clock
from aftershock.cluster.api import KubeApi
from aftershock.errors import AftershockError
from aftershock.observe.gathering import Gathering
from aftershock.observe.observer import Observer
from aftershock.observe.resources import RESOURCES
from aftershock.observe.watcher import Watcher
from aftershock.timeline import Event, Timeline

__all__ = ["Recorder"]


class Recorder(Observer):
    """Watches namespaces and the nodes, and writes what it sees into the timeline.

    `start` returns when everything has been listed once. A watcher that gives up leaves an
    open gap in the record, and `check` and `stop` raise what ended it.
    """

    def __init__(
        self,
        api: KubeApi,
        timeline: Timeline,
        *,
        namespaces: Iterable[str],
        clock: Clock | None = None,
        kinds: Iterable[str] = tuple(RESOURCES),
    ) -> None:
        self._timeline = timeline
        self._stopping = threading.Event()
        self._lock = threading.Lock()
        self._errors: list[BaseException] = []
        self._threads: list[threading.Thread] = []
        clock = clock or timeline.clock
        gathering = Gathering(clock)
        chosen = [RESOURCES[kind] for kind in kinds]
        spaces = list(dict.fromkeys(namespaces))
        self._watchers = [
            Watcher(
                api,
                resource,
                namespace,
                clock=clock,
                emit=self._emit,
                stopping=self._stopping,
                gathering=gathering,
            )
            for resource in chosen
            for namespace in (spaces if resource.namespaced else [""])
        ]

    def start(self) -> None:
        """List everything, then follow it.

        Raises:
            ApiError, TransientError: a resource cannot be listed; nothing was started.

        """
        for watcher in self._watchers:
            watcher.list_now()
        for watcher in self._watchers:
            thread = threading.Thread(
                target=self._guarded(watcher.run), name=f"watch {watcher.subject}", daemon=True
            )
            self._threads.append(thread)
            thread.start()

    def check(self) -> None:
        """Raise what ended a watcher, if one gave up.

        Raises:
            AftershockError: a watcher gave up; the record has an open gap.

        """
        if self._errors:
            first = self._errors[0]
            raise AftershockError("a watch of the cluster gave up", found=f"{first!r}") from first

    def stop(self) -> None:
        """End the record, and raise what `check` raises.

        Threads that wait for a quiet watch end when the server ends it; they record nothing
        any more.
        """
        if not self._stopping.is_set():
            # At once: each may ask the API whether it has missed something, and wait for the answer.
            with ThreadPoolExecutor(len(self._watchers) or 1) as pool:
                for _ in pool.map(Watcher.stop, self._watchers):
                    pass
            with self._lock:
                self._stopping.set()
        self.check()

    def _emit(self, event: Event) -> None:
        with self._lock:
            if not self._stopping.is_set():
                self._timeline.append(event)

    def _guarded(self, run: Callable[[], None]) -> Callable[[], None]:
        def guarded() -> None:
            try:
                run()
            except BaseException as error:  # noqa: BLE001 - kept for `check`; a thread has no caller
                self._errors.append(error)

        return guarded
