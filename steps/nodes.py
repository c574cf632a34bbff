"""Nodes: drained, and given back."""

from __future__ import annotations

from pytest_bdd import then

from aftershock.collect.meaning import means
from aftershock.collect.types import phrase
from aftershock.forecast.objectives import Replaced
from aftershock.scene.nodes import Nodes


@then("the drained node was emptied")
def node_was_emptied(nodes: Nodes) -> None:
    """Hold that the node held pods and then none that can be moved.

    As in: Then the drained node was emptied
    """
    nodes.emptied()


@then(phrase("every evicted pod is replaced within {limit:Duration}"))
@means(lambda limit: Replaced(within_s=limit))
def evicted_pods_are_replaced(nodes: Nodes, limit: float) -> None:
    """Hold that each evicted pod had a Ready replacement of the same owner, counted from its eviction.

    As in: Then every evicted pod is replaced within 30 seconds
    """
    nodes.replaced(within_s=limit)


@then("the drained node is schedulable again")
def node_is_schedulable(nodes: Nodes) -> None:
    """Hold that the node is Ready and takes pods.

    As in: Then the drained node is schedulable again
    """
    nodes.schedulable()


@then(phrase("the disruption budget of {workload} is respected throughout"))
def budget_is_respected(nodes: Nodes, workload: str) -> None:
    """Hold that there were never fewer Ready pods than the budget demands.

    As in: Then the disruption budget of nginx-web is respected throughout
    """
    nodes.budget(workload)
