"""How soon a container is Ready again, or a new pod Ready: restart back-off and probes.

The figures are the kubelet's. It looks at its containers every second (RELIST_S). A container
that ended is started at once the first time, then after 10, 20, 40 … 300 s since it ended; ten
minutes after a start that is forgotten. A probe runs every `period`, first when the container
has run for `initial_delay`, of whose start the kubelet keeps whole seconds only, so up to a
second sooner. Readiness is not asked before the startup probe succeeded, and is then asked
at once.

What the application itself needs to start is not known and not in these figures.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from aftershock.forecast.beat import Bounds

__all__ = ["BACKOFF_S", "Container", "Probe", "new_pod", "next_wait", "probed_again", "ready_again"]

BACKOFF_S = (0.0, 10.0, 20.0, 40.0, 80.0, 160.0, 300.0)
"""How long the first, second, third … restart in a row waits, in seconds since the container ended."""

RESET_S = 600.0
RELIST_S = 1.0
_WHOLE_SECOND_S = 1.0


@dataclass(frozen=True, kw_only=True)
class Probe:
    """A startup or readiness probe, in seconds."""

    initial_delay_s: float = 0.0
    period_s: float = 10.0
    timeout_s: float = 1.0
    successes: int = 1


@dataclass(frozen=True, kw_only=True)
class Container:
    """What decides how soon a container is Ready; `wait` is the least and most its next restart waits."""

    name: str
    startup: Probe | None = None
    readiness: Probe | None = None
    wait: tuple[float, float] = (0.0, 0.0)

    def ready(self) -> Bounds:
        """Return the range from its start to Ready, for an application that is ready at once."""
        earliest = latest = 0.0
        if self.startup:
            earliest = max(0.0, self.startup.initial_delay_s - _WHOLE_SECOND_S)
            latest = self.startup.initial_delay_s + self.startup.period_s + self.startup.timeout_s
        if self.readiness:
            more_s = (self.readiness.successes - 1) * self.readiness.period_s
            earliest = max(earliest, self.readiness.initial_delay_s - _WHOLE_SECOND_S) + more_s
            latest = (
                max(latest, self.readiness.initial_delay_s)
                + self.readiness.period_s
                + more_s
                + self.readiness.timeout_s
            )
        return Bounds(earliest_s=earliest, latest_s=latest)


def next_wait(
    *, restarts: int, started: datetime | None, ended_before: datetime | None, now: datetime
) -> tuple[float, float]:
    """Return the least and most that the next restart of a container waits, in seconds.

    `restarts` is how often it was restarted so far, `started` when it was last, `ended_before`
    when the container before it had ended. How long it waited then tells what comes next.
    """
    if restarts == 0:
        return 0.0, 0.0
    if started is None or ended_before is None:
        return 0.0, BACKOFF_S[min(restarts, len(BACKOFF_S) - 1)]
    if (now - started).total_seconds() > RESET_S:
        return 0.0, 0.0
    # Both are whole seconds, so the difference may be off by almost one.
    waited = (started - ended_before).total_seconds() + _WHOLE_SECOND_S
    place = max(number for number, wait in enumerate(BACKOFF_S) if wait <= waited)
    longest = BACKOFF_S[min(place + 1, restarts, len(BACKOFF_S) - 1)]
    # By the time it ends, the last start may be ten minutes ago.
    return longest, longest


def ready_again(containers: Sequence[Container]) -> Bounds:
    """Return the range from the first degradation to Ready again, where one of `containers` is restarted.

    They are the candidates: which of them it will be is not known.
    """
    ready = [(container.wait, container.ready()) for container in containers]
    return Bounds(
        # The degradation is seen up to a relist after the container has ended.
        earliest_s=min((max(0.0, wait[0] - RELIST_S) + b.earliest_s for wait, b in ready), default=0.0),
        latest_s=max((RELIST_S + wait[1] + (b.latest_s or 0.0) for wait, b in ready), default=None),
    )


def new_pod(containers: Sequence[Container]) -> Bounds:
    """Return the range from a new pod's first start to Ready: all its containers have to be.

    Scheduling, pulling and what the application needs come on top.
    """
    ready = [container.ready() for container in containers]
    return Bounds(
        earliest_s=max((bounds.earliest_s for bounds in ready), default=0.0),
        latest_s=max((bounds.latest_s or 0.0 for bounds in ready), default=None),
    )


def probed_again(containers: Sequence[Container]) -> Bounds:
    """Return the range from the end of what made probes fail to Ready, if nothing was restarted.

    The next readiness probe comes within a period; one that still hangs takes its timeout.
    """
    probes = [container.readiness for container in containers if container.readiness]
    return Bounds(
        earliest_s=max(((probe.successes - 1) * probe.period_s for probe in probes), default=0.0),
        latest_s=max((probe.successes * probe.period_s + probe.timeout_s for probe in probes), default=0.0),
    )
