"""What When steps do to the power of nodes, known before they run."""

from __future__ import annotations

from aftershock.cluster.targets import NodeWords
from aftershock.faults.node_pause import NodePause
from aftershock.faults.node_stop import NodeStop
from aftershock.scene.acts import Breaks

__all__ = ["paused", "switched_off"]


def paused(*, node: NodeWords, time: float) -> Breaks:
    """Return the act of "{node} is paused for {time}"."""
    return Breaks(
        fault=lambda ground: NodePause(
            ground.tools, node=node.name, role=node.role, workload=node.workload, for_s=time
        ),
        by="restart",
    )


def switched_off(*, node: NodeWords, time: float) -> Breaks:
    """Return the act of "{node} is switched off for {time}"."""
    return Breaks(
        fault=lambda ground: NodeStop(
            ground.tools, node=node.name, role=node.role, workload=node.workload, for_s=time
        ),
        by="restart",
    )
