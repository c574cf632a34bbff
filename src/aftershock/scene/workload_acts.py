"""What When steps do to workloads through the API, known before they run: kills and changes."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from aftershock.cluster.targets import Amount
from aftershock.faults.bad_configuration import BadConfiguration
from aftershock.faults.bad_image import BadImage
from aftershock.faults.failing_readiness import FailingReadiness
from aftershock.faults.pod_kill import How, PodKill
from aftershock.faults.protocol import Fault
from aftershock.faults.scaled_to_zero import ScaledToZero
from aftershock.scene.acts import Breaks, on_pods

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
        return on_pods(PodKill, amount, workload, by="new pod", how=how)

    return act


def scaled_to_zero(*, workload: str, time: float) -> Breaks:
    """Return the act of "{workload} is scaled to zero for {time}"."""
    return _patched(ScaledToZero, workload, for_s=time)


def image_gone(*, workload: str, time: float) -> Breaks:
    """Return the act of "{workload} is given an image that does not exist for {time}"."""
    return _patched(BadImage, workload, for_s=time)


def image_given(*, workload: str, image: str, time: float) -> Breaks:
    """Return the act of "{workload} is given the bad image {image} for {time}"."""
    return _patched(BadImage, workload, image=image, for_s=time)


def command_gone(*, workload: str, time: float) -> Breaks:
    """Return the act of "{workload} is given a command that does not exist for {time}"."""
    return _patched(BadConfiguration, workload, for_s=time)


def configured(*, workload: str, variable: str, value: str, time: float) -> Breaks:
    """Return the act of "{workload} is given the bad value {value} for {variable} for {time}"."""
    return _patched(BadConfiguration, workload, env={variable: value}, for_s=time)


def readiness_failing(*, workload: str, time: float) -> Breaks:
    """Return the act of "the readiness probe of new {workload} pods fails for {time}"."""
    return _patched(FailingReadiness, workload, for_s=time)


def _patched(make: Callable[..., Fault], workload: str, **more: Any) -> Breaks:
    return Breaks(fault=lambda ground: make(ground.tools, workload=workload, **more), by="new pod")
