"""Prometheus, over prometheus-api-client: with time-outs, warnings and honest emptiness.

Three things stay apart that are easily mixed up: no series (an empty list), a sample that
is NaN, and a series whose last sample is old (stale). An error is an exception, never an
empty list.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Literal

import requests
from prometheus_api_client import PrometheusConnect
from urllib3.util import Retry

from aftershock.clock import Clock, SystemClock
from aftershock.cluster.connection import Endpoint
from aftershock.errors import QueryError, TransientError
from aftershock.observe.http import TIMEOUT_S, get_json, is_ready, refuse, session_for

__all__ = ["Prometheus", "Reading", "Sample", "Series"]

_LOOKBACK_S = 300.0
"""How old a sample an instant query still takes (Prometheus' default)."""


@dataclass(frozen=True, kw_only=True)
class Sample:
    """One result of an instant query. `value` may be NaN; a scalar has no labels."""

    labels: Mapping[str, str]
    value: float
    at: datetime


@dataclass(frozen=True, kw_only=True)
class Series:
    """Raw samples of one series, oldest first, as (seconds since the epoch, value)."""

    labels: Mapping[str, str]
    samples: Sequence[tuple[float, float]]


@dataclass(frozen=True, kw_only=True)
class Reading:
    """The last raw sample of a series, and whether it says anything."""

    labels: Mapping[str, str]
    value: float
    at: datetime
    state: Literal["ok", "nan", "stale"]


class Prometheus:
    """One Prometheus server. `warnings` are those of all answers so far, each once."""

    def __init__(
        self, endpoint: Endpoint, *, timeout_s: float = TIMEOUT_S, clock: Clock | None = None
    ) -> None:
        self.url = endpoint.url.rstrip("/")
        self.warnings: list[str] = []
        self._clock = clock or SystemClock()
        self._session = session_for(endpoint)
        self._session.hooks["response"].append(self._heed)
        self._client = PrometheusConnect(
            url=self.url,
            session=self._session,
            timeout=timeout_s,
            # Whoever waits decides about another try; hidden ones would hide an outage.
            retry=Retry(total=0, raise_on_status=False),
        )

    def ready(self) -> bool:
        """Whether it says that it is ready to answer queries; False also where nothing answers."""
        return is_ready(self._session, self.url)

    def query(self, expr: str, *, at: datetime | None = None) -> list[Sample]:
        """Return the result of an instant query; empty where nothing matches.

        Raises:
            QueryError: Prometheus refuses it, with its own message.
            TransientError: it does not answer.

        """
        return [
            Sample(labels=labels, value=float(point[1]), at=_time(point[0]))
            for labels, points in self._ask(expr, at)
            for point in points
        ]

    def samples(self, selector: str, *, start: datetime, end: datetime) -> list[Series]:
        """Return the raw samples of the series that `selector` matches, from `start` to `end`.

        Times are Prometheus' own, to the millisecond. Stale markers are left out: a series
        that ended has no sample after its end.

        Raises: as `query`.
        """
        millis = math.floor((end - start).total_seconds() * 1000) + 1
        return [
            Series(labels=labels, samples=tuple((float(at), float(value)) for at, value in points))
            for labels, points in self._ask(f"{selector}[{max(1, millis)}ms]", end)
        ]

    def latest(self, selector: str, *, max_age_s: float, at: datetime | None = None) -> list[Reading]:
        """Return the last raw sample of each series within the look-back, and what it is worth.

        It is stale if it is older than `max_age_s` at `at` (now), else NaN or ok.
        """
        now = at or self._clock.now()
        start = datetime.fromtimestamp(now.timestamp() - max(_LOOKBACK_S, max_age_s), UTC)
        readings = []
        for series in self.samples(selector, start=start, end=now):
            when, value = series.samples[-1]
            age = now.timestamp() - when
            state: Literal["ok", "nan", "stale"] = "nan" if math.isnan(value) else "ok"
            readings.append(
                Reading(
                    labels=series.labels,
                    value=value,
                    at=_time(when),
                    state="stale" if age > max_age_s else state,
                )
            )
        return readings

    def alerts(self) -> list[dict[str, Any]]:
        """Return the pending and firing alerts of this moment, as /api/v1/alerts has them."""
        found: list[dict[str, Any]] = self._data("alerts")["alerts"]
        return found

    def rules(self) -> list[dict[str, Any]]:
        """Return the rule groups with their rules and last evaluations, as /api/v1/rules has them."""
        found: list[dict[str, Any]] = self._data("rules")["groups"]
        return found

    def targets(self) -> list[dict[str, Any]]:
        """Return the active targets with their last scrapes, as /api/v1/targets has them."""
        found: list[dict[str, Any]] = self._data("targets", state="active")["activeTargets"]
        return found

    def exposed_by(self, metric: str) -> list[dict[str, str]]:
        """Return the labels of the targets that say they expose `metric`, also where it has no series now."""
        found = self._data("targets/metadata", metric=metric)
        return [entry["target"] for entry in found]

    def clock_offset(self) -> tuple[float, float]:
        """Return Prometheus' clock minus ours, and the largest error of that, in seconds."""
        before, sent = self._clock.now(), self._clock.monotonic()
        theirs = self.query("time()")[0].value
        took = self._clock.monotonic() - sent
        return theirs - (before.timestamp() + took / 2), took / 2

    def _data(self, what: str, **params: str) -> Any:
        return get_json(self._session, f"{self.url}/api/v1/{what}", params=params)["data"]

    def _ask(self, expr: str, at: datetime | None) -> Iterable[tuple[dict[str, str], list[Any]]]:
        """Yield (labels, points) of an instant query, whatever the type of its result."""
        params = {"time": f"{at.timestamp():.3f}"} if at else None
        try:
            result = self._client.custom_query(expr, params=params)
        except requests.RequestException as error:
            raise TransientError(f"{self.url} does not answer", found=repr(error)) from error
        if result and not isinstance(result[0], dict):
            yield {}, [result]  # a scalar
            return
        for series in result:
            yield series["metric"], series.get("values") or [series["value"]]

    def _heed(self, response: requests.Response, **_: Any) -> None:
        """Keep an answer's warnings, and turn a refusal into an error before the client words it."""
        if response.url.endswith("/-/ready"):
            return
        refuse(response)
        try:
            said = response.json()
        except requests.JSONDecodeError as error:
            raise QueryError(
                f"{self.url} does not answer like a Prometheus", status=response.status_code
            ) from error
        for warning in said.get("warnings") or ():
            if warning not in self.warnings:
                self.warnings.append(warning)


def _time(seconds: float) -> datetime:
    return datetime.fromtimestamp(float(seconds), UTC)
