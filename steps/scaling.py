"""Scaling: that the HPA does what its formula says, and that new replicas serve."""

from __future__ import annotations

from pytest_bdd import given, then

from aftershock.collect.meaning import means
from aftershock.collect.types import phrase
from aftershock.forecast.objectives import HpaScales, Serves
from aftershock.scene.scaling import Scaling


@given(phrase("the HPA of {workload} is at rest"))
def hpa_is_at_rest(scaling: Scaling, workload: str) -> None:
    """Wait until the HPA has metrics and its workload is at the minimum of replicas."""
    scaling.rests(workload)


@then(phrase("the CPU of {workload} passes {percent:g} % of its requests"))
def cpu_passes(scaling: Scaling, workload: str, percent: float) -> None:
    """Hold, from the recorded pod metrics, that utilisation passes that mark while the load lasts."""
    scaling.passes(workload, percent=percent)


@then(phrase("the HPA scales {workload} to what the formula gives"))
@means(lambda workload: HpaScales(workload=workload))
def hpa_follows_formula(scaling: Scaling, workload: str) -> None:
    """Hold every resize under load against the formula, computed from the metrics that we recorded."""
    scaling.follows_formula(workload)


@then(phrase("every added replica of {workload} serves within {limit:Duration}"))
@means(lambda workload, limit: Serves(workload=workload, within_s=limit))
def added_replicas_serve(scaling: Scaling, workload: str, limit: float) -> None:
    """Hold that each new pod was Ready, routed to, and answered requests."""
    scaling.added_serve(workload, within_s=limit)
