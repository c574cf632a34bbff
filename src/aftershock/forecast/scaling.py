"""How soon an HPA acts on a load: kubelet, metrics-server, controller and stabilisation.

usage is measured by the kubelet (10 to 15 s apart)
→ scraped by metrics-server every `resolution_s`, which shows the rate between two of its samples
→ read by the controller every `sync_s`
→ a scale-up waits until the lowest recommendation of the stabilisation window asks for it
"""

from __future__ import annotations

from dataclasses import dataclass

from aftershock.clock import format_duration
from aftershock.forecast.beat import Bounds

__all__ = ["KUBELET_S", "HpaPace", "scales_up"]

KUBELET_S = 15.0
"""The longest time between two of the kubelet's own CPU samples (cAdvisor's housekeeping)."""


@dataclass(frozen=True, kw_only=True)
class HpaPace:
    """What an HPA's decisions wait for, in seconds; None where it could not be read."""

    name: str
    sync_s: float | None = None
    resolution_s: float | None = None
    stabilisation_up_s: float = 0.0
    unknown: tuple[str, ...] = ()

    def made_of(self) -> str:
        """Say in one line what the time consists of."""
        parts = [f"CPU measured every {format_duration(KUBELET_S)} at most"]
        if self.resolution_s is not None:
            parts.append(f"metrics-server every {format_duration(self.resolution_s)}")
        if self.sync_s is not None:
            parts.append(f"the HPA looks every {format_duration(self.sync_s)}")
        if self.stabilisation_up_s:
            parts.append(f"scale-up is stabilised for {format_duration(self.stabilisation_up_s)}")
        return ", ".join(parts)


def scales_up(pace: HpaPace) -> Bounds:
    """Return the range from the beginning of a load that needs it to the HPA's first scale-up.

    The latest is for a load that is above the target in the first full sample: a rate between
    two samples, of which the first may still be from before.
    """
    sync_s = pace.sync_s or 0.0
    earliest = max(0.0, pace.stabilisation_up_s - sync_s)
    if pace.sync_s is None or pace.resolution_s is None:
        return Bounds(earliest_s=earliest)
    latest = KUBELET_S + 2 * pace.resolution_s + 2 * pace.sync_s + pace.stabilisation_up_s
    return Bounds(earliest_s=earliest, latest_s=latest)
