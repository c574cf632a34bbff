"""What When steps do to workloads through the API, known before they run: kills and changes."""

from __future__ import annotations

from collections.abc import Callable

from aftershock.cluster.targets import Amount
from aftershock.faults.bad_configuration import BadConfiguration
from aftershock.faults.bad_image import BadImage
from aftershock.faults.failing_readiness import FailingReadiness
from aftershock.faults.pod_kill import How, PodKill
from aftershock.faults.scaled_to_zero import ScaledToZero
from aftershock.scene.acts import Breaks

__all__ = [
    "command_gone",
    "configured",
    "image_given",
    "image_gone",
    "killed",
    "readiness_failing",
    "scaled_to_zero",
]


def killed(how: How) -> Callable[..., Breaks]:
    """Return what makes the act of "{amount} {workload} pods are deleted", or evicted."""

    def act(*, amount: Amount, workload: str) -> Breaks:
        return Breaks(
            fault=lambda ground: PodKill(
                ground.tools, workload=workload, how=how, count=amount.count, share=amount.share
            ),
            by="new pod",
        )

    return act


def scaled_to_zero(*, workload: str, time: float) -> Breaks:
    """Return the act of "{workload} is scaled to zero for {time}"."""
    return Breaks(
        fault=lambda ground: ScaledToZero(ground.tools, workload=workload, for_s=time), by="new pod"
    )


def image_gone(*, workload: str, time: float) -> Breaks:
    """Return the act of "{workload} is given an image that does not exist for {time}"."""
    return Breaks(fault=lambda ground: BadImage(ground.tools, workload=workload, for_s=time), by="new pod")


def image_given(*, workload: str, image: str, time: float) -> Breaks:
    """Return the act of "{workload} is given the bad image {image} for {time}"."""
    return Breaks(
        fault=lambda ground: BadImage(ground.tools, workload=workload, image=image, for_s=time), by="new pod"
    )


def command_gone(*, workload: str, time: float) -> Breaks:
    """Return the act of "{workload} is given a command that does not exist for {time}"."""
    return Breaks(
        fault=lambda ground: BadConfiguration(ground.tools, workload=workload, for_s=time), by="new pod"
    )


def configured(*, workload: str, variable: str, value: str, time: float) -> Breaks:
    """Return the act of "{workload} is given the bad value {value} for {variable} for {time}"."""
    return Breaks(
        fault=lambda ground: BadConfiguration(
            ground.tools, workload=workload, env={variable: value}, for_s=time
        ),
        by="new pod",
    )


def readiness_failing(*, workload: str, time: float) -> Breaks:
    """Return the act of "the readiness probe of new {workload} pods fails for {time}"."""
    return Breaks(
        fault=lambda ground: FailingReadiness(ground.tools, workload=workload, for_s=time), by="new pod"
    )
