"""Samples of the resource metrics API: what the HPA controller reads, when it could read it."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Any

from aftershock.clock import Clock, rfc3339
from aftershock.cluster.api import KubeApi
from aftershock.errors import AftershockError, TransientError
from aftershock.observe.observer import Observer
from aftershock.observe.poller import Poller
from aftershock.observe.resources import quantity
from aftershock.timeline import Event, Timeline

__all__ = ["PodMetrics"]

_PATH = "/apis/metrics.k8s.io/v1beta1/namespaces/{namespace}/pods"
_KIND = "pod-metrics"


class PodMetrics(Observer):
    """Polls the pods' metrics of some namespaces and records each new sample once.

    A sample is recorded at the end of the poll that first saw it; the API cannot have given
    it before the poll before was asked, so the time since then is its resolution. A pod
    whose metrics the API stops giving is recorded once without a time. Polls that fail
    leave a gap.
    """

    def __init__(
        self,
        api: KubeApi,
        timeline: Timeline,
        *,
        namespaces: Iterable[str],
        every_s: float = 1.0,
        clock: Clock | None = None,
    ) -> None:
        self._api = api
        self._timeline = timeline
        self._clock = clock or timeline.clock
        self._every_s = every_s
        self._namespaces = list(dict.fromkeys(namespaces))
        self._seen: dict[str, dict[str, Mapping[str, Any]]] = {ns: {} for ns in self._namespaces}
        # When the last poll that was answered was asked.
        self._last: dict[str, tuple[datetime, float]] = {}
        self._lost: dict[str, str] = {}
        self._poller = Poller(
            self.sample_once, every_s=every_s, what="the sampler of pod metrics", clock=self._clock
        )

    def start(self) -> None:
        """Take the first samples, then go on in a thread.

        Raises:
            ApiError: the cluster has no metrics API, or does not let us read it.
            TransientError: it does not answer.

        """
        for namespace in self._namespaces:
            self._sample(namespace)
            self._state(namespace, "listed", count=len(self._seen[namespace]))
        self._poller.start()

    def check(self) -> None:
        """Raise what ended the sampling, if something did."""
        self._poller.check()

    def stop(self) -> None:
        """End the sampling and the record of it."""
        try:
            self._poller.stop()
        finally:
            for namespace in self._namespaces:
                if namespace in self._lost:
                    self._gap(namespace, until=None)
                self._state(namespace, "stopped")

    def sample_once(self) -> None:
        """Poll every namespace once.

        Raises:
            ApiError: the API refuses; the gap that began is left open.

        """
        for namespace in self._namespaces:
            try:
                self._sample(namespace)
            except TransientError as error:
                self._lost.setdefault(namespace, error.message)
            except AftershockError as error:
                self._lost[namespace] = f"the sampler gave up: {error.message}"
                raise

    def _sample(self, namespace: str) -> None:
        asked = (self._clock.now(), self._clock.monotonic())
        found = self._api.items(_PATH.format(namespace=namespace))
        now = (self._clock.now(), self._clock.monotonic())
        since = now[1] - self._last[namespace][1] if namespace in self._last else self._every_s
        if namespace in self._lost:
            self._gap(namespace, until=now)
        self._last[namespace] = asked
        seen = self._seen[namespace]
        current = {item["metadata"]["name"]: _describe(item) for item in found}
        for name in seen.keys() - current.keys():
            del seen[name]
            self._record(namespace, name, now, since, _NOTHING)
        for name, sample in current.items():
            if seen.get(name) != sample:
                seen[name] = sample
                self._record(namespace, name, now, since, sample)

    def _record(
        self, namespace: str, name: str, now: tuple[datetime, float], since: float, data: Mapping[str, Any]
    ) -> None:
        """Record a sample; all of one poll share one instant."""
        self._timeline.append(
            Event(
                at=now[0],
                mono=now[1],
                source="kubernetes",
                kind=_KIND,
                subject=f"pod/{namespace}/{name}",
                data={"namespace": namespace, "name": name, **data},
                resolution_s=since,
            )
        )

    def _gap(self, namespace: str, *, until: tuple[datetime, float] | None) -> None:
        start = self._last.get(namespace, (self._clock.now(), self._clock.monotonic()))
        times = {"from": rfc3339(start[0]), "until": rfc3339(until[0]) if until else None}
        data: dict[str, Any] = {
            "resource": _KIND,
            "namespace": namespace,
            **times,
            "from_mono": start[1],
            "until_mono": until[1] if until else None,
            "reason": self._lost.pop(namespace),
        }
        self._timeline.record("kubernetes", "gap", f"{_KIND}/{namespace}", **data)

    def _state(self, namespace: str, state: str, **data: Any) -> None:
        self._timeline.record("kubernetes", "watching", f"{_KIND}/{namespace}", state=state, **data)


_NOTHING: Mapping[str, Any] = {
    "timestamp": None,
    "window_s": None,
    "cpu_m": None,
    "memory": None,
    "containers": {},
}


def _describe(item: Mapping[str, Any]) -> dict[str, Any]:
    containers = {entry["name"]: _usage(entry["usage"]) for entry in item["containers"]}
    return {
        "timestamp": item["timestamp"],
        "window_s": _seconds(item["window"]),
        "cpu_m": _total(containers, "cpu_m"),
        "memory": _total(containers, "memory"),
        "containers": containers,
    }


def _usage(usage: Mapping[str, str]) -> dict[str, float | int | None]:
    cores = quantity(usage["cpu"]) if "cpu" in usage else None
    return {
        # Rounded up per container, as the HPA controller rounds.
        "cpu_m": None if cores is None else math.ceil(cores * 1000),
        "cpu_cores": None if cores is None else float(cores),
        "memory": int(quantity(usage["memory"])) if "memory" in usage else None,
    }


def _total(containers: Mapping[str, Mapping[str, Any]], name: str) -> int | None:
    """Return the sum over the containers; None, as the HPA controller has it, if one has no value."""
    values = [container[name] for container in containers.values()]
    return None if not values or None in values else sum(values)


def _seconds(text: str) -> float:
    """Read the API's duration of a window, as "15.123s" or "1m30s"."""
    total, number = 0.0, ""
    units = {"h": 3600.0, "m": 60.0, "s": 1.0}
    for character in text.replace("ms", "x"):
        if character in units or character == "x":
            total += float(number) * units.get(character, 0.001)
            number = ""
        else:
            number += character
    return total
