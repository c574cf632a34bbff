"""The guard: what may be touched. Asks the cluster itself, trusts no plan.

Refused, with what was expected and what to do:

- a context that is not in `allowed_contexts`
- an object that is not what was planned (its UID differs, or it is gone)
- a namespace without the label aftershock.dev/allow=true
- kube-system, the monitoring's namespace and our own; a control-plane node; the last node
  that pods can go to. With `allow_protected` in the settings and the scenario tagged
  @protected these are allowed
- a node that hosts Prometheus, the reaper or a harness: always
- more than `max_share` of a workload's pods (but one is always allowed), unless the scenario is
  tagged @whole. A Deployment or StatefulSet that is touched is all its pods. Pods of a node that
  is being drained are limited by their PodDisruptionBudget instead, where they have one
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Collection, Iterable, Sequence
from dataclasses import dataclass
from fractions import Fraction

from aftershock.cluster.api import Json, KubeApi
from aftershock.cluster.connection import Cluster
from aftershock.cluster.controllers import owner_of, pods_of
from aftershock.cluster.own import OWN_NAMESPACE
from aftershock.cluster.targets import (
    ALLOW_LABEL,
    Target,
    collection,
    is_control_plane,
    is_live,
    is_ready,
    label_selector,
)
from aftershock.config import Settings
from aftershock.errors import RefusedError

__all__ = ["PROTECTED_NAMESPACES", "Guard", "check_context"]

PROTECTED_NAMESPACES = frozenset(
    {"kube-system", "kube-public", "kube-node-lease", "monitoring", OWN_NAMESPACE}
)
# By the operator's label, and by the one of hand-written manifests.
PROMETHEUS = ("app.kubernetes.io/name=prometheus", "app=prometheus")
REAPER = "app.kubernetes.io/name=aftershock-reaper"
HARNESS = "app.kubernetes.io/name=aftershock-harness"

# What makes pods: all of them are touched with it.
MAKERS = frozenset({"daemonset", "deployment", "statefulset"})

Group = tuple[str, str]


def check_context(context: str, settings: Settings) -> None:
    """Do nothing if the context may be touched.

    Raises:
        RefusedError: it is not allow-listed.

    """
    if context not in settings.allowed_contexts:
        raise RefusedError(
            f"context {context!r} is not allowed",
            expected=f"one of {', '.join(settings.allowed_contexts) or '(none)'}",
            found=context or "no context",
            hint="if it may be broken, add it to allowed_contexts in [tool.aftershock] (pyproject.toml)",
        )


@dataclass(frozen=True, kw_only=True)
class Guard:
    """Says no. `protected` and `whole` are whether the scenario is tagged @protected, @whole."""

    cluster: Cluster
    settings: Settings
    protected: bool = False
    whole: bool = False

    @classmethod
    def of(cls, cluster: Cluster, settings: Settings, tags: Collection[str] = ()) -> Guard:
        """Return the guard of a scenario with those tags."""
        return cls(cluster=cluster, settings=settings, protected="protected" in tags, whole="whole" in tags)

    @property
    def api(self) -> KubeApi:
        """The cluster's API."""
        return self.cluster.api

    @property
    def opens_protected(self) -> bool:
        """Whether protected targets may be touched."""
        return self.protected and self.settings.allow_protected

    def check(self, targets: Sequence[Target], *, disturbs: bool = True) -> None:
        """Do nothing if all of `targets` may be touched by one fault.

        The share of their pods is not limited where it `disturbs` none of them.

        Raises:
            RefusedError: one of them, or all together, may not.

        """
        check_context(self.cluster.context, self.settings)
        if not targets:
            raise RefusedError("there is nothing to touch", expected="at least one target", found="none")
        live = {target: self._pinned(target) for target in targets}
        nodes = [found for target, found in live.items() if target.kind == "node"]
        pods = [found for target, found in live.items() if target.kind == "pod"]
        for namespace in sorted({target.namespace for target in targets if target.namespace}):
            self.check_namespace(namespace)
        for node in nodes:
            self._check_node(node, with_it={found["metadata"]["name"] for found in nodes})
        if self.whole or not disturbs:
            return
        drained = {node["metadata"]["name"] for node in nodes}
        # All of them, wherever they run: no budget limits what happens to a controller's pods.
        whole = [
            pod for target, found in live.items() if target.kind in MAKERS for pod in pods_of(self.api, found)
        ]
        by_name = [pod for pod in pods if pod["spec"].get("nodeName") not in drained]
        self._check_share({pod["metadata"]["uid"]: pod for pod in (*whole, *by_name)}.values(), _group)
        evicted = [pod for pod in pods if pod["spec"].get("nodeName") in drained]
        budgeted = self._budgeted({pod["metadata"]["namespace"] for pod in evicted})
        self._check_share([pod for pod in evicted if pod["metadata"]["uid"] not in budgeted], _owner)

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

    def may_touch(self, namespace: str) -> bool:
        """Whether pods of `namespace` may be touched."""
        try:
            self.check_namespace(namespace)
        except RefusedError:
            return False
        return True

    def is_protected(self, namespace: str) -> bool:
        """Whether a namespace is refused unless a scenario is tagged @protected."""
        return namespace in PROTECTED_NAMESPACES or namespace == self.cluster.monitoring.namespace

    def opened_namespaces(self) -> list[str]:
        """Return the protected namespaces that may be touched, so that a scenario's record shows them."""
        wanted = {"kube-system", self.cluster.monitoring.namespace} - {""}
        return sorted(wanted) if self.opens_protected else []

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
        here = [
            str(Target.of("pod", pod)) for pod in self._witnesses() if pod["spec"].get("nodeName") == name
        ]
        if here:
            raise RefusedError(
                f"node {name} hosts {', '.join(here)}",
                expected="a node without them: no fault may blind or disarm the harness",
                found="they run there",
                hint="choose another node, or move them",
            )
        if self.opens_protected:
            return
        if is_control_plane(node):
            raise self._protected_error(f"control-plane node {name}")
        others = [other for other in self.api.items("/api/v1/nodes") if _takes_pods(other)]
        if not [other for other in others if other["metadata"]["name"] not in with_it]:
            raise self._protected_error(f"node {name}, the last that pods can go to")

    def _witnesses(self) -> list[Json]:
        """Return the pods whose node no fault may take: what observes, and what would undo.

        Raises:
            RefusedError: it cannot be told where Prometheus runs.

        """
        observers = [pod for selector in PROMETHEUS for pod in self._pods_everywhere(selector)]
        if not observers and self.cluster.monitoring.namespace:
            raise RefusedError(
                "cannot tell on which node Prometheus runs, so no node may be touched",
                expected=f"a pod with the label {' or '.join(PROMETHEUS)}",
                found="none",
                hint="label Prometheus' pods so",
            )
        return [*observers, *self._pods_everywhere(REAPER), *self._pods_everywhere(HARNESS)]

    def _pods_everywhere(self, selector: str) -> list[Json]:
        return [pod for pod in self.api.items("/api/v1/pods", labelSelector=selector) if is_live(pod)]

    def _protected_error(self, what: str) -> RefusedError:
        return RefusedError(
            f"{what} is protected",
            expected="a target that is not",
            found=f"allow_protected={self.settings.allow_protected}, tagged @protected: {self.protected}",
            hint="only with allow_protected in the settings and @protected on the scenario",
        )

    def _check_share(self, pods: Iterable[Json], group_of: Callable[[Json], Group]) -> None:
        """Refuse if `pods` are more of a group than the share allows; one always is allowed."""
        for (namespace, group), touched in Counter(map(group_of, pods)).items():
            everyone = self.api.items(collection("pod", namespace))
            total = sum(is_live(pod) and group_of(pod) == (namespace, group) for pod in everyone)
            # As a fraction of its decimal text: 0.3 of 10 is 3, which binary floats miss.
            allowed = max(1, int(Fraction(str(self.settings.max_share)) * total))
            if touched > allowed:
                raise RefusedError(
                    f"{touched} of {total} pods of {namespace}/{group} at once is too many",
                    expected=f"at most {allowed}, as max_share is {self.settings.max_share:g}",
                    found=f"{touched} of {total}",
                    hint="touch fewer, raise max_share, tag the scenario @whole, or for a drain give it a "
                    "PodDisruptionBudget",
                )

    def _budgeted(self, namespaces: Iterable[str]) -> set[str]:
        """Return the UIDs of pods that a PodDisruptionBudget covers."""
        covered: set[str] = set()
        for namespace in namespaces:
            for budget in self.api.items(collection("poddisruptionbudget", namespace)):
                selector = budget["spec"].get("selector")
                if selector is None:  # selects nothing; an empty one selects all
                    continue
                pods = self.api.items(collection("pod", namespace), labelSelector=label_selector(selector))
                covered |= {pod["metadata"]["uid"] for pod in pods}
        return covered


def _takes_pods(node: Json) -> bool:
    """Whether an ordinary pod can be scheduled there now."""
    closed = any(taint["effect"] in {"NoSchedule", "NoExecute"} for taint in node["spec"].get("taints") or ())
    return is_ready(node) and not closed and not node["spec"].get("unschedulable")


def _group(pod: Json) -> Group:
    """Return what a scenario calls the workload: its pods' app label, else their owner."""
    labels = pod["metadata"].get("labels") or {}
    name = labels.get("app") or labels.get("app.kubernetes.io/name")
    return (pod["metadata"]["namespace"], name) if name else _owner(pod)


def _owner(pod: Json) -> Group:
    """Return what makes a pod again: its Deployment or other controller; itself if nothing does."""
    meta = pod["metadata"]
    owner = owner_of(pod)
    if owner is None:
        return meta["namespace"], meta["name"]
    name = str(owner["name"])
    return meta["namespace"], name.rpartition("-")[0] if owner["kind"] == "ReplicaSet" else name
