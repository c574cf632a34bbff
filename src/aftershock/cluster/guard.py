"""The guard: what may be touched. Asks the cluster itself, trusts no plan.

Refused, with what was expected and what to do:

- a context that is not in `allowed_contexts`
- an object that is not what was planned (its UID differs, or it is gone)
- a namespace without the label aftershock.dev/allow=true
- kube-system, the monitoring's namespace and our own; a control-plane node; the last node
  that pods can go to. With `allow_protected` in the settings and the scenario tagged
  @protected these are allowed
- a node that hosts Prometheus or the reaper: always
- more than `max_share` of a workload's pods (but one is always allowed). Pods of a node that
  is being drained are limited by their PodDisruptionBudget instead, where they have one
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from fractions import Fraction

from aftershock.cluster.api import Json, KubeApi
from aftershock.cluster.connection import Cluster
from aftershock.cluster.targets import ALLOW_LABEL, Target, is_live, label_selector
from aftershock.config import Settings
from aftershock.errors import RefusedError

__all__ = ["OWN_NAMESPACE", "PROTECTED_NAMESPACES", "Guard", "check_context"]

OWN_NAMESPACE = "aftershock"
PROTECTED_NAMESPACES = frozenset(
    {"kube-system", "kube-public", "kube-node-lease", "monitoring", OWN_NAMESPACE}
)
CONTROL_PLANE = ("node-role.kubernetes.io/control-plane", "node-role.kubernetes.io/master")
# Pods whose node no node fault may take: what observes, and what would undo.
WITNESSES = ("app.kubernetes.io/name=prometheus", "app.kubernetes.io/name=aftershock-reaper")


def check_context(context: str, settings: Settings) -> None:
    """Do nothing if the context may be touched.

    Raises:
        RefusedError: it is not allow-listed.

    """
    if context not in settings.allowed_contexts:
        raise RefusedError(
            f"the context {context!r} may not be touched",
            expected=", ".join(settings.allowed_contexts) or "an entry in allowed_contexts",
            found=context,
            hint="add it to allowed_contexts in [tool.aftershock], if breaking things there is right",
        )


@dataclass(frozen=True, kw_only=True)
class Guard:
    """Says no. `protected` is whether the scenario is tagged @protected."""

    cluster: Cluster
    settings: Settings
    protected: bool = False

    @property
    def api(self) -> KubeApi:
        """The cluster's API."""
        return self.cluster.api

    @property
    def opens_protected(self) -> bool:
        """Whether protected targets may be touched."""
        return self.protected and self.settings.allow_protected

    def check(self, targets: Sequence[Target]) -> None:
        """Do nothing if all of `targets` may be touched by one fault.

        Raises:
            RefusedError: one of them, or all together, may not.

        """
        check_context(self.cluster.context, self.settings)
        live = {target: self._pinned(target) for target in targets}
        nodes = [found for target, found in live.items() if target.kind == "node"]
        pods = [found for target, found in live.items() if target.kind == "pod"]
        for namespace in sorted({target.namespace for target in targets if target.namespace}):
            self.check_namespace(namespace)
        for node in nodes:
            self._check_node(node, with_it={found["metadata"]["name"] for found in nodes})
        drained = {node["metadata"]["name"] for node in nodes}
        self._check_share([pod for pod in pods if pod["spec"].get("nodeName") not in drained], _group)
        evicted = [pod for pod in pods if pod["spec"].get("nodeName") in drained]
        self._check_share([pod for pod in evicted if not self._has_budget(pod)], _owner)

    def check_namespace(self, namespace: str) -> None:
        """Do nothing if pods of `namespace` may be touched.

        Raises:
            RefusedError: it is protected, or has not opted in.

        """
        if self.is_protected(namespace):
            if not self.opens_protected:
                raise self._protected_error(f"namespace {namespace}")
            return
        labels = self.api.get(f"/api/v1/namespaces/{namespace}")["metadata"].get("labels") or {}
        if labels.get(ALLOW_LABEL) != "true":
            raise RefusedError(
                f"namespace {namespace} has not opted in",
                expected=f"the label {ALLOW_LABEL}=true",
                found=f"{ALLOW_LABEL}={labels[ALLOW_LABEL]}" if ALLOW_LABEL in labels else "no such label",
                hint=f"kubectl label namespace {namespace} {ALLOW_LABEL}=true",
            )

    def is_protected(self, namespace: str) -> bool:
        """Whether a namespace is refused unless a scenario is tagged @protected."""
        return namespace in PROTECTED_NAMESPACES or namespace == self.cluster.monitoring.namespace

    def _pinned(self, target: Target) -> Json:
        found = self.api.find(target.path)
        if found is None or found["metadata"]["uid"] != target.uid:
            raise RefusedError(
                f"{target} is not what was planned",
                expected=f"uid {target.uid}",
                found="it is gone" if found is None else f"uid {found['metadata']['uid']}",
                hint="run the scenario again: something else changed it in between",
            )
        return found

    def _check_node(self, node: Json, *, with_it: set[str]) -> None:
        name = node["metadata"]["name"]
        labels = node["metadata"].get("labels") or {}
        for namespace, pod in self._witnesses(name):
            raise RefusedError(
                f"node {name} hosts {namespace}/{pod}",
                expected="a node without Prometheus or the reaper: no fault may blind or disarm the harness",
                found=f"{pod} runs there",
                hint="choose another node, or move it",
            )
        if self.opens_protected:
            return
        if any(label in labels for label in CONTROL_PLANE):
            raise self._protected_error(f"control-plane node {name}")
        others = [other for other in self.api.items("/api/v1/nodes") if _takes_pods(other)]
        if not [other for other in others if other["metadata"]["name"] not in with_it]:
            raise self._protected_error(f"node {name}, the last that pods can go to")

    def _witnesses(self, node: str) -> Iterable[tuple[str, str]]:
        for selector in WITNESSES:
            for pod in self.api.items("/api/v1/pods", labelSelector=selector):
                if pod["spec"].get("nodeName") == node and is_live(pod):
                    yield pod["metadata"]["namespace"], pod["metadata"]["name"]

    def _protected_error(self, what: str) -> RefusedError:
        return RefusedError(
            f"{what} is protected",
            expected="a target that is not",
            found=f"allow_protected={self.settings.allow_protected}, tagged @protected: {self.protected}",
            hint="only with allow_protected in the settings and @protected on the scenario",
        )

    def _check_share(self, pods: Sequence[Json], group_of: GroupOf) -> None:
        """Refuse if `pods` are more of a group than the share allows; at least one always is."""
        groups: dict[tuple[str, str], int] = {}
        for pod in pods:
            groups[group_of(pod)] = groups.get(group_of(pod), 0) + 1
        for (namespace, group), touched in groups.items():
            everyone = self.api.items(f"/api/v1/namespaces/{namespace}/pods")
            total = sum(is_live(pod) and group_of(pod) == (namespace, group) for pod in everyone)
            allowed = max(1, int(Fraction(str(self.settings.max_share)) * total))
            if touched > allowed:
                raise RefusedError(
                    f"{touched} of {total} pods of {namespace}/{group} at once is too many",
                    expected=f"at most {allowed}: max_share is {self.settings.max_share:.0%}",
                    found=f"{touched} of {total}",
                    hint="touch fewer, raise max_share, or give it a PodDisruptionBudget for a drain",
                )

    def _has_budget(self, pod: Json) -> bool:
        namespace = pod["metadata"]["namespace"]
        budgets = self.api.items(f"/apis/policy/v1/namespaces/{namespace}/poddisruptionbudgets")
        return any(
            pod["metadata"]["uid"] == other["metadata"]["uid"]
            for budget in budgets
            for other in self.api.items(
                f"/api/v1/namespaces/{namespace}/pods",
                labelSelector=label_selector(budget["spec"].get("selector") or {}),
            )
        )
