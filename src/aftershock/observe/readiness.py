"""Whether the monitoring sees what it should: asked by `up` before it says that it is done."""

from __future__ import annotations

from collections.abc import Sequence

from aftershock.clock import Clock, wait_until
from aftershock.cluster.api import Json
from aftershock.cluster.connect import connect
from aftershock.cluster.connection import Cluster
from aftershock.cluster.targets import collection
from aftershock.config import Settings
from aftershock.errors import DeadlineError, EnvironmentUnusableError, TransientError
from aftershock.observe.prometheus import Prometheus

__all__ = ["monitoring_ready"]

# Prometheus loads what the operator gives it after up to a minute, then scrapes every 5 s.
WITHIN_S = 150.0
_POOLS = {"ServiceMonitor": "serviceMonitor", "PodMonitor": "podMonitor"}
"""How the operator's names of scrape pools begin, by the kind that each is made of."""


def monitoring_ready(settings: Settings, items: Sequence[Json], *, clock: Clock | None = None) -> None:
    """Return once Prometheus has the rules and monitors of `items`, its targets are up and HPAs have metrics.

    Raises:
        EnvironmentUnusableError: that does not come about; it says what is missing.

    """
    cluster = connect(settings)
    prometheus = Prometheus(cluster.monitoring.prometheus)
    wanted = {
        rule["alert"]
        for item in items
        if item["kind"] == "PrometheusRule"
        for group in item["spec"]["groups"]
        for rule in group["rules"]
        if "alert" in rule
    }

    def missing() -> list[str]:
        targets = prometheus.targets()
        return [
            *_unloaded(prometheus, wanted),
            *_untargeted(targets, items),
            *_down(targets),
            *_unmeasured(cluster),
        ]

    try:
        wait_until(
            lambda: not missing(),
            within_s=WITHIN_S,
            every_s=1.0,
            what="the monitoring to see all",
            clock=clock,
        )
    except DeadlineError as error:
        try:
            left = "; ".join(missing())
        except TransientError as silent:
            left = silent.message
        raise EnvironmentUnusableError("the monitoring is not complete", found=left or error.found) from error


def _unloaded(prometheus: Prometheus, wanted: set[str]) -> list[str]:
    loaded = {rule["name"] for group in prometheus.rules() for rule in group["rules"]}
    return [f"rule {name} is not loaded" for name in sorted(wanted - loaded)]


def _untargeted(targets: Sequence[Json], items: Sequence[Json]) -> list[str]:
    """Say which monitors have no target yet: what was deployed last comes up to a minute after the rest."""
    pools = {target["scrapePool"].rpartition("/")[0] for target in targets}
    wanted = [
        f"{_POOLS[item['kind']]}/{item['metadata']['namespace']}/{item['metadata']['name']}"
        for item in items
        if item["kind"] in _POOLS
    ]
    return [f"{pool} has no target" for pool in wanted if pool not in pools]


def _down(targets: Sequence[Json]) -> list[str]:
    down = [target for target in targets if target["health"] != "up"]
    if not targets:
        return ["Prometheus has no targets"]
    return [f"target {target['scrapePool']} {target['scrapeUrl']} is {target['health']}" for target in down]


def _unmeasured(cluster: Cluster) -> list[str]:
    hpas = cluster.api.items(collection("horizontalpodautoscaler"))
    return [
        f"HPA {hpa['metadata']['name']} has no metrics"
        for hpa in hpas
        if not hpa["status"].get("currentMetrics")
    ]
