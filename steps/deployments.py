"""Deployments: scaled to zero, and rolled out with what does not work."""

from __future__ import annotations

from pytest_bdd import when

from aftershock.collect.meaning import means
from aftershock.collect.types import phrase
from aftershock.scene import workload_acts as acts
from aftershock.scene.workloads import Workloads


@when(phrase("{workload} is scaled to zero for {time:Duration}"))
@means(acts.scaled_to_zero)
def is_scaled_to_zero(workloads: Workloads, workload: str, time: float) -> None:
    """Ask for no pods of the workload, and prove that it has none.

    As in: When nginx-web is scaled to zero for 60 seconds
    """
    workloads.are_broken(acts.scaled_to_zero(workload=workload, time=time))


@when(phrase("{workload} is given an image that does not exist for {time:Duration}"))
@means(acts.image_gone)
def is_given_no_image(workloads: Workloads, workload: str, time: float) -> None:
    """Roll out an image that nobody can pull, and prove that a new pod waits for it.

    As in: When nginx-web is given an image that does not exist for 60 seconds
    """
    workloads.are_broken(acts.image_gone(workload=workload, time=time))


@when(phrase("{workload} is given the bad image {image} for {time:Duration}"))
@means(acts.image_given)
def is_given_image(workloads: Workloads, *, workload: str, image: str, time: float) -> None:
    """Roll out that image, and prove that a new pod waits for it in vain.

    As in: When nginx-web is given the bad image registry.example.com/web:gone for 60 seconds
    """
    workloads.are_broken(acts.image_given(workload=workload, image=image, time=time))


@when(phrase("{workload} is given a command that does not exist for {time:Duration}"))
@means(acts.command_gone)
def is_given_no_command(workloads: Workloads, workload: str, time: float) -> None:
    """Roll out a command that is not in the image, and prove that a new container ended with an error.

    As in: When nginx-web is given a command that does not exist for 60 seconds
    """
    workloads.are_broken(acts.command_gone(workload=workload, time=time))


@when(phrase("{workload} is given the bad value {value} for {variable:w} for {time:Duration}"))
@means(acts.configured)
def is_configured(workloads: Workloads, *, workload: str, value: str, variable: str, time: float) -> None:
    """Roll out that value of a variable, and prove that a new container ended with an error.

    As in: When productpage is given the bad value nowhere for BOOKINFO_SERVICE for 60 seconds
    """
    act = acts.configured(workload=workload, variable=variable, value=value, time=time)
    workloads.are_broken(act)


@when(phrase("the readiness probe of new {workload} pods fails for {time:Duration}"))
@means(acts.readiness_failing)
def readiness_fails(workloads: Workloads, workload: str, time: float) -> None:
    """Roll out a readiness probe that fails, and prove that a new pod runs and is not Ready.

    As in: When the readiness probe of new nginx-web pods fails for 60 seconds
    """
    workloads.are_broken(acts.readiness_failing(workload=workload, time=time))
