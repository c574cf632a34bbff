"""What When steps do to the network, known before they run."""

from __future__ import annotations

from aftershock.cluster.targets import Amount, NodeWords
from aftershock.faults.api_unreachable import ApiUnreachable
from aftershock.faults.connection_reset import ConnectionReset
from aftershock.faults.dns_failure import DnsFailure
from aftershock.faults.network_latency import NetworkLatency
from aftershock.faults.network_loss import NetworkLoss
from aftershock.faults.network_partition import NetworkPartition
from aftershock.scene.acts import Breaks, on_node, on_pods

__all__ = [
    "api_unreachable",
    "cut_off",
    "cut_off_from",
    "cut_off_from_node_too",
    "delayed_name",
    "jittery",
    "lossy",
    "refused_name",
    "reset",
    "slower",
    "wrong_name",
]


def slower(*, amount: Amount, workload: str, delay: float, time: float) -> Breaks:
    """Return the act of "the network of {amount} {workload} pods is slower by {delay} for {time}"."""
    return on_pods(NetworkLatency, amount, workload, by="end", for_s=time, delay_s=delay)


def jittery(*, amount: Amount, workload: str, jitter: float, delay: float, time: float) -> Breaks:
    """Return the act of "… jitters by {jitter} around {delay} for {time}"."""
    return on_pods(NetworkLatency, amount, workload, by="end", for_s=time, delay_s=delay, jitter_s=jitter)


def lossy(*, amount: Amount, workload: str, percent: float, time: float) -> Breaks:
    """Return the act of "… loses {percent} % of its packets for {time}"."""
    return on_pods(NetworkLoss, amount, workload, by="end", for_s=time, of_packets=percent / 100)


def cut_off(*, amount: Amount, workload: str, time: float) -> Breaks:
    """Return the act of "{amount} {workload} pods are cut off from the network for {time}"."""
    return on_pods(NetworkPartition, amount, workload, by="end", for_s=time)


def cut_off_from_node_too(*, amount: Amount, workload: str, time: float) -> Breaks:
    """Return the act of "… are cut off from the network and their node for {time}"."""
    return on_pods(NetworkPartition, amount, workload, by="end", for_s=time, probes_too=True)


def cut_off_from(*, amount: Amount, workload: str, peers: str, time: float) -> Breaks:
    """Return the act of "{amount} {workload} pods and {peers} cannot reach each other for {time}"."""
    return on_pods(NetworkPartition, amount, workload, by="end", for_s=time, peers=peers)


def reset(*, amount: Amount, workload: str, time: float) -> Breaks:
    """Return the act of "every connection of {amount} {workload} pods is reset for {time}"."""
    return on_pods(ConnectionReset, amount, workload, by="end", for_s=time)


def refused_name(*, amount: Amount, workload: str, name: str, time: float) -> Breaks:
    """Return the act of "{amount} {workload} pods are refused the name {name} for {time}"."""
    return on_pods(DnsFailure, amount, workload, by="end", for_s=time, names=[name])


def delayed_name(*, amount: Amount, workload: str, delay: float, name: str, time: float) -> Breaks:
    """Return the act of "{amount} {workload} pods wait {delay} for the name {name} for {time}"."""
    return on_pods(
        DnsFailure, amount, workload, by="end", for_s=time, names=[name], mode="slow", delay_s=delay
    )


def wrong_name(*, amount: Amount, workload: str, name: str, time: float) -> Breaks:
    """Return the act of "{amount} {workload} pods are misled about the name {name} for {time}"."""
    return on_pods(DnsFailure, amount, workload, by="end", for_s=time, names=[name], mode="wrong")


def api_unreachable(*, node: NodeWords, time: float) -> Breaks:
    """Return the act of "the API server cannot be reached from {node} for {time}"."""
    return on_node(ApiUnreachable, node, by="end", for_s=time)
