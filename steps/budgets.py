"""Disruption budgets: what they limit, and what they do not."""

from __future__ import annotations

from pytest_bdd import given, then

from aftershock.collect.types import phrase
from aftershock.scene.budgets import Budgets


@given(phrase("the disruption budget of {workload} allows no disruption"))
def budget_allows_none(budgets: Budgets, workload: str) -> None:
    """Have it ask for every pod, until the scenario ends.

    As in: Given the disruption budget of nginx-web allows no disruption
    """
    budgets.allows_none(workload)


@then(phrase("no {workload} pod can be evicted"))
def no_pod_can_be_evicted(budgets: Budgets, workload: str) -> None:
    """Hold that the API refuses to evict each of them.

    As in: Then no nginx-web pod can be evicted
    """
    budgets.refuses(workload)


@then(phrase("the HPA of {workload} scales down past its disruption budget"))
def hpa_passes_the_budget(budgets: Budgets, workload: str) -> None:
    """Hold that pods were taken away while the budget allowed no disruption.

    As in: Then the HPA of nginx-web scales down past its disruption budget
    """
    budgets.passed_by(workload)
