"""Metrics that pods export, as the custom metrics API gives them to an HPA."""

from __future__ import annotations

import math
from collections.abc import Iterable
from datetime import datetime
from typing import Any

from aftershock.clock import Clock, rfc3339
from aftershock.cluster.api import KubeApi
from aftershock.errors import AftershockError, ApiError, TransientError
from aftershock.observe.observer import Observer
from aftershock.observe.poller import Poller
from aftershock.observe.resources import quantity
from aftershock.timeline import Event, Timeline

__all__ = ["OwnMetrics", "metrics_of_hpas"]

_PATH = "/apis/custom.metrics.k8s.io/v1beta1/namespaces/{namespace}/pods/*/{metric}"
_KIND = "pod-own-metric"

Wanted = tuple[str, str]
"""A namespace and the name of a metric."""


def metrics_of_hpas(api: KubeApi, namespaces: Iterable[str]) -> list[Wanted]:
    """Return what the HPAs of `namespaces` go by of the pods' own metrics."""
    return sorted(
        {
            (namespace, metric["pods"]["metric"]["name"])
            for namespace in dict.fromkeys(namespaces)
            for hpa in api.items(f"/apis/autoscaling/v2/namespaces/{namespace}/horizontalpodautoscalers")
            for metric in hpa["spec"].get("metrics") or ()
            if metric["type"] == "Pods"
        }
    )


class OwnMetrics(Observer):
    """Polls metrics of pods and records each value that is new.

    The controller asks for itself at each of its looks, so what it got lies between two polls of
    ours: the time between them is the resolution. A pod whose value the API stops giving is recorded
    once without one. While the API does not answer, or has no such metric, there is a gap.
    """

    def __init__(
        self,
        api: KubeApi,
        timeline: Timeline,
        *,
        wanted: Iterable[Wanted],
        every_s: float = 1.0,
        clock: Clock | None = None,
    ) -> None:
        self._api = api
        self._timeline = timeline
        self._clock = clock or timeline.clock
        self._every_s = every_s
        self._seen: dict[Wanted, dict[str, int]] = {each: {} for each in wanted}
        self._last: dict[Wanted, tuple[datetime, float]] = {}
        self._lost: dict[Wanted, str] = {}
        self._poller = Poller(
            self.sample_once, every_s=every_s, what="the sampler of the pods' own metrics", clock=self._clock
        )

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
        """Ask for every metric once."""
        for each in self._seen:
            try:
                self._sample(each)
            except (ApiError, TransientError) as error:
                self._lose(each, error)

    def _sample(self, each: Wanted) -> None:
        namespace, metric = each
        asked = (self._clock.now(), self._clock.monotonic())
        found = self._api.items(_PATH.format(namespace=namespace, metric=metric))
        now = (self._clock.now(), self._clock.monotonic())
        since = now[1] - self._last[each][1] if each in self._last else self._every_s
        if each in self._lost:
            self._gap(each, until=now)
        self._last[each] = asked
        values = {
            item["describedObject"]["name"]: math.ceil(quantity(item["value"]) * 1000) for item in found
        }
        seen = self._seen[each]
        for name in sorted(seen.keys() | values.keys()):
            if seen.get(name) != values.get(name):
                self._record(each, name, values.get(name), now, since)
        self._seen[each] = values

    def _record(
        self, each: Wanted, name: str, value_m: int | None, now: tuple[datetime, float], since: float
    ) -> None:
        namespace, metric = each
        self._timeline.append(
            Event(
                at=now[0],
                mono=now[1],
                source="kubernetes",
                kind=_KIND,
                subject=f"pod/{namespace}/{name}",
                data={"namespace": namespace, "name": name, "metric": metric, "value_m": value_m},
                resolution_s=since,
            )
        )

    def _lose(self, each: Wanted, error: AftershockError) -> None:
        self._lost.setdefault(each, f"{each[1]}: {error.message}")
        self._last.setdefault(each, (self._clock.now(), self._clock.monotonic()))

    def _gap(self, each: Wanted, *, until: tuple[datetime, float] | None) -> None:
        start = self._last[each]
        data: dict[str, Any] = {
            "resource": _KIND,
            "namespace": each[0],
            "from": rfc3339(start[0]),
            "until": rfc3339(until[0]) if until else None,
            "from_mono": start[1],
            "until_mono": until[1] if until else None,
            "reason": self._lost.pop(each),
        }
        self._timeline.record("kubernetes", "gap", f"{_KIND}/{each[0]}", **data)
