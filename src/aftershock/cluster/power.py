"""Power of nodes: what pauses, stops and starts them."""

from __future__ import annotations

from typing import Literal, Protocol

import msgspec

from aftershock.config import NodePower

__all__ = ["Ec2Origin", "How", "Power", "PowerOrigin"]

How = Literal["pause", "stop", "reboot", "terminate"]


class Ec2Origin(msgspec.Struct, frozen=True, kw_only=True):
    """EC2 in a region, with the nodes' instances by the nodes' names, and whose switch it is."""

    region: str
    cluster: str
    switch_role: str = ""
    instances: dict[str, str] = {}


class PowerOrigin(msgspec.Struct, frozen=True, kw_only=True):
    """A kind cluster's name, or EC2, or else the commands of the settings."""

    cluster: str = ""
    commands: NodePower = NodePower()
    ec2: Ec2Origin | None = None


class Power(Protocol):
    """Takes the power from nodes and gives it back."""

    def check(self, how: How, node: str) -> None:
        """Do nothing if that can be done to the node.

        Raises:
            RefusedError: it cannot.

        """
        ...

    def take(self, how: How, node: str, *, expires_s: float) -> None:
        """Do that to the node. Where it ends by itself, that is after `expires_s` seconds.

        Raises:
            EnvironmentUnusableError: it did not work.

        """
        ...

    def origin(self) -> PowerOrigin:
        """Return what makes it again in another process."""
        ...

    def give(self, how: How, node: str) -> None:
        """Take back what `take` did, as far as that can be. Idempotent.

        Raises:
            EnvironmentUnusableError: it did not work.

        """
        ...
