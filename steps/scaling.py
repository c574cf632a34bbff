"""Scaling: that the HPA does what its formula says, and that new replicas serve."""

from __future__ import annotations

from pytest_bdd import given, then

from aftershock.collect.meaning import means
from aftershock.collect.types import phrase
from aftershock.forecast.objectives import HpaScales, Serves
from aftershock.scene.scaling import Scaling


@given(phrase("the HPA of {workload} is at rest"))
def hpa_is_at_rest(scaling: Scaling, workload: str) -> None:
    """Wait until the HPA has metrics and its workload is at the minimum of replicas.

    As in: Given the HPA of nginx-web is at rest
    """
    scaling.rests(workload)


@given(phrase("the HPA of {workload} aims at {value:g} requests per second per pod"))
def hpa_aims_at(scaling: Scaling, workload: str, value: float) -> None:
    """Set the target of the metric that its pods export, until the scenario ends.

    As in: Given the HPA of sample-app aims at 30 requests per second per pod
    """
    scaling.aims_at(workload, per_pod=value)


@then(phrase("the CPU of {workload} passes {percent:g} % of its requests"))
def cpu_passes(scaling: Scaling, workload: str, percent: float) -> None:
    """Hold, from the recorded pod metrics, that utilisation passes that mark while the load lasts.

    As in: Then the CPU of nginx-web passes 50 % of its requests
    """
    scaling.passes(workload, percent=percent)


@then(phrase("the HPA scales {workload} to what the formula gives"))
@means(lambda workload: HpaScales(workload=workload))
def hpa_follows_formula(scaling: Scaling, workload: str) -> None:
    """Hold every resize under load against the formula, computed from the metrics that we recorded.

    As in: Then the HPA scales nginx-web to what the formula gives
    """
    scaling.follows_formula(workload)


@then(phrase("every added replica of {workload} serves within {limit:Duration}"))
@means(lambda workload, limit: Serves(workload=workload, within_s=limit))
def added_replicas_serve(scaling: Scaling, workload: str, limit: float) -> None:
    """Hold that each new pod was Ready, routed to, and answered requests.

    As in: Then every added replica of nginx-web serves within 30 seconds
    """
    scaling.added_serve(workload, within_s=limit)


@then(phrase("the HPA of {workload} scales to at least {replicas:d} within {limit:Duration}"))
@means(lambda workload, limit, **_: HpaScales(workload=workload, within_s=limit))
def hpa_scales_to(scaling: Scaling, workload: str, replicas: int, limit: float) -> None:
    """Hold that so many replicas were asked for, counted from the load's first request.

    As in: Then the HPA of nginx-web scales to at least 5 within 70 seconds
    """
    scaling.scales_to(workload, replicas=replicas, within_s=limit)


@then(phrase("the HPA of {workload} does not go above {replicas:d}"))
def hpa_stays_at_most(scaling: Scaling, workload: str, replicas: int) -> None:
    """Hold that never more replicas were asked for since the load began.

    As in: Then the HPA of nginx-web does not go above 10
    """
    scaling.stays_at_most(workload, replicas=replicas)


@then(phrase("the HPA of {workload} returns to {replicas:d} within {limit:Duration}"))
def hpa_returns_to(scaling: Scaling, workload: str, replicas: int, limit: float) -> None:
    """Hold that so few are asked for again, counted from the end of the load.

    As in: Then the HPA of nginx-web returns to 3 within 10 minutes
    """
    scaling.returns_to(workload, replicas=replicas, within_s=limit)


@then(phrase("the HPA of {workload} does not flap"))
def hpa_does_not_flap(scaling: Scaling, workload: str) -> None:
    """Hold that no resize was turned back within the stabilisation window.

    As in: Then the HPA of nginx-web does not flap
    """
    scaling.does_not_flap(workload)


@then(phrase("every stage of scaling {workload} is accounted for"))
def scaling_is_accounted_for(scaling: Scaling, workload: str) -> None:
    """Hold that each stage from load to a serving replica was seen, and that they sum to the whole.

    As in: Then every stage of scaling nginx-web is accounted for
    """
    scaling.accounted_for(workload)


@then(phrase("the HPA of {workload} is seen to be {trouble:HpaTrouble} within {limit:Duration}"))
def hpa_is_in_trouble(scaling: Scaling, workload: str, trouble: str, limit: float) -> None:
    """Hold that what keeps the HPA from its work shows as what it is.

    As in: Then the HPA of nginx-web is seen to be at its maximum within 2 minutes
    """
    scaling.in_trouble(workload, trouble=trouble, within_s=limit)
