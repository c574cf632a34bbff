"""Auto-recovery: the component that repairs, let by a scenario, and what it did."""

from __future__ import annotations

from pytest_bdd import given, then

from aftershock.collect.types import phrase
from aftershock.scene.autorecovery import AutoRecovery


@given("auto-recovery may act")
def autorecovery_may_act(autorecovery: AutoRecovery) -> None:
    """Let it, until the scenario ends.

    As in: Given auto-recovery may act
    """
    autorecovery.may_act()


@given("auto-recovery only says what it would do")
def autorecovery_only_says(autorecovery: AutoRecovery) -> None:
    """Have it change nothing.

    As in: Given auto-recovery only says what it would do
    """
    autorecovery.only_says()


@given(phrase("{workload} has opted out of auto-recovery"))
def autorecovery_leaves(autorecovery: AutoRecovery, workload: str) -> None:
    """Have it leave that deployment alone, until the scenario ends.

    As in: Given reviews-v3 has opted out of auto-recovery
    """
    autorecovery.leaves(workload)


@then(phrase("auto-recovery acts by {playbook} on {workload} within {limit:Duration}"))
def autorecovery_acts(autorecovery: AutoRecovery, playbook: str, workload: str, limit: float) -> None:
    """Hold that it repaired something of that workload, and by which playbook.

    As in: Then auto-recovery acts by out-of-memory on details within 20 seconds
    """
    autorecovery.acts(playbook, workload=workload, within_s=limit)


@then(phrase("auto-recovery empties the node by {playbook} within {limit:Duration}"))
def autorecovery_empties(autorecovery: AutoRecovery, playbook: str, limit: float) -> None:
    """Hold that it has cordoned and drained the node that the last fault was about.

    As in: Then auto-recovery empties the node by memory-pressure within 2 minutes
    """
    autorecovery.empties(playbook, within_s=limit)


@then(phrase("auto-recovery takes back what {playbook} did within {limit:Duration}"))
def autorecovery_takes_back(autorecovery: AutoRecovery, playbook: str, limit: float) -> None:
    """Hold that it did, once the trouble was over.

    As in: Then auto-recovery takes back what memory-pressure did within 5 minutes
    """
    autorecovery.takes_back(playbook, within_s=limit)


@then(phrase("auto-recovery counts at least {percent:g} % of the pods as running or completed"))
def autorecovery_counts_well(autorecovery: AutoRecovery, percent: float) -> None:
    """Hold its own summary of all pods against that.

    As in: Then auto-recovery counts at least 85 % of the pods as running or completed
    """
    autorecovery.counts_well(percent=percent)


@then(phrase("auto-recovery says what {playbook} would do within {limit:Duration}"))
def autorecovery_would_act(autorecovery: AutoRecovery, playbook: str, limit: float) -> None:
    """Hold that it saw the trouble, said what it would do, and did nothing.

    As in: Then auto-recovery says what out-of-memory would do within 30 seconds
    """
    autorecovery.would_act(playbook, within_s=limit)


@then("auto-recovery does nothing else")
@then("auto-recovery does nothing")
def autorecovery_does_nothing_else(autorecovery: AutoRecovery) -> None:
    """Hold that it did no more than the steps before this one named.

    As in: Then auto-recovery does nothing else
    As in: Then auto-recovery does nothing
    """
    autorecovery.does_nothing_else()
