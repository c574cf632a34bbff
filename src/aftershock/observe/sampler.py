"""What samplers of pods share: polls of the API by namespace, each new sample once, gaps between."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Iterable, Mapping
from typing import Any, ClassVar

from aftershock.clock import Clock
from aftershock.cluster.api import KubeApi
from aftershock.errors import AftershockError, TransientError
from aftershock.observe.listing import Instant
from aftershock.observe.notes import gap_data
from aftershock.observe.observer import Observer
from aftershock.observe.poller import Poller
from aftershock.timeline import Event, Timeline

__all__ = ["Sample", "Sampler", "Wanted"]

Wanted = tuple[str, ...]
"""What is asked for at once: a namespace, and what else tells it apart."""

Sample = Mapping[str, Any]


class Sampler(Observer):
    """Polls `wanted` and records each pod's sample that is new.

    It is recorded at the end of the poll that first saw it; the API cannot have given it before the
    poll before was asked, so the time since then is its resolution. A pod of which the API gives no
    sample any more is recorded once with `nothing`. Polls that fail leave a gap.
    """

    kind: ClassVar[str]
    what: ClassVar[str]
    endures: ClassVar[tuple[type[AftershockError], ...]] = (TransientError,)
    """What a poll may fail with; any other error ends the polling, and its gap is left open."""

    def __init__(
        self,
        api: KubeApi,
        timeline: Timeline,
        *,
        wanted: Iterable[Wanted],
        every_s: float = 1.0,
        clock: Clock | None = None,
    ) -> None:
        self.api = api
        self.timeline = timeline
        self.seen: dict[Wanted, dict[str, Sample]] = {each: {} for each in wanted}
        self._clock = clock or timeline.clock
        self._every_s = every_s
        # When the last poll that was answered was asked, or else the first one failed.
        self._last: dict[Wanted, Instant] = {}
        self._lost: dict[Wanted, str] = {}
        self._poller = Poller(self.sample_once, every_s=every_s, what=self.what, clock=self._clock)

    @abstractmethod
    def ask(self, wanted: Wanted) -> dict[str, Sample]:
        """Ask the API, and return the samples by the names of their pods."""

    @abstractmethod
    def nothing(self, wanted: Wanted) -> Sample:
        """Return what is recorded of a pod that has no sample any more."""

    def start(self) -> None:
        """Begin to poll, in a thread."""
        self._poller.start()

    def check(self) -> None:
        """Raise what ended the polling, if something did."""
        self._poller.check()

    def stop(self) -> None:
        """End the polling and the record of it."""
        try:
            self._poller.stop()
        finally:
            for each in self._lost.copy():
                self._gap(each, until=None)

    def sample_once(self) -> None:
        """Poll everything once.

        Raises:
            AftershockError: none that it endures; the gap that began is left open.

        """
        for each in self.seen:
            try:
                self.sample(each)
            except self.endures as error:
                self._lose(each, self._lost.get(each) or ": ".join((*each[1:], error.message)))
            except AftershockError as error:
                self._lose(each, f"the sampler gave up: {error.message}")
                raise

    def sample(self, wanted: Wanted) -> None:
        """Poll that once, and record what is new; all of one poll share one instant."""
        asked = Instant.now(self._clock)
        found = self.ask(wanted)
        now = Instant.now(self._clock)
        since_s = now.mono - self._last[wanted].mono if wanted in self._last else self._every_s
        if wanted in self._lost:
            self._gap(wanted, until=now)
        self._last[wanted] = asked
        seen = self.seen[wanted]
        for name in sorted(seen.keys() | found.keys()):
            if seen.get(name) != found.get(name):
                self._record(wanted[0], name, found.get(name, self.nothing(wanted)), now, since_s)
        self.seen[wanted] = found

    def _record(self, namespace: str, name: str, sample: Sample, now: Instant, since_s: float) -> None:
        self.timeline.append(
            Event(
                at=now.at,
                mono=now.mono,
                source="kubernetes",
                kind=self.kind,
                subject=f"pod/{namespace}/{name}",
                data={"namespace": namespace, "name": name, **sample},
                resolution_s=since_s,
            )
        )

    def _lose(self, wanted: Wanted, reason: str) -> None:
        self._lost[wanted] = reason
        self._last.setdefault(wanted, Instant.now(self._clock))

    def _gap(self, wanted: Wanted, *, until: Instant | None) -> None:
        data = gap_data(self.kind, wanted[0], self._last[wanted], until, self._lost.pop(wanted))
        self.timeline.record("kubernetes", "gap", f"{self.kind}/{wanted[0]}", **data)
