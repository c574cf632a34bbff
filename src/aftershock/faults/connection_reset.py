"""Connection reset: TCP with a pod is answered by RST, open connections included.

Proof is a peer pod's: every try is refused or reset, while before all were answered.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Unpack

from aftershock.faults.chosen import Pods, WhichPods
from aftershock.faults.looks import Figures
from aftershock.faults.networked import NetworkFault
from aftershock.faults.tools import Tools

__all__ = ["NAME", "ConnectionReset"]

NAME = "connection-reset"


class ConnectionReset(NetworkFault):
    """Every TCP connection with the pods is reset, at both ends."""

    name = NAME
    act = "reset"

    def __init__(
        self,
        tools: Tools,
        *,
        for_s: float,
        port: int = 0,
        **which: Unpack[WhichPods],
    ) -> None:
        super().__init__(tools, Pods(**which), for_s=for_s, port=port)

    def options(self) -> Mapping[str, Any]:
        """Return nothing more: all TCP is meant."""
        return {}

    def effect(self) -> str:
        """Say what happens to connections."""
        return "resets every TCP connection"

    def shows(self, before: Figures, since: Sequence[Figures]) -> bool:
        """Whether every try was refused or reset."""
        now = since[-1]
        return bool(now["refused"] + now["reset"] == now["tries"] and before["answered"])
