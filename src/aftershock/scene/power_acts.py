"""What When steps do to the power of nodes, known before they run."""

from __future__ import annotations

from aftershock.cluster.targets import NodeWords
from aftershock.faults.node_pause import NodePause
from aftershock.faults.node_reboot import NodeReboot
from aftershock.faults.node_stop import NodeStop
from aftershock.faults.node_terminate import NodeTerminate
from aftershock.scene.acts import Breaks, on_node

__all__ = ["paused", "rebooted", "switched_off", "terminated"]


def paused(*, node: NodeWords, time: float) -> Breaks:
    """Return the act of "{node} is paused for {time}"."""
    return on_node(NodePause, node, by="restart", for_s=time)


def switched_off(*, node: NodeWords, time: float) -> Breaks:
    """Return the act of "{node} is switched off for {time}"."""
    return on_node(NodeStop, node, by="restart", for_s=time)


def rebooted(*, node: NodeWords) -> Breaks:
    """Return the act of "{node} is rebooted"."""
    return on_node(NodeReboot, node, by="restart")


def terminated(*, node: NodeWords) -> Breaks:
    """Return the act of "{node} is terminated"."""
    return on_node(NodeTerminate, node, by="new pod")
