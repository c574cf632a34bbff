"""The fields of Kubernetes objects that are recorded; everything else is never decoded.

Names are the API's own, so that msgspec maps them as they are.
"""
# ruff: noqa: D101, N815 - the API's names, and its documentation is theirs

from __future__ import annotations

from typing import Any, Generic, TypeVar

import msgspec

__all__ = [
    "Deployment",
    "EndpointSlice",
    "Hpa",
    "KubeEvent",
    "KubeObject",
    "Line",
    "ListMeta",
    "Meta",
    "Node",
    "Pdb",
    "Pod",
    "ReplicaSet",
    "Status",
]

T = TypeVar("T")


class Part(msgspec.Struct, kw_only=True, gc=False):
    """Unknown fields are skipped, missing ones have defaults.

    They are trees that live for a moment: nothing that the garbage collector has to look at.
    """


class OwnerReference(Part):
    kind: str
    name: str
    uid: str
    controller: bool = False


class Annotations(Part):
    mirror: str | None = msgspec.field(default=None, name="kubernetes.io/config.mirror")


class Meta(Part):
    """What every object has."""

    name: str = ""
    namespace: str = ""
    uid: str = ""
    resourceVersion: str = ""
    generation: int | None = None
    labels: dict[str, str] = {}
    annotations: Annotations = msgspec.field(default_factory=Annotations)
    ownerReferences: list[OwnerReference] = []
    creationTimestamp: str | None = None
    deletionTimestamp: str | None = None


class ListMeta(Part):
    resourceVersion: str = ""
    more: str = msgspec.field(default="", name="continue")


class KubeObject(Part):
    """An object of which only the metadata matter."""

    metadata: Meta


class Condition(Part):
    type: str
    status: str
    lastTransitionTime: str | None = None
    reason: str | None = None
    message: str | None = None


class Requests(Part):
    cpu: str | None = None
    memory: str | None = None


class Resources(Part):
    requests: Requests = msgspec.field(default_factory=Requests)


class ContainerSpec(Part):
    name: str
    resources: Resources = msgspec.field(default_factory=Resources)
    restartPolicy: str | None = None


class Running(Part):
    startedAt: str | None = None


class Waiting(Part):
    reason: str | None = None


class Terminated(Part):
    reason: str | None = None
    exitCode: int | None = None
    startedAt: str | None = None
    finishedAt: str | None = None


class ContainerState(Part):
    running: Running | None = None
    waiting: Waiting | None = None
    terminated: Terminated | None = None


class ContainerStatus(Part):
    name: str
    ready: bool = False
    started: bool | None = None
    restartCount: int = 0
    containerID: str | None = None
    state: ContainerState = msgspec.field(default_factory=ContainerState)
    lastState: ContainerState = msgspec.field(default_factory=ContainerState)


class PodSpec(Part):
    nodeName: str | None = None
    containers: list[ContainerSpec] = []
    initContainers: list[ContainerSpec] = []


class PodStatus(Part):
    phase: str | None = None
    startTime: str | None = None
    conditions: list[Condition] = []
    containerStatuses: list[ContainerStatus] = []


class Pod(KubeObject):
    spec: PodSpec = msgspec.field(default_factory=PodSpec)
    status: PodStatus = msgspec.field(default_factory=PodStatus)


class Taint(Part):
    key: str
    value: str = ""
    effect: str = ""


class NodeSpec(Part):
    unschedulable: bool = False
    taints: list[Taint] = []


class NodeStatus(Part):
    conditions: list[Condition] = []


class Node(KubeObject):
    spec: NodeSpec = msgspec.field(default_factory=NodeSpec)
    status: NodeStatus = msgspec.field(default_factory=NodeStatus)


class ObjectReference(Part):
    kind: str = ""
    namespace: str = ""
    name: str = ""
    uid: str = ""


class EventSource(Part):
    component: str = ""


class EventSeries(Part):
    count: int | None = None
    lastObservedTime: str | None = None


class KubeEvent(KubeObject):
    involvedObject: ObjectReference = msgspec.field(default_factory=ObjectReference)
    reason: str | None = None
    message: str | None = None
    type: str | None = None
    count: int | None = None
    firstTimestamp: str | None = None
    lastTimestamp: str | None = None
    eventTime: str | None = None
    series: EventSeries | None = None
    source: EventSource = msgspec.field(default_factory=EventSource)
    reportingComponent: str = ""


class EndpointConditions(Part):
    ready: bool | None = None
    serving: bool | None = None
    terminating: bool | None = None


class Endpoint(Part):
    conditions: EndpointConditions = msgspec.field(default_factory=EndpointConditions)
    targetRef: ObjectReference | None = None
    nodeName: str | None = None


class EndpointSlice(KubeObject):
    endpoints: list[Endpoint] | None = None


class ReplicasSpec(Part):
    replicas: int = 1
    selector: dict[str, Any] | None = None


class ReplicasStatus(Part):
    observedGeneration: int | None = None
    replicas: int = 0
    readyReplicas: int = 0
    availableReplicas: int = 0
    updatedReplicas: int = 0


class Deployment(KubeObject):
    spec: ReplicasSpec = msgspec.field(default_factory=ReplicasSpec)
    status: ReplicasStatus = msgspec.field(default_factory=ReplicasStatus)


class ReplicaSet(KubeObject):
    spec: ReplicasSpec = msgspec.field(default_factory=ReplicasSpec)
    status: ReplicasStatus = msgspec.field(default_factory=ReplicasStatus)


class ScaleTarget(Part):
    kind: str = ""
    name: str = ""


class MetricValue(Part):
    """A target, or what was measured."""

    averageUtilization: int | None = None
    averageValue: str | None = None


class ResourceMetric(Part):
    name: str = ""
    target: MetricValue = msgspec.field(default_factory=MetricValue)
    current: MetricValue = msgspec.field(default_factory=MetricValue)


class MetricName(Part):
    name: str = ""


class PodsMetric(Part):
    metric: MetricName = msgspec.field(default_factory=MetricName)
    target: MetricValue = msgspec.field(default_factory=MetricValue)
    current: MetricValue = msgspec.field(default_factory=MetricValue)


class Metric(Part):
    type: str = ""
    resource: ResourceMetric | None = None
    pods: PodsMetric | None = None


class HpaSpec(Part):
    scaleTargetRef: ScaleTarget = msgspec.field(default_factory=ScaleTarget)
    minReplicas: int = 1
    maxReplicas: int = 1
    metrics: list[Metric] = []
    behavior: dict[str, Any] | None = None


class HpaStatus(Part):
    currentReplicas: int | None = None
    desiredReplicas: int | None = None
    lastScaleTime: str | None = None
    conditions: list[Condition] = []
    currentMetrics: list[Metric | None] | None = None


class Hpa(KubeObject):
    spec: HpaSpec = msgspec.field(default_factory=HpaSpec)
    status: HpaStatus = msgspec.field(default_factory=HpaStatus)


class PdbSpec(Part):
    minAvailable: int | str | None = None
    maxUnavailable: int | str | None = None
    selector: dict[str, Any] | None = None


class PdbStatus(Part):
    currentHealthy: int | None = None
    desiredHealthy: int | None = None
    disruptionsAllowed: int | None = None


class Pdb(KubeObject):
    spec: PdbSpec = msgspec.field(default_factory=PdbSpec)
    status: PdbStatus = msgspec.field(default_factory=PdbStatus)


class Status(Part):
    """The API's way to say no inside a watch."""

    code: int = 0
    reason: str = ""
    message: str = ""


class Line(Part, Generic[T]):
    """One line of a watch."""

    type: str
    object: T
