"""Faults that last: when they are over."""

from __future__ import annotations

from pytest_bdd import when

from aftershock.collect.meaning import means
from aftershock.scene.acts import Ends
from aftershock.scene.faults import Faults


@when("the fault is over")
@means(lambda: Ends(waits=True))
def faults_are_over(faults: Faults) -> None:
    """Wait until the time of every fault that lasts has passed, and prove that nothing is left of it.

    As in: When the fault is over
    """
    faults.are_over()


@when("the fault is taken back")
@means(Ends)
def faults_are_taken_back(faults: Faults) -> None:
    """Take back every fault that lasts now, and prove that nothing is left of it.

    As in: When the fault is taken back
    """
    faults.are_taken_back()
