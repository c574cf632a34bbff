"""Which resources are watched, and what is kept of each: see docs/timeline.md."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from decimal import Decimal
from functools import lru_cache
from typing import Any

from kubernetes.utils import parse_quantity

from aftershock.observe import kube_types as kube

__all__ = ["RESOURCES", "Resource", "quantity"]

Data = dict[str, Any]


@dataclass(frozen=True, kw_only=True)
class Resource:
    """One watched resource. `path` holds `{namespace}` if it lives in one."""

    kind: str
    path: str
    type: type[kube.KubeObject]
    describe: Callable[[Any], Data]
    subject: Callable[[Any], str] | None = None

    @property
    def namespaced(self) -> bool:
        """Whether its objects live in namespaces."""
        return "{namespace}" in self.path

    def subject_of(self, found: kube.KubeObject) -> str:
        """Return what the timeline calls the object."""
        if self.subject is not None:
            return self.subject(found)
        parts = (self.kind, found.metadata.namespace, found.metadata.name)
        return "/".join(part for part in parts if part)

    def data_of(self, found: kube.KubeObject) -> Data:
        """Return what is kept of the object."""
        meta = found.metadata
        owners = [owner for owner in meta.ownerReferences if owner.controller]
        owner = owners[0] if owners else None
        return {
            "uid": meta.uid,
            "resource_version": meta.resourceVersion,
            "namespace": meta.namespace,
            "name": meta.name,
            "labels": meta.labels,
            "owner": {"kind": owner.kind, "name": owner.name, "uid": owner.uid} if owner else None,
            "created_at": meta.creationTimestamp,
            "deletion_at": meta.deletionTimestamp,
            **self.describe(found),
        }


@lru_cache(maxsize=4096)
def quantity(text: str) -> Decimal:
    """Return a Kubernetes quantity ("100m", "64Mi", "1234567n") exactly."""
    number: Decimal = parse_quantity(text)  # type: ignore[no-untyped-call]  # it ships no types
    return number


def _pod(pod: kube.Pod) -> Data:
    ready = _condition(pod.status.conditions, "Ready")
    statuses = {status.name: status for status in pod.status.containerStatuses}
    # Sidecars (init containers that go on running) count in the pod's requests.
    sidecars = [spec for spec in pod.spec.initContainers if spec.restartPolicy == "Always"]
    return {
        "node": pod.spec.nodeName,
        "phase": pod.status.phase,
        "ready": ready.status == "True" if ready else None,
        "ready_since": ready.lastTransitionTime if ready else None,
        "started_at": pod.status.startTime,
        "mirror": pod.metadata.annotations.mirror is not None,
        "containers": [
            _container(spec, statuses.get(spec.name)) for spec in (*pod.spec.containers, *sidecars)
        ],
    }


_NOT_YET = kube.ContainerStatus(name="")


def _container(spec: kube.ContainerSpec, status: kube.ContainerStatus | None) -> Data:
    now = status or _NOT_YET
    name, reason, at = _state(now.state)
    died = now.lastState.terminated
    requests = spec.resources.requests
    return {
        "name": spec.name,
        "ready": now.ready,
        "started": now.started,
        "restarts": now.restartCount,
        "id": now.containerID,
        "state": name,
        "reason": reason,
        "state_at": at,
        "last": {
            "reason": died.reason,
            "exit_code": died.exitCode,
            "started_at": died.startedAt,
            "finished_at": died.finishedAt,
        }
        if died
        else None,
        "cpu_request_m": math.ceil(quantity(requests.cpu) * 1000) if requests.cpu else None,
        "memory_request": int(quantity(requests.memory)) if requests.memory else None,
    }


def _state(state: kube.ContainerState) -> tuple[str | None, str | None, str | None]:
    if state.running:
        return "running", None, state.running.startedAt
    if state.terminated:
        return "terminated", state.terminated.reason, state.terminated.finishedAt
    return ("waiting", state.waiting.reason, None) if state.waiting else (None, None, None)


def _node(node: kube.Node) -> Data:
    ready = _condition(node.status.conditions, "Ready")
    return {
        "ready": bool(ready and ready.status == "True"),
        "unschedulable": node.spec.unschedulable,
        "conditions": {condition.type: condition.status for condition in node.status.conditions},
        "taints": [f"{taint.key}={taint.value}:{taint.effect}" for taint in node.spec.taints],
    }


def _event(event: kube.KubeEvent) -> Data:
    series = event.series
    return {
        "reason": event.reason,
        "message": event.message,
        "severity": event.type,
        "count": (series.count if series else None) or event.count,
        "first_at": event.firstTimestamp or event.eventTime,
        "last_at": (series.lastObservedTime if series else None) or event.lastTimestamp or event.eventTime,
        "reporter": event.reportingComponent or event.source.component,
        "about_uid": event.involvedObject.uid,
    }


def _about(event: kube.KubeEvent) -> str:
    about = event.involvedObject
    parts = (about.kind.lower(), about.namespace, about.name)
    return "/".join(part for part in parts if part)


def _endpointslice(piece: kube.EndpointSlice) -> Data:
    return {
        "service": piece.metadata.labels.get("kubernetes.io/service-name"),
        "endpoints": [
            {
                "pod": endpoint.targetRef.name if endpoint.targetRef else None,
                "uid": endpoint.targetRef.uid if endpoint.targetRef else None,
                "node": endpoint.nodeName,
                # The API: a missing `ready` is to be read as true.
                "ready": endpoint.conditions.ready is not False,
                "serving": endpoint.conditions.serving,
                "terminating": endpoint.conditions.terminating,
            }
            for endpoint in piece.endpoints or ()
        ],
    }


def _deployment(deployment: kube.Deployment) -> Data:
    status = deployment.status
    return {
        "generation": deployment.metadata.generation,
        "observed_generation": status.observedGeneration,
        "replicas": deployment.spec.replicas,
        "selector": deployment.spec.selector,
        "status": {
            "replicas": status.replicas,
            "ready": status.readyReplicas,
            "available": status.availableReplicas,
            "updated": status.updatedReplicas,
        },
    }


def _replicaset(found: kube.ReplicaSet) -> Data:
    return {"replicas": found.spec.replicas, "ready": found.status.readyReplicas}


def _hpa(hpa: kube.Hpa) -> Data:
    spec = hpa.spec
    target = spec.scaleTargetRef
    cpu = [metric.resource for metric in spec.metrics if metric.resource and metric.resource.name == "cpu"]
    return {
        "target": f"{target.kind.lower()}/{hpa.metadata.namespace}/{target.name}",
        "min": spec.minReplicas,
        "max": spec.maxReplicas,
        "cpu_percent": cpu[0].target.averageUtilization if cpu else None,
        "metrics": len(spec.metrics),
        "targets": [_metric(metric, "target") for metric in spec.metrics],
        "behavior": spec.behavior,
        "current": hpa.status.currentReplicas,
        "desired": hpa.status.desiredReplicas,
        "last_scale_at": hpa.status.lastScaleTime,
        "measured": [_metric(metric, "current") for metric in hpa.status.currentMetrics or () if metric],
        "conditions": {
            condition.type: {
                "status": condition.status,
                "reason": condition.reason,
                "message": condition.message,
            }
            for condition in hpa.status.conditions
        },
    }


def _metric(metric: kube.Metric, which: str) -> Data:
    """Return a metric's target or its current value: whole percent, or milli-units a pod."""
    known = metric.resource or metric.pods
    value: kube.MetricValue = getattr(known, which) if known else kube.MetricValue()
    name = metric.resource.name if metric.resource else metric.pods.metric.name if metric.pods else None
    return {
        "type": metric.type,
        "name": name,
        "percent": value.averageUtilization,
        "average_m": None if value.averageValue is None else math.ceil(quantity(value.averageValue) * 1000),
    }


