"""The configuration that kind makes the cluster from."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from aftershock.cluster.connect import NODE_PORTS

__all__ = ["AUDIT_LOG", "kind_config"]

LABELS = "aftershock.dev/"

AUDIT_LOG = "/var/log/kubernetes/audit.log"
"""Where the API server's audit log is, in the control plane's node."""

_POLICY = "/etc/kubernetes/audit-policy.yaml"
_LOG_MIB = 50
# kind turns every threshold off, and a node without one is never under MemoryPressure: the kernel kills.
# A kubelet's own default is 100Mi; here it must come well before the limit of the node's container.
_EVICT_BELOW = "256Mi"
# By default a node keeps saying MemoryPressure, and keeps pods away, for 5 minutes after it is over: a fault
# that is over would still be felt. "0s" means the default.
_PRESSURE_OVER_AFTER = "5s"


def kind_config(
    *, labels: Mapping[str, str], reserved: Mapping[str, str], audit_policy: Path
) -> dict[str, Any]:
    """Return kind's configuration: one control plane, two workers, ports on 127.0.0.1 only.

    `labels` are the node image's: one of our own build says which etcd and CoreDNS it
    holds. `reserved` is what kubelets leave alone. `audit_policy` is a file on this machine.
    """
    ports = [
        {"containerPort": port, "hostPort": port, "listenAddress": "127.0.0.1", "protocol": "TCP"}
        for port in sorted(NODE_PORTS.values())
    ]
    policy = {"hostPath": str(audit_policy), "containerPath": _POLICY, "readOnly": True}
    patches = [_kubelet(reserved), _audited()]
    if f"{LABELS}etcd" in labels:  # our own build
        patches.append(_tags(labels))
    return {
        "kind": "Cluster",
        "apiVersion": "kind.x-k8s.io/v1alpha4",
        "networking": {"disableDefaultCNI": True, "apiServerAddress": "127.0.0.1"},
        "kubeadmConfigPatches": [json.dumps(patch) for patch in patches],
        "nodes": [
            {"role": "control-plane", "extraPortMappings": ports, "extraMounts": [policy]},
            {"role": "worker"},
            {"role": "worker"},
        ],
    }


def _kubelet(reserved: Mapping[str, str]) -> dict[str, Any]:
    return {
        "apiVersion": "kubelet.config.k8s.io/v1beta1",
        "kind": "KubeletConfiguration",
        "systemReserved": dict(reserved),
        "evictionHard": {"memory.available": _EVICT_BELOW},
        "evictionPressureTransitionPeriod": _PRESSURE_OVER_AFTER,
        "serverTLSBootstrap": False,
    }


def _audited() -> dict[str, Any]:
    """Have the API server keep an audit log: two files of bounded size."""
    folder = str(Path(AUDIT_LOG).parent)
    mounts = [
        {
            "name": "audit-policy",
            "hostPath": _POLICY,
            "mountPath": _POLICY,
            "pathType": "File",
            "readOnly": True,
        },
        {"name": "audit-log", "hostPath": folder, "mountPath": folder, "pathType": "DirectoryOrCreate"},
    ]
    options = {
        "audit-policy-file": _POLICY,
        "audit-log-path": AUDIT_LOG,
        "audit-log-maxsize": str(_LOG_MIB),
        "audit-log-maxbackup": "1",
    }
    return _cluster(apiServer={"extraArgs": options, "extraVolumes": mounts})


def _tags(labels: Mapping[str, str]) -> dict[str, Any]:
    return _cluster(
        etcd={"local": {"imageTag": labels[f"{LABELS}etcd"]}}, dns={"imageTag": labels[f"{LABELS}coredns"]}
    )


def _cluster(**parts: Any) -> dict[str, Any]:
    return {"apiVersion": "kubeadm.k8s.io/v1beta3", "kind": "ClusterConfiguration", **parts}
