"""When each new pod of a workload first answered a request that was not a probe."""

from __future__ import annotations

from collections import Counter

from aftershock.clock import Clock
from aftershock.cluster.api import KubeApi
from aftershock.errors import TransientError
from aftershock.observe.observer import Observer
from aftershock.observe.poller import Poller
from aftershock.observe.served import record_served
from aftershock.timeline import Timeline

__all__ = ["FirstServed"]


class FirstServed(Observer):
    """Asks each pod that `selector` matches for its count of requests until it has answered one.

    The error of a pod's first answer is the time since the look before. Pods that are there at the
    start are left alone: they served before. `asked` counts our own requests, also for others who ask.
    """

    def __init__(
        self,
        api: KubeApi,
        timeline: Timeline,
        *,
        namespace: str,
        selector: str,
        port: int,
        asked: Counter[str] | None = None,
        every_s: float = 0.5,
        clock: Clock | None = None,
    ) -> None:
        self._api = api
        self._timeline = timeline
        self._clock = clock or timeline.clock
        self._namespace, self._selector, self._port = namespace, selector, port
        self._done: set[str] = set()
        self._asked: Counter[str] = Counter() if asked is None else asked
        self._last = self._clock.monotonic()
        self._poller = Poller(
            self.look_once, every_s=every_s, what="the look for pods that serve", clock=self._clock
        )

    def start(self) -> None:
        """Note which pods there are, then look for others in a thread."""
        pods = self._api.items(f"/api/v1/namespaces/{self._namespace}/pods", labelSelector=self._selector)
        self._done = {f"pod/{self._namespace}/{pod['metadata']['name']}" for pod in pods}
        self._poller.start()

    def check(self) -> None:
        """Raise what ended the looking, if something did."""
        self._poller.check()

    def stop(self) -> None:
        """End the looking."""
        self._poller.stop()

    def look_once(self) -> None:
        """Ask every pod that has not answered yet. Where the API is away, the next look's error is larger."""
        asked = self._clock.monotonic()
        try:
            events = record_served(
                self._api,
                self._timeline,
                namespace=self._namespace,
                selector=self._selector,
                port=self._port,
                but=frozenset(self._done),
                asked=self._asked,
                resolution_s=asked - self._last,
            )
        except TransientError:
            return
        self._last = asked
        self._done |= {event.subject for event in events if event.data["requests"]}
