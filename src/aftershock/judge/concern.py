"""Whose alert it is: what a fault hit, what a step names, or something else.

An alert's labels name objects: `pod` with `namespace`, `node`, or a workload by its own kind.
An alert is another's where its labels name a pod, node or namespace that is not among those
meant; labels that name nothing of the kind leave it open, and then it counts.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence

from aftershock.judge.world import Data, Owners
from aftershock.timeline import Event

__all__ = ["NAMES_A_WORKLOAD", "Admits", "Labels", "admits"]

Labels = Mapping[str, str]
Admits = Callable[[Labels], bool]

NAMES_A_WORKLOAD = frozenset(
    {
        "app",
        "container",
        "daemonset",
        "deployment",
        "horizontalpodautoscaler",
        "job",
        "service",
        "statefulset",
    }
)


def admits(events: Sequence[Event], *, of: str = "") -> Admits:
    """Return what tells by its labels whether an alert is meant.

    With `of`, the name of a workload (or its pods' label app), those of its pods, of itself
    and of services and jobs of its name. Else those of what the faults in the record hit:
    target pods, all pods of the same owners, target nodes and the pods that they carried.
    A record without a fault admits every alert.
    """
    return _of_workload(events, of) if of else _of_faults(events)


def _of_workload(events: Sequence[Event], name: str) -> Admits:
    owners = Owners(events)
    pods = {
        (pod["namespace"], pod["name"])
        for pod in _pods(events)
        if name in {owners.workload(pod).rpartition("/")[2], pod["labels"].get("app")}
    }
    spaces = {namespace for namespace, _ in pods}

    def admit(labels: Labels) -> bool:
        if "namespace" in labels and labels["namespace"] not in spaces:
            return False
        if "pod" in labels:
            return (labels.get("namespace"), labels["pod"]) in pods
        return any(labels.get(label) == name for label in NAMES_A_WORKLOAD)

    return admit


def _of_faults(events: Sequence[Event]) -> Admits:
    hit = {
        event.subject
        for event in events
        if event.source == "harness" and event.kind in {"injecting", "injected"}
    }
    if not hit:
        return _anything
    owners, seen = Owners(events), list(_pods(events))
    nodes = {subject.removeprefix("node/") for subject in hit if subject.startswith("node/")}
    own = [pod for pod in seen if f"pod/{pod['namespace']}/{pod['name']}" in hit or pod["node"] in nodes]
    workloads = hit | {owners.workload(pod) for pod in own}
    pods = {(pod["namespace"], pod["name"]) for pod in seen if owners.workload(pod) in workloads}
    # A target that the watch never showed is meant all the same.
    pods |= {(space, name) for kind, space, name in map(_parts, hit) if kind == "pod"}
    watched = {pod["namespace"] for pod in seen}
    spaces = {namespace for namespace, _ in pods}
    # A fault of pods shows on the nodes that they are on; one of nodes on these alone.
    nodes_shown = nodes or {pod["node"] for pod in seen if (pod["namespace"], pod["name"]) in pods}

    def admit(labels: Labels) -> bool:
        namespace = labels.get("namespace")
        # A node also carries pods of namespaces that nobody watched: theirs may be meant.
        unseen = bool(nodes) and namespace not in watched
        if namespace is not None and namespace not in spaces and not unseen:
            return False
        if "pod" in labels and namespace is not None:
            return unseen or (namespace, labels["pod"]) in pods
        return "node" not in labels or not nodes_shown or labels["node"] in nodes_shown

    return admit


def _anything(_: Labels) -> bool:
    return True


def _parts(subject: str) -> tuple[str, str, str]:
    """Split kind/namespace/name; what lives in no namespace has "" there."""
    kind, _, rest = subject.partition("/")
    namespace, _, name = rest.rpartition("/")
    return kind, namespace, name


def _pods(events: Iterable[Event]) -> Iterable[Data]:
    return (event.data for event in events if event.kind == "pod" and event.source == "kubernetes")
