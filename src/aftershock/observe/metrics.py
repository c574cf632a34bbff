"""Samples of the resource metrics API: what the HPA controller reads, when it could read it."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from typing import Any

from aftershock.clock import Clock
from aftershock.cluster.api import KubeApi
from aftershock.forecast.promql import seconds
from aftershock.observe.resources import quantity
from aftershock.observe.sampler import Sample, Sampler, Wanted
from aftershock.timeline import Timeline

__all__ = ["PodMetrics"]

_PATH = "/apis/metrics.k8s.io/v1beta1/namespaces/{namespace}/pods"


class PodMetrics(Sampler):
    """Polls the pods' metrics of some namespaces and records each new sample once."""

    kind = "pod-metrics"
    what = "the sampler of pod metrics"

    def __init__(
        self,
        api: KubeApi,
        timeline: Timeline,
        *,
        namespaces: Iterable[str],
        every_s: float = 1.0,
        clock: Clock | None = None,
    ) -> None:
        wanted = ((namespace,) for namespace in namespaces)
        super().__init__(api, timeline, wanted=wanted, every_s=every_s, clock=clock)

    def start(self) -> None:
        """Take the first samples, then go on in a thread.

        Raises:
            ApiError: the cluster has no metrics API, or does not let us read it.
            TransientError: it does not answer.

        """
        for each in self.seen:
            self.sample(each)
            self._state(each, "listed", count=len(self.seen[each]))
        super().start()

    def stop(self) -> None:
        """End the sampling and the record of it."""
        try:
            super().stop()
        finally:
            for each in self.seen:
                self._state(each, "stopped")

    def ask(self, wanted: Wanted) -> dict[str, Sample]:
        """Ask for the metrics of all pods of a namespace."""
        found = self.api.items(_PATH.format(namespace=wanted[0]))
        return {item["metadata"]["name"]: _describe(item) for item in found}

    def nothing(self, wanted: Wanted) -> Sample:  # noqa: ARG002 - the sampler's; it is the same for all
        """Return a sample without a time."""
        return _NOTHING

    def _state(self, wanted: Wanted, state: str, **data: Any) -> None:
        self.timeline.record("kubernetes", "watching", f"{self.kind}/{wanted[0]}", state=state, **data)


_NOTHING: Sample = {
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
        "window_s": seconds(item["window"]),
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
