"""Metrics that pods export, as the custom metrics API gives them to an HPA."""

from __future__ import annotations

import math
from collections.abc import Iterable

from aftershock.cluster.api import KubeApi
from aftershock.cluster.targets import collection
from aftershock.errors import ApiError, TransientError
from aftershock.observe.resources import quantity
from aftershock.observe.sampler import Sample, Sampler, Wanted

__all__ = ["OwnMetrics", "metrics_of_hpas"]

_PATH = "/apis/custom.metrics.k8s.io/v1beta1/namespaces/{namespace}/pods/*/{metric}"


def metrics_of_hpas(api: KubeApi, namespaces: Iterable[str]) -> list[Wanted]:
    """Return what the HPAs of `namespaces` go by of the pods' own metrics: namespace and metric."""
    return sorted(
        {
            (namespace, metric["pods"]["metric"]["name"])
            for namespace in dict.fromkeys(namespaces)
            for hpa in api.items(collection("horizontalpodautoscaler", namespace))
            for metric in hpa["spec"].get("metrics") or ()
            if metric["type"] == "Pods"
        }
    )


class OwnMetrics(Sampler):
    """Polls metrics of pods, each `wanted` by namespace and name, and records each value that is new.

    The controller asks for itself at each of its looks, so what it got lies between two polls of
    ours. While the API does not answer, or has no such metric, there is a gap.
    """

    kind = "pod-own-metric"
    what = "the sampler of the pods' own metrics"
    endures = (ApiError, TransientError)

    def ask(self, wanted: Wanted) -> dict[str, Sample]:
        """Ask for the metric; its values are rounded up to thousandths, as the HPA controller rounds."""
        namespace, metric = wanted
        return {
            item["describedObject"]["name"]: _sample(metric, math.ceil(quantity(item["value"]) * 1000))
            for item in self.api.items(_PATH.format(namespace=namespace, metric=metric))
        }

    def nothing(self, wanted: Wanted) -> Sample:
        """Return the metric without a value."""
        return _sample(wanted[1], None)


def _sample(metric: str, value_m: int | None) -> Sample:
    return {"metric": metric, "value_m": value_m}
