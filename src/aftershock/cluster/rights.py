"""What a run asks the API for: every right that faults, watches and reports of this version use.

The preflight asks whether we have them all, and stack/reaper/base/harness.yaml grants just these.
"""

from __future__ import annotations

from dataclasses import dataclass

from aftershock.cluster.own import OWN_NAMESPACE

__all__ = ["RIGHTS", "Right"]


@dataclass(frozen=True, order=True, kw_only=True)
class Right:
    """A verb on a resource (as "pods/eviction") of an API group; `namespace` is "" for all of them."""

    verb: str
    resource: str
    group: str = ""
    namespace: str = ""

    def __str__(self) -> str:
        """Return it as in "watch deployments.apps"."""
        where = f" in {self.namespace}" if self.namespace else ""
        return f"{self.verb} {self.resource}{f'.{self.group}' if self.group else ''}{where}"


_EVERYWHERE = {
    "": {
        # Watched, marked when a fault touches them, and deleted by one fault.
        "pods": "get list watch patch delete",
        "pods/eviction": "create",
        "pods/log": "get",
        # How many requests a pod has served.
        "pods/proxy": "get",
        "nodes": "get list watch patch",
        # What a kubelet measures, and how it is configured.
        "nodes/proxy": "get",
        "namespaces": "get list",
        "services": "get list",
        "events": "list watch",
        "persistentvolumeclaims": "get",
    },
    "apps": {
        "deployments": "get list watch patch update",
        "replicasets": "get list watch",
        "statefulsets": "get list patch update",
        "daemonsets": "get list patch update",
    },
    # Settings that a scenario changes for its time; a budget that somebody made meanwhile is taken back.
    "autoscaling": {"horizontalpodautoscalers": "get list watch patch update"},
    "autoscaling.k8s.io": {"verticalpodautoscalers": "get list patch update"},
    "policy": {"poddisruptionbudgets": "get list watch patch update delete"},
    "discovery.k8s.io": {"endpointslices": "list watch"},
    "metrics.k8s.io": {"pods": "list"},
    "custom.metrics.k8s.io": {"pods/http_requests_per_second": "get"},
    "monitoring.coreos.com": {"prometheusrules": "list"},
    # Marks are looked for on carriers of any namespace; a node's Lease says whether its kubelet is alive.
    "batch": {"jobs": "list"},
    "coordination.k8s.io": {"leases": "get"},
}
# In our own namespace: carriers, the run's Lease, the note that says halt.
_OWN = {
    "": {"configmaps": "create delete get"},
    "batch": {"jobs": "create delete get"},
    "coordination.k8s.io": {"leases": "create patch"},
}

RIGHTS = tuple(
    Right(verb=verb, resource=resource, group=group, namespace=namespace)
    for namespace, table in (("", _EVERYWHERE), (OWN_NAMESPACE, _OWN))
    for group, resources in table.items()
    for resource, verbs in resources.items()
    for verb in verbs.split()
)
