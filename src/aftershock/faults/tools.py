"""What faults work with, made once for a run."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from aftershock.clock import Clock, SystemClock
from aftershock.cluster.api import KubeApi
from aftershock.cluster.power import Power
from aftershock.faults.carrier import Carriers

__all__ = ["Tools", "tools"]


@dataclass(frozen=True, kw_only=True)
class Tools:
    """The API, carriers, the clock, whether pods of a namespace may be touched, and power over nodes."""

    api: KubeApi
    carriers: Carriers
    clock: Clock
    may_touch: Callable[[str], bool]
    power: Power | None = None


def tools(
    api: KubeApi,
    *,
    carrier_image: str = "",
    may_touch: Callable[[str], bool] = lambda _: False,
    clock: Clock | None = None,
    power: Power | None = None,
) -> Tools:
    """Return the tools for one cluster. Without `may_touch` nothing may be: enough to undo."""
    clock = clock or SystemClock()
    return Tools(
        api=api,
        carriers=Carriers(api, image=carrier_image, clock=clock),
        clock=clock,
        may_touch=may_touch,
        power=power,
    )
