"""How many pods of a deployment were Ready, as Prometheus scraped it: the third clock of a recovery.

Raw samples, so that the times are those of the scrapes and not of a query's steps.
"""

from __future__ import annotations

import math
from datetime import UTC, datetime, timedelta
from itertools import takewhile
from typing import Any

from aftershock.clock import Clock, from_rfc3339, rfc3339, wait_until
from aftershock.errors import DeadlineError, QueryError
from aftershock.observe.prometheus import Prometheus
from aftershock.timeline import Event, Timeline

__all__ = ["record_ready_replicas"]

# The state before the injection needs a sample, and that one another before it.
_MARGIN_S = 60.0
_READY = "kube_deployment_status_replicas_ready"
_WANTED = "kube_deployment_spec_replicas"


def record_ready_replicas(
    prometheus: Prometheus,
    timeline: Timeline,
    *,
    workload: str,
    since: datetime,
    past: datetime,
    confirm_s: float,
    within_s: float,
) -> Event:
    """Record the Ready and wanted pods of `workload` ("deployment/NS/NAME"), as Prometheus has them.

    From a minute before `since` on, by our clock. Waits until there is a sample later than
    `past` and its latest show for `confirm_s` seconds as many pods Ready as are wanted, at most
    `within_s` seconds. It is evidence and no verdict: where Prometheus does not answer, refuses,
    or has no sample later than `past` by then, the event says so in its `problem`.
    """
    look = _Look(prometheus, workload, since=since, clock=timeline.clock)
    problem = ""
    try:
        wait_until(
            lambda: look.reaches(past) and look.healthy_s >= confirm_s,
            within_s=within_s,
            every_s=0.5,
            what=f"a sample of {workload} after its recovery",
            clock=timeline.clock,
        )
    except (DeadlineError, QueryError) as error:
        said = error.found if isinstance(error, DeadlineError) else error.message
        problem = "" if look.samples else look.problem or said
    return timeline.record(
        "prometheus",
        "ready-replicas",
        workload,
        resolution_s=look.error_s,
        since=rfc3339(since),
        offset_s=look.offset_s,
        samples=look.samples,
        problem=problem,
    )


class _Look:
    """What the latest answer was."""

    def __init__(self, prometheus: Prometheus, workload: str, *, since: datetime, clock: Clock) -> None:
        self._prometheus = prometheus
        _, namespace, name = workload.split("/")
        self._labels = f'{{namespace="{namespace}",deployment="{name}"}}'
        self._since = since - timedelta(seconds=_MARGIN_S)
        self._clock = clock
        self.offset_s = 0.0
        self.error_s = 0.0
        self.samples: list[dict[str, Any]] = []
        self.problem = ""

    def reaches(self, past: datetime) -> bool:
        """Ask again; say whether there is a sample later than `past`."""
        self.problem = ""
        self.offset_s, self.error_s = self._prometheus.clock_offset()
        offset = timedelta(seconds=self.offset_s)
        now = self._clock.now() + offset
        ready = self._one(_READY, now)
        wanted = dict(self._one(_WANTED, now))
        # Both are of one scrape and carry its time.
        self.samples = [
            {
                "at": rfc3339(datetime.fromtimestamp(at, UTC)),
                "ready": _number(value),
                "wanted": _number(wanted[at]),
            }
            for at, value in ready
            if at in wanted
        ]
        last = datetime.fromtimestamp(ready[-1][0], UTC) - offset if self.samples else None
        if last is None:
            self.problem = f"Prometheus has no series {_READY}{self._labels}"
        return last is not None and last > past

    @property
    def healthy_s(self) -> float:
        """Over how many seconds the latest samples show as many Ready as are wanted; 0 if the last does not.

        As a recovery is judged: replicas that were added meanwhile are not waited for.
        """
        streak = list(takewhile(self._healthy, reversed(self.samples)))
        if not streak:
            return 0.0
        return (from_rfc3339(streak[0]["at"]) - from_rfc3339(streak[-1]["at"])).total_seconds()

    def _healthy(self, sample: dict[str, Any]) -> bool:
        ready, wanted, before = sample["ready"], sample["wanted"], self.samples[0]["wanted"]
        return None not in {ready, wanted, before} and ready >= min(wanted, before)

    def _one(self, metric: str, now: datetime) -> list[tuple[float, float]]:
        """Return the samples of the one series; of several exporters the one that has most."""
        found = self._prometheus.samples(metric + self._labels, start=self._since, end=now)
        pieces = sorted((list(series.samples) for series in found), key=len)
        return pieces[-1] if pieces else []


def _number(value: float) -> float | None:
    """Return `value`, None for NaN, which JSON does not have."""
    return None if math.isnan(value) else value
