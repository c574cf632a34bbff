"""Pods that benches bring into the cluster: a script from a ConfigMap, run by the image of our own parts."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

from aftershock.clock import wait_until
from aftershock.cluster.api import Json, KubeApi
from aftershock.cluster.targets import is_live, is_ready

__all__ = ["NAMESPACE", "deployment", "node_ports", "pods_of", "ready_pods", "remove", "script_pod"]

NAMESPACE = "demo"
"""One whose pods the API server's audit log covers, and that may be touched."""

_GONE_WITHIN_S = 60.0


def script_pod(
    script: Path,
    *,
    name: str,
    config: str,
    image: str,
    arguments: Sequence[str] = (),
    ports: Mapping[str, int] | None = None,
    probe: Json | None = None,
) -> Json:
    """Return the specification of a pod that runs `script` from the ConfigMap `config`.

    All of that ConfigMap is where the script is, at /NAME.
    """
    container: Json = {
        "name": name,
        "image": image,
        "imagePullPolicy": "IfNotPresent",
        "command": ["python3", f"/{name}/{script.name}", *arguments],
        "ports": [{"name": port, "containerPort": number} for port, number in (ports or {}).items()],
        "resources": {"requests": {"cpu": "20m", "memory": "32Mi"}, "limits": {"memory": "64Mi"}},
        "securityContext": {
            "allowPrivilegeEscalation": False,
            "readOnlyRootFilesystem": True,
            "capabilities": {"drop": ["ALL"]},
        },
        "volumeMounts": [{"name": "script", "mountPath": f"/{name}", "readOnly": True}],
    }
    if probe is not None:
        container["readinessProbe"] = probe
    return {
        "automountServiceAccountToken": False,
        "enableServiceLinks": False,
        "terminationGracePeriodSeconds": 5,
        "securityContext": {
            "runAsNonRoot": True,
            "runAsUser": 65534,
            "seccompProfile": {"type": "RuntimeDefault"},
        },
        "containers": [container],
        "volumes": [{"name": "script", "configMap": {"name": config}}],
    }


def deployment(name: str, labels: Mapping[str, str], pod: Json, *, replicas: int = 1) -> Json:
    """Return the Deployment of such pods; `labels` are its own, its pods' and its selector."""
    return {
        "apiVersion": "apps/v1",
        "kind": "Deployment",
        "metadata": {"name": name, "namespace": NAMESPACE, "labels": dict(labels)},
        "spec": {
            "replicas": replicas,
            "selector": {"matchLabels": dict(labels)},
            "template": {"metadata": {"labels": dict(labels)}, "spec": pod},
        },
    }


def pods_of(api: KubeApi, labels: Mapping[str, str]) -> list[Json]:
    """Return the pods with these labels, those that end included."""
    selector = ",".join(f"{name}={value}" for name, value in labels.items())
    return api.items(f"/api/v1/namespaces/{NAMESPACE}/pods", labelSelector=selector)


def ready_pods(api: KubeApi, labels: Mapping[str, str]) -> list[Json]:
    """Return those of them that are Ready and stay."""
    return [pod for pod in pods_of(api, labels) if is_live(pod) and is_ready(pod)]


def node_ports(api: KubeApi, service: str) -> dict[str, int]:
    """Return the ports of a Service at every node, by name."""
    found = api.get(f"/api/v1/namespaces/{NAMESPACE}/services/{service}")
    return {port["name"]: port["nodePort"] for port in found["spec"]["ports"]}


def remove(api: KubeApi, labels: Mapping[str, str], *, folders: Sequence[str]) -> None:
    """Delete what has these labels in the API's `folders`, in their order, and wait until no pod is left."""
    selector = ",".join(f"{name}={value}" for name, value in labels.items())
    for folder in folders:
        for item in api.items(folder, labelSelector=selector):
            api.delete(f"{folder}/{item['metadata']['name']}")
    wait_until(
        lambda: not pods_of(api, labels), within_s=_GONE_WITHIN_S, what=f"pods of {selector} to be removed"
    )
