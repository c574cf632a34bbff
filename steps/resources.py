"""Containers and nodes, and what they live on: processes, memory, CPU, disks, kubelets."""

from __future__ import annotations

from pytest_bdd import when

from aftershock.cluster.targets import Amount, NodeWords
from aftershock.collect.meaning import means
from aftershock.collect.types import phrase
from aftershock.scene import resource_acts as acts
from aftershock.scene.workloads import Workloads


@when(phrase("{amount:Amount} {workload} container is killed"))
@when(phrase("{amount:Amount} {workload} containers are killed"))
@means(acts.killed)
def containers_are_killed(workloads: Workloads, amount: Amount, workload: str) -> None:
    """Kill the first process of a container each of some pods, and prove how that container ended.

    As in: When 1 reviews container is killed
    As in: When 2 nginx-web containers are killed
    """
    workloads.are_broken(acts.killed(amount=amount, workload=workload))


@when(phrase("{amount:Amount} {workload} container is asked to end"))
@when(phrase("{amount:Amount} {workload} containers are asked to end"))
@means(acts.asked_to_end)
def containers_are_asked_to_end(workloads: Workloads, amount: Amount, workload: str) -> None:
    """Send SIGTERM to the first process of a container each of some pods, and prove that it ended.

    As in: When 1 nginx-web container is asked to end
    As in: When 2 nginx-web containers are asked to end
    """
    workloads.are_broken(acts.asked_to_end(amount=amount, workload=workload))


@when(phrase("{amount:Amount} {workload} pod holds {percent:g} % of its memory limit for {time:Duration}"))
@when(phrase("{amount:Amount} {workload} pods hold {percent:g} % of their memory limit for {time:Duration}"))
@means(acts.memory_held)
def pods_hold_memory(
    workloads: Workloads, amount: Amount, workload: str, percent: float, time: float
) -> None:
    """Hold pods at a share of their memory limit, and prove it by the kubelet's figures.

    As in: When 1 nginx-web pod holds 90 % of its memory limit for 40 seconds
    As in: When 2 nginx-web pods hold 80 % of their memory limit for 1 minute
    """
    workloads.are_broken(acts.memory_held(amount=amount, workload=workload, percent=percent, time=time))


@when(phrase("{burners:d} processes hog the CPU of {amount:Amount} {workload} pod for {time:Duration}"))
@when(phrase("{burners:d} processes hog the CPU of {amount:Amount} {workload} pods for {time:Duration}"))
@means(acts.hogged)
def cpu_of_pods_is_hogged(
    workloads: Workloads, burners: int, amount: Amount, workload: str, time: float
) -> None:
    """Burn CPU time within the pods' own limits, and prove it by the kubelet's figures.

    As in: When 2 processes hog the CPU of 1 nginx-web pod for 40 seconds
    As in: When 2 processes hog the CPU of 30 % of the nginx-web pods for 40 seconds
    """
    workloads.are_broken(acts.hogged(amount=amount, workload=workload, burners=burners, time=time))


@when(
    phrase(
        "the volume at {path} of {amount:Amount} {workload} pod is filled to {percent:g} %"
        " for {time:Duration}"
    )
)
@when(
    phrase(
        "the volume at {path} of {amount:Amount} {workload} pods is filled to {percent:g} %"
        " for {time:Duration}"
    )
)
@means(acts.disk_filled)
def volume_is_filled(
    workloads: Workloads, path: str, amount: Amount, workload: str, percent: float, time: float
) -> None:
    """Fill a volume that has a size of its own, and prove it by the file system's own figures.

    As in: When the volume at /data of 1 ledger pod is filled to 90 % for 1 minute
    As in: When the volume at /data of 2 ledger pods is filled to 90 % for 1 minute
    """
    act = acts.disk_filled(path=path, amount=amount, workload=workload, percent=percent, time=time)
    workloads.are_broken(act)


@when(phrase("{percent:g} % of the CPU of {node:Node} is taken for {time:Duration}"))
@means(acts.node_hogged)
def cpu_of_node_is_taken(workloads: Workloads, percent: float, node: NodeWords, time: float) -> None:
    """Burn a share of a node's CPU time at the lowest weight, and prove it by the kubelet's figures.

    As in: When 40 % of the CPU of the node that holds most of nginx-web is taken for 40 seconds
    """
    workloads.are_broken(acts.node_hogged(percent=percent, node=node, time=time))


@when(phrase("the memory of {node:Node} runs short for {time:Duration}"))
@means(acts.node_memory_taken)
def memory_of_node_runs_short(workloads: Workloads, node: NodeWords, time: float) -> None:
    """Take memory until the kubelet's threshold is passed, and prove it by the node's condition.

    As in: When the memory of the node that holds most of nginx-web runs short for 1 minute
    """
    workloads.are_broken(acts.node_memory_taken(node=node, time=time))


@when(phrase("the kubelet of {node:Node} is stopped for {time:Duration}"))
@means(acts.kubelet_stopped)
def kubelet_is_stopped(workloads: Workloads, node: NodeWords, time: float) -> None:
    """Stop a node's kubelet, and prove that the control plane has given the node up.

    As in: When the kubelet of the node that holds most of nginx-web is stopped for 90 seconds
    """
    workloads.are_broken(acts.kubelet_stopped(node=node, time=time))