def _pdb(pdb: kube.Pdb) -> Data:
    return {
        "min_available": pdb.spec.minAvailable,
        "max_unavailable": pdb.spec.maxUnavailable,
        "selector": pdb.spec.selector,
        "healthy": pdb.status.currentHealthy,
        "desired_healthy": pdb.status.desiredHealthy,
        "allowed": pdb.status.disruptionsAllowed,
    }


def _condition(conditions: list[kube.Condition], name: str) -> kube.Condition | None:
    return next((condition for condition in conditions if condition.type == name), None)


def _core(plural: str) -> str:
    return f"/api/v1/namespaces/{{namespace}}/{plural}"


def _group(group: str, plural: str) -> str:
    return f"/apis/{group}/namespaces/{{namespace}}/{plural}"


_ALL = (
    Resource(kind="node", path="/api/v1/nodes", type=kube.Node, describe=_node),
    # Before pods: a pod is then never listed before what owns it.
    Resource(
        kind="deployment",
        path=_group("apps/v1", "deployments"),
        type=kube.Deployment,
        describe=_deployment,
    ),
    Resource(
        kind="replicaset",
        path=_group("apps/v1", "replicasets"),
        type=kube.ReplicaSet,
        describe=_replicaset,
    ),
    Resource(
        kind="hpa", path=_group("autoscaling/v2", "horizontalpodautoscalers"), type=kube.Hpa, describe=_hpa
    ),
    Resource(kind="pdb", path=_group("policy/v1", "poddisruptionbudgets"), type=kube.Pdb, describe=_pdb),
    Resource(
        kind="endpointslice",
        path=_group("discovery.k8s.io/v1", "endpointslices"),
        type=kube.EndpointSlice,
        describe=_endpointslice,
    ),
    Resource(kind="pod", path=_core("pods"), type=kube.Pod, describe=_pod),
    Resource(kind="event", path=_core("events"), type=kube.KubeEvent, describe=_event, subject=_about),
)

RESOURCES: Mapping[str, Resource] = {resource.kind: resource for resource in _ALL}
