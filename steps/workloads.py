"""Workloads: how they are, what happens to them, and that they come back."""

from __future__ import annotations

from pytest_bdd import given, then, when

from aftershock.cluster.targets import Amount
from aftershock.collect.meaning import means
from aftershock.collect.types import phrase
from aftershock.forecast.objectives import Recovers
from aftershock.scene.acts import Looks, out_of_memory
from aftershock.scene.workloads import Workloads


@given(phrase("every workload of {namespace} is steady"))
@means(Looks)
def workloads_are_steady(workloads: Workloads, namespace: str) -> None:
    """Wait until every deployment of the namespace is as specified; nothing is broken before that.

    As in: Given every workload of bookinfo is steady
    """
    workloads.are_steady(namespace)


@when(phrase("{amount:Amount} {workload} pod runs out of memory"))
@when(phrase("{amount:Amount} {workload} pods run out of memory"))
@means(out_of_memory)
def pods_run_out_of_memory(workloads: Workloads, amount: Amount, workload: str) -> None:
    """Have the kernel kill the application for want of memory, and prove that it did.

    As in: When 1 reviews pod runs out of memory
    As in: When 50 % of the reviews pods run out of memory
    """
    workloads.run_out_of_memory(workload, amount=amount)


@then(phrase("{workload} recovers within {limit:Duration}"))
@means(lambda workload, limit: Recovers(workload=workload, within_s=limit))
def workload_recovers(workloads: Workloads, workload: str, limit: float) -> None:
    """Hold that what was broken is whole again, counted from its first degradation.

    As in: Then reviews recovers within 30 seconds
    """
    workloads.recover(workload, within_s=limit)
