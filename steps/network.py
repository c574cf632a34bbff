"""The network: slower, lossy, cut off, reset, without names."""

from __future__ import annotations

from pytest_bdd import when

from aftershock.cluster.targets import Amount, NodeWords
from aftershock.collect.meaning import means
from aftershock.collect.types import phrase
from aftershock.scene import network_acts as acts
from aftershock.scene.workloads import Workloads


@when(
    phrase("the network of {amount:Amount} {workload} pod is slower by {delay:Duration} for {time:Duration}")
)
@when(
    phrase("the network of {amount:Amount} {workload} pods is slower by {delay:Duration} for {time:Duration}")
)
@means(acts.slower)
def network_is_slower(workloads: Workloads, amount: Amount, workload: str, delay: float, time: float) -> None:
    """Delay every round trip with the pods, and prove it from a peer.

    As in: When the network of 1 reviews pod is slower by 200ms for 30 seconds
    As in: When the network of 50 % of the reviews pods is slower by 2 seconds for 30 seconds
    """
    workloads.are_broken(acts.slower(amount=amount, workload=workload, delay=delay, time=time))


@when(
    phrase(
        "the network of {amount:Amount} {workload} pod jitters by {jitter:Duration}"
        " around {delay:Duration} for {time:Duration}"
    )
)
@when(
    phrase(
        "the network of {amount:Amount} {workload} pods jitters by {jitter:Duration}"
        " around {delay:Duration} for {time:Duration}"
    )
)
@means(acts.jittery)
def network_jitters(
    workloads: Workloads, amount: Amount, workload: str, jitter: float, delay: float, time: float
) -> None:
    """Delay every round trip with the pods by a time that varies, and prove it from a peer.

    As in: When the network of 1 reviews pod jitters by 50ms around 200ms for 30 seconds
    As in: When the network of 2 reviews pods jitters by 50ms around 200ms for 30 seconds
    """
    act = acts.jittery(amount=amount, workload=workload, jitter=jitter, delay=delay, time=time)
    workloads.are_broken(act)


@when(
    phrase(
        "the network of {amount:Amount} {workload} pod loses {percent:g} % of its packets for {time:Duration}"
    )
)
@when(
    phrase(
        "the network of {amount:Amount} {workload} pods loses {percent:g} % of its packets"
        " for {time:Duration}"
    )
)
@means(acts.lossy)
def network_loses(workloads: Workloads, amount: Amount, workload: str, percent: float, time: float) -> None:
    """Drop that share of what the pods are sent, and prove it from a peer.

    As in: When the network of 1 reviews pod loses 30 % of its packets for 30 seconds
    As in: When the network of 2 reviews pods loses 30 % of its packets for 30 seconds
    """
    workloads.are_broken(acts.lossy(amount=amount, workload=workload, percent=percent, time=time))


@when(phrase("{amount:Amount} {workload} pod is cut off from the network for {time:Duration}"))
@when(phrase("{amount:Amount} {workload} pods are cut off from the network for {time:Duration}"))
@means(acts.cut_off)
def pods_are_cut_off(workloads: Workloads, amount: Amount, workload: str, time: float) -> None:
    """Cut the pods off from everybody but their node, whose probes go on; prove it from a peer.

    As in: When 1 reviews pod is cut off from the network for 30 seconds
    As in: When 2 reviews pods are cut off from the network for 30 seconds
    """
    workloads.are_broken(acts.cut_off(amount=amount, workload=workload, time=time))


@when(phrase("{amount:Amount} {workload} pod is cut off from the network and its node for {time:Duration}"))
@when(
    phrase("{amount:Amount} {workload} pods are cut off from the network and their nodes for {time:Duration}")
)
@means(acts.cut_off_from_node_too)
def pods_are_cut_off_from_everything(
    workloads: Workloads, amount: Amount, workload: str, time: float
) -> None:
    """Cut the pods off from everybody, the probes of their node included; prove it from a peer.

    As in: When 1 reviews pod is cut off from the network and its node for 30 seconds
    As in: When 2 reviews pods are cut off from the network and their nodes for 30 seconds
    """
    workloads.are_broken(acts.cut_off_from_node_too(amount=amount, workload=workload, time=time))


