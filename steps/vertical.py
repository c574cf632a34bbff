"""Vertical autoscaling, and the addons that scenarios need."""

from __future__ import annotations

from pytest_bdd import given, then, when

from aftershock.collect.types import phrase
from aftershock.scene.vertical import Vertical


@given(phrase("the addon {addon} is deployed"))
def addon_is_deployed(vertical: Vertical, addon: str) -> None:
    """Go on only where it is; say how to deploy it where it is not.

    As in: Given the addon vpa is deployed
    """
    vertical.needs(addon)


@given(phrase("the pods of {workload} ask for what its template says"))
def pods_ask_as_written(vertical: Vertical, workload: str) -> None:
    """Replace pods that an autoscaler gave other requests.

    As in: Given the pods of frugal ask for what its template says
    """
    vertical.asks_as_written(workload)


@when(phrase("the vertical autoscaler of {workload} may evict"))
def vertical_autoscaler_may_evict(vertical: Vertical, workload: str) -> None:
    """Let it act on running pods, until the scenario ends.

    As in: When the vertical autoscaler of frugal may evict
    """
    vertical.may_act(workload)


@then(phrase("the vertical autoscaler recommends requests for {workload} within {limit:Duration}"))
def vertical_autoscaler_recommends(vertical: Vertical, workload: str, limit: float) -> None:
    """Hold that it has a recommendation.

    As in: Then the vertical autoscaler recommends requests for frugal within 4 minutes
    """
    vertical.recommends(workload, within_s=limit)


@then(phrase("the vertical autoscaler replaces a pod of {workload} within {limit:Duration}"))
def vertical_autoscaler_replaces(vertical: Vertical, workload: str, limit: float) -> None:
    """Hold that it evicted a pod, and that the new one asks for what was recommended.

    As in: Then the vertical autoscaler replaces a pod of frugal within 4 minutes
    """
    vertical.evicts(workload, within_s=limit)
