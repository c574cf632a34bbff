"""Packet loss: a share of the packets that should reach a pod does not.

Proof is a peer pod's: the share of connections whose first packet was lost is, within what chance
allows, the share that was asked for. Before the fault none may be lost.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any, Unpack

from aftershock.errors import RefusedError
from aftershock.faults.chosen import Pods, WhichPods
from aftershock.faults.looks import Figures
from aftershock.faults.networked import NetworkFault
from aftershock.faults.tools import Tools

__all__ = ["NAME", "NetworkLoss", "plausible"]

NAME = "packet-loss"
LEAST = 50
ROUNDS = 8
# How many standard deviations the measured share may be off: one proof in 15,000 is missed by chance.
DEVIATIONS = 4.0


def plausible(lost: int, tries: int, share: float) -> bool:
    """Whether `lost` of `tries` is what a loss of `share` gives; never if none was lost.

    By the binomial distribution's standard deviation.
    """
    off = abs(lost / tries - share)
    return lost > 0 and off <= DEVIATIONS * math.sqrt(share * (1 - share) / tries) + 1 / tries


class NetworkLoss(NetworkFault):
    """The share `of_packets` (0 to 1) of inbound packets is lost."""

    name = NAME
    act = "loss"

    def __init__(
        self,
        tools: Tools,
        *,
        of_packets: float,
        for_s: float,
        port: int = 0,
        **which: Unpack[WhichPods],
    ) -> None:
        super().__init__(tools, Pods(**which), for_s=for_s, port=port)
        if not 0 < of_packets < 1:
            raise RefusedError(
                f"a loss of {of_packets:.0%} is none",
                expected="above 0 % and below 100 %; for 100 % cut the pods off",
            )
        self.of_packets = of_packets

    def options(self) -> Mapping[str, Any]:
        """Return the share."""
        return {"share": self.of_packets}

    def effect(self) -> str:
        """Say how much is lost."""
        return f"loses {self.of_packets:.1%} of what it is sent"

    def measuring(self) -> Mapping[str, Any]:
        """Return many tries of nothing but connecting, which takes one inbound packet."""
        return {"tries": 50, "every_ms": 10, "request": ""}

    def shows(self, before: Figures, since: Sequence[Figures]) -> bool:
        """Whether the share of lost connections is the one asked for."""
        latest = since[-ROUNDS:]  # what was measured before the rule was there is outgrown
        tries = sum(found["tries"] for found in latest)
        lost = sum(found["lost"] for found in latest) - before["lost"]
        return tries >= LEAST and plausible(lost, tries, self.of_packets)
