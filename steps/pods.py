"""Pods: deleted and evicted."""

from __future__ import annotations

from pytest_bdd import when

from aftershock.cluster.targets import Amount
from aftershock.collect.meaning import means
from aftershock.collect.types import phrase
from aftershock.scene.workload_acts import killed
from aftershock.scene.workloads import Workloads


@when(phrase("{amount:Amount} {workload} pod is deleted"))
@when(phrase("{amount:Amount} {workload} pods are deleted"))
@means(killed("deletion"))
def pods_are_deleted(workloads: Workloads, amount: Amount, workload: str) -> None:
    """Delete pods, and prove by their UIDs that they are gone.

    As in: When 1 reviews pod is deleted
    As in: When 50 % of the nginx-web pods are deleted
    """
    workloads.are_broken(killed("deletion")(amount=amount, workload=workload))


@when(phrase("{amount:Amount} {workload} pod is evicted"))
@when(phrase("{amount:Amount} {workload} pods are evicted"))
@means(killed("eviction"))
def pods_are_evicted(workloads: Workloads, amount: Amount, workload: str) -> None:
    """Evict pods as their disruption budget allows, and prove by their UIDs that they are gone.

    As in: When 1 nginx-web pod is evicted
    As in: When 2 reviews pods are evicted
    """
    workloads.are_broken(killed("eviction")(amount=amount, workload=workload))
