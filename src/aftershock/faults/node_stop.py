"""Node stop: a node is switched off as by a cut cable, and booted again."""

from __future__ import annotations

from aftershock.cluster.power import How
from aftershock.faults.powered import Powered

__all__ = ["NAME", "NodeStop"]

NAME = "node-stop"


class NodeStop(Powered):
    """A node is switched off: everything on it has to be started again."""

    name = NAME
    how: How = "stop"
    said = "switched off"
