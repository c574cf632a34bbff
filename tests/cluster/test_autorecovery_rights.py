"""What the API lets auto-recovery's service account do on the live cluster: what it needs, and no more."""

from __future__ import annotations

import pytest

from aftershock.cluster.connection import Cluster
from tests.cluster.repairs import OWN

pytestmark = pytest.mark.addon

MAY = [
    ("watch", "", "pods", "demo", ""),
    ("watch", "", "nodes", "", ""),
    ("create", "", "pods/eviction", "demo", ""),
    ("get", "", "pods/log", "demo", ""),
    ("patch", "", "nodes", "", ""),
    ("patch", "apps", "deployments", "demo", ""),
    ("patch", "autoscaling", "horizontalpodautoscalers", "demo", ""),
    ("create", "policy", "poddisruptionbudgets", "demo", ""),
    ("list", "metrics.k8s.io", "nodes", "", ""),
    ("create", "", "events", "demo", ""),
    ("patch", "", "configmaps", "autorecovery", "autorecovery-incidents"),
    ("patch", "", "configmaps", "autorecovery", "autorecovery-logs"),
    ("patch", "coordination.k8s.io", "leases", "autorecovery", "autorecovery"),
]
MAY_NOT = [
    ("delete", "", "pods", "demo", ""),
    ("create", "", "pods", "demo", ""),
    ("patch", "", "pods", "demo", ""),
    ("create", "", "pods/exec", "demo", ""),
    ("get", "", "secrets", "demo", ""),
    ("list", "", "secrets", "autorecovery", ""),
    ("delete", "", "nodes", "", ""),
    ("patch", "", "nodes/status", "", ""),
    ("delete", "apps", "deployments", "demo", ""),
    ("create", "apps", "deployments", "demo", ""),
    ("update", "apps", "deployments", "demo", ""),
    ("patch", "apps", "statefulsets", "demo", ""),
    ("patch", "apps", "daemonsets", "demo", ""),
    ("delete", "autoscaling", "horizontalpodautoscalers", "demo", ""),
    ("patch", "policy", "poddisruptionbudgets", "demo", ""),
    ("delete", "policy", "poddisruptionbudgets", "demo", ""),
    ("delete", "", "events", "demo", ""),
    ("get", "", "configmaps", "kube-system", "kubeadm-config"),
    ("get", "", "configmaps", "demo", ""),
    ("patch", "", "configmaps", "autorecovery", "autorecovery-playbooks"),
    ("list", "", "configmaps", "autorecovery", ""),
    ("create", "", "configmaps", "autorecovery", ""),
    ("patch", "coordination.k8s.io", "leases", "kube-system", "kube-scheduler"),
    ("create", "", "serviceaccounts/token", "autorecovery", "autorecovery"),
    ("bind", "rbac.authorization.k8s.io", "clusterroles", "", ""),
    ("escalate", "rbac.authorization.k8s.io", "clusterroles", "", ""),
    ("create", "rbac.authorization.k8s.io", "clusterrolebindings", "", ""),
    ("impersonate", "", "users", "", ""),
    ("*", "*", "*", "", ""),
]


@pytest.mark.parametrize(
    ("right", "allowed"),
    [*((right, True) for right in MAY), *((right, False) for right in MAY_NOT)],
    ids=lambda value: " ".join(filter(None, value)) if isinstance(value, tuple) else str(value),
)
def test_it_may_what_it_needs_and_no_more(
    cluster: Cluster, right: tuple[str, str, str, str, str], allowed: bool
) -> None:
    verb, group, resource, namespace, name = right
    kind, _, sub = resource.partition("/")
    attributes = {
        "verb": verb, "group": group, "resource": kind, "subresource": sub, "namespace": namespace,
        "name": name,
    }  # fmt: skip
    review = {
        "apiVersion": "authorization.k8s.io/v1",
        "kind": "SubjectAccessReview",
        "spec": {
            "user": "system:serviceaccount:autorecovery:autorecovery",
            "groups": [
                "system:serviceaccounts", "system:serviceaccounts:autorecovery", "system:authenticated"
            ],
            "resourceAttributes": attributes,
        },
    }  # fmt: skip
    # What is not deployed may nothing either.
    assert cluster.api.find(f"{OWN}/serviceaccounts/autorecovery"), "aftershock up --with autorecovery"
    answer = cluster.api.post("/apis/authorization.k8s.io/v1/subjectaccessreviews", review)
    assert answer["status"]["allowed"] is allowed, answer["status"].get("reason")
