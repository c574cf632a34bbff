"""What is the project's own in a cluster: its namespace, where the API has what runs there, as whom."""

from __future__ import annotations

__all__ = ["CONFIG_MAPS", "JOBS", "OWN_NAMESPACE", "PODS", "UNPRIVILEGED"]

OWN_NAMESPACE = "aftershock"
JOBS = f"/apis/batch/v1/namespaces/{OWN_NAMESPACE}/jobs"
PODS = f"/api/v1/namespaces/{OWN_NAMESPACE}/pods"
CONFIG_MAPS = f"/api/v1/namespaces/{OWN_NAMESPACE}/configmaps"

UNPRIVILEGED = {
    "runAsNonRoot": True,
    "runAsUser": 65534,
    "readOnlyRootFilesystem": True,
    "allowPrivilegeEscalation": False,
    "capabilities": {"drop": ["ALL"]},
    "seccompProfile": {"type": "RuntimeDefault"},
}
"""The security context of a container that needs no right."""
