"""Node pause: all processes of a node stand still, and go on where they were. On kind only."""

from __future__ import annotations

from aftershock.cluster.power import How
from aftershock.faults.powered import Powered

__all__ = ["NAME", "NodePause"]

NAME = "node-pause"


class NodePause(Powered):
    """A node is paused: it answers nobody, and its pods are as they were when it goes on."""

    name = NAME
    how: How = "pause"
    said = "paused"