@when(phrase("{amount:Amount} {workload} pod and {peers} cannot reach each other for {time:Duration}"))
@when(phrase("{amount:Amount} {workload} pods and {peers} cannot reach each other for {time:Duration}"))
@means(acts.cut_off_from)
def pods_are_cut_off_from(
    workloads: Workloads, amount: Amount, workload: str, peers: str, time: float
) -> None:
    """Cut the pods off from another workload and its services; prove it from within the pods' network.

    As in: When 1 reviews-v3 pod and ratings cannot reach each other for 30 seconds
    As in: When 2 reviews pods and ratings cannot reach each other for 30 seconds
    """
    workloads.are_broken(acts.cut_off_from(amount=amount, workload=workload, peers=peers, time=time))


@when(phrase("every connection of {amount:Amount} {workload} pod is reset for {time:Duration}"))
@when(phrase("every connection of {amount:Amount} {workload} pods is reset for {time:Duration}"))
@means(acts.reset)
def connections_are_reset(workloads: Workloads, amount: Amount, workload: str, time: float) -> None:
    """Reset all TCP with the pods, and prove it from a peer.

    As in: When every connection of 1 reviews pod is reset for 30 seconds
    As in: When every connection of 2 reviews pods is reset for 30 seconds
    """
    workloads.are_broken(acts.reset(amount=amount, workload=workload, time=time))


@when(phrase("{amount:Amount} {workload} pod is refused the name {name} for {time:Duration}"))
@when(phrase("{amount:Amount} {workload} pods are refused the name {name} for {time:Duration}"))
@means(acts.refused_name)
def name_is_refused(workloads: Workloads, amount: Amount, workload: str, name: str, time: float) -> None:
    """Have the pods' questions for a name refused, and prove it in their network.

    As in: When 1 reviews-v3 pod is refused the name ratings for 30 seconds
    As in: When 2 reviews pods are refused the name ratings for 30 seconds
    """
    workloads.are_broken(acts.refused_name(amount=amount, workload=workload, name=name, time=time))


@when(phrase("{amount:Amount} {workload} pod waits {delay:Duration} for the name {name} for {time:Duration}"))
@when(phrase("{amount:Amount} {workload} pods wait {delay:Duration} for the name {name} for {time:Duration}"))
@means(acts.delayed_name)
def name_comes_late(
    workloads: Workloads, amount: Amount, workload: str, delay: float, name: str, time: float
) -> None:
    """Have the pods' questions for a name answered late, and prove it in their network.

    As in: When 1 reviews-v3 pod waits 2 seconds for the name ratings for 30 seconds
    As in: When 2 reviews pods wait 2 seconds for the name ratings for 30 seconds
    """
    act = acts.delayed_name(amount=amount, workload=workload, delay=delay, name=name, time=time)
    workloads.are_broken(act)


@when(phrase("{amount:Amount} {workload} pod is misled about the name {name} for {time:Duration}"))
@when(phrase("{amount:Amount} {workload} pods are misled about the name {name} for {time:Duration}"))
@means(acts.wrong_name)
def name_is_wrong(workloads: Workloads, amount: Amount, workload: str, name: str, time: float) -> None:
    """Have the pods' questions for a name answered with nobody's address, and prove it in their network.

    As in: When 1 reviews-v3 pod is misled about the name ratings for 30 seconds
    As in: When 2 reviews pods are misled about the name ratings for 30 seconds
    """
    workloads.are_broken(acts.wrong_name(amount=amount, workload=workload, name=name, time=time))


@when(phrase("the API server cannot be reached from {node:Node} for {time:Duration}"))
@means(acts.api_unreachable)
def api_server_cannot_be_reached(workloads: Workloads, node: NodeWords, time: float) -> None:
    """Cut a node and its pods off from the API server, and prove it by a pod there and its heartbeat.

    As in: When the API server cannot be reached from the node that holds most of details for 60 seconds
    """
    workloads.are_broken(acts.api_unreachable(node=node, time=time))
