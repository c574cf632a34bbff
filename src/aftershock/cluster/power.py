"""Power of nodes: what pauses, stops and starts them."""

from __future__ import annotations

from typing import Literal, Protocol

import msgspec

from aftershock.config import NodePower

__all__ = ["How", "Power", "PowerOrigin"]

How = Literal["pause", "stop"]


class PowerOrigin(msgspec.Struct, frozen=True, kw_only=True):
    """A kind cluster's name, or else the commands of the settings."""

    cluster: str = ""
    commands: NodePower = NodePower()


class Power(Protocol):
    """Takes the power from nodes and gives it back."""

    def check(self, how: How, node: str) -> None:
        """Do nothing if that can be done to the node.

        Raises:
            RefusedError: it cannot.

        """
        ...

    def take(self, how: How, node: str, *, expires_s: float) -> None:
        """Pause or stop the node. Where it ends by itself, that is after `expires_s` seconds.

        Raises:
            CommandError: it did not work.

        """
        ...

    def origin(self) -> PowerOrigin:
        """Return what makes it again in another process."""
        ...

    def give(self, how: How, node: str) -> None:
        """Take back what `take` did. Idempotent.

        Raises:
            CommandError: it did not work.

        """
        ...
