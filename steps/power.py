"""Power: nodes that are paused, switched off, rebooted or terminated."""

from __future__ import annotations

from pytest_bdd import when

from aftershock.cluster.targets import NodeWords
from aftershock.collect.meaning import means
from aftershock.collect.types import phrase
from aftershock.scene.power_acts import paused, rebooted, switched_off, terminated
from aftershock.scene.workloads import Workloads


@when(phrase("{node:Node} is paused for {time:Duration}"))
@means(paused)
def node_is_paused(workloads: Workloads, node: NodeWords, time: float) -> None:
    """Freeze a node, and prove that the control plane counts it as lost.

    As in: When a worker node is paused for 90 seconds
    """
    workloads.are_broken(paused(node=node, time=time))


@when(phrase("{node:Node} is switched off for {time:Duration}"))
@means(switched_off)
def node_is_switched_off(workloads: Workloads, node: NodeWords, time: float) -> None:
    """Cut a node's power, and prove that the control plane counts it as lost.

    As in: When the node that holds most of nginx-web is switched off for 90 seconds
    """
    workloads.are_broken(switched_off(node=node, time=time))


@when(phrase("{node:Node} is rebooted"))
@means(rebooted)
def node_is_rebooted(workloads: Workloads, node: NodeWords) -> None:
    """Reboot a node, and prove that its kubelet runs in another boot.

    As in: When a worker node is rebooted
    """
    workloads.are_broken(rebooted(node=node))


@when(phrase("{node:Node} is terminated"))
@means(terminated)
def node_is_terminated(workloads: Workloads, node: NodeWords) -> None:
    """Destroy a node's machine, and prove that the control plane counts it as lost.

    As in: When a worker node is terminated
    """
    workloads.are_broken(terminated(node=node))
