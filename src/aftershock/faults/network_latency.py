"""Latency: every round trip with a pod takes longer, by a delay and a random part of a jitter.

The carrier uses netem, or a queue of the packet filter where the kernel has no netem; its log says
which. Proof is a peer pod's: connecting, which takes one round trip, takes that much longer.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Unpack

from aftershock.errors import RefusedError
from aftershock.faults.chosen import Pods, WhichPods
from aftershock.faults.looks import Figures
from aftershock.faults.networked import NetworkFault
from aftershock.faults.tools import Tools

__all__ = ["NAME", "NetworkLatency"]

NAME = "network-latency"
LONGEST_S = 60.0
# The least share of the delay that has to be seen. A median of ten may miss it by the jitter's half.
SHARE = 0.8


class NetworkLatency(NetworkFault):
    """`delay_s` more for each round trip with the pods, give or take up to `jitter_s`."""

    name = NAME
    act = "latency"

    def __init__(
        self,
        tools: Tools,
        *,
        delay_s: float,
        jitter_s: float = 0.0,
        for_s: float,
        port: int = 0,
        **which: Unpack[WhichPods],
    ) -> None:
        super().__init__(tools, Pods(**which), for_s=for_s, port=port)
        if not 0 < delay_s <= LONGEST_S or not 0 <= jitter_s <= delay_s:
            raise RefusedError(
                f"a delay of {delay_s:g} s, give or take {jitter_s:g} s, makes no sense",
                expected=f"a delay up to {LONGEST_S:g} s, and a jitter not larger than it",
            )
        self.delay_s = delay_s
        self.jitter_s = jitter_s

    def options(self) -> Mapping[str, Any]:
        """Return the delay and the jitter."""
        return {"delay_ms": self.delay_s * 1000, "jitter_ms": self.jitter_s * 1000}

    def effect(self) -> str:
        """Say how much slower."""
        spread = f", give or take {self.jitter_s * 1000:g} ms" if self.jitter_s else ""
        return f"answers {self.delay_s * 1000:g} ms later{spread}"

    def measuring(self) -> Mapping[str, Any]:
        """Return enough patience for the delay."""
        return {"tries": 10, "timeout_ms": 2 * (self.delay_s + self.jitter_s) * 1000 + 2000}

    def shows(self, before: Figures, since: Sequence[Figures]) -> bool:
        """Whether connecting takes the delay longer, as far as the jitter lets one tell."""
        least = SHARE * (self.delay_s - self.jitter_s / 2) * 1000
        now = since[-1]["connect_ms"]
        return bool(now and now["median"] - before["connect_ms"]["median"] >= least)
