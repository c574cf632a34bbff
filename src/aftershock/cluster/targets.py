"""Targets: from the names that a scenario uses to pods and nodes pinned by UID.

Touches nothing. A random choice has a seed, which is part of the answer and is printed,
so that it can be made again. Whether a target may be touched is for the guard to say.
"""

from __future__ import annotations

import random
import secrets
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from fractions import Fraction
from typing import Any

from aftershock.cluster.api import Json, KubeApi
from aftershock.counting import counted
from aftershock.errors import RefusedError

__all__ = [
    "ALLOW_LABEL",
    "CONTROL_PLANE",
    "Amount",
    "Choice",
    "NodeWords",
    "Target",
    "Workload",
    "choose_node",
    "choose_pods",
    "collection",
    "condition",
    "find_workload",
    "is_control_plane",
    "is_live",
    "is_ready",
    "label_selector",
    "node_with_most_pods",
    "open_namespaces",
]

ALLOW_LABEL = "aftershock.dev/allow"
ROLE_LABEL = "node-role.kubernetes.io/"
CONTROL_PLANE = (f"{ROLE_LABEL}control-plane", f"{ROLE_LABEL}master")

_GROUPS = {
    "daemonset": "apis/apps/v1",
    "deployment": "apis/apps/v1",
    "horizontalpodautoscaler": "apis/autoscaling/v2",
    "poddisruptionbudget": "apis/policy/v1",
    "replicaset": "apis/apps/v1",
    "statefulset": "apis/apps/v1",
    "verticalpodautoscaler": "apis/autoscaling.k8s.io/v1",
}


def collection(kind: str, namespace: str = "") -> str:
    """Return where the API lists objects of `kind` (as "pod"): of one namespace, or all there are."""
    middle = f"/namespaces/{namespace}" if namespace else ""
    return f"/{_GROUPS.get(kind, 'api/v1')}{middle}/{kind}s"


@dataclass(frozen=True, kw_only=True)
class Target:
    """A pod, a workload, a node or a setting that will be touched, pinned by UID."""

    kind: str
    name: str
    uid: str
    namespace: str = ""

    def __str__(self) -> str:
        """Return kind/namespace/name, as subjects are written in the timeline."""
        return "/".join(part for part in (self.kind, self.namespace, self.name) if part)

    @classmethod
    def of(cls, kind: str, found: Json) -> Target:
        """Pin an object of the API."""
        meta = found["metadata"]
        return cls(kind=kind, name=meta["name"], uid=meta["uid"], namespace=meta.get("namespace", ""))

    @property
    def path(self) -> str:
        """Where the API has it."""
        return self.path_of(str(self))

    @staticmethod
    def path_of(subject: str) -> str:
        """Return where the API has what is called kind/namespace/name, or kind/name."""
        kind, _, rest = subject.partition("/")
        namespace, _, name = rest.rpartition("/")
        return f"{collection(kind, namespace)}/{name}"


@dataclass(frozen=True, kw_only=True)
class Workload:
    """The live pods that go by one name: neither finished nor on their way out."""

    namespace: str
    name: str
    selector: str
    pods: tuple[Json, ...]

    def __str__(self) -> str:
        """Return namespace/name."""
        return f"{self.namespace}/{self.name}"


@dataclass(frozen=True, kw_only=True)
class Amount:
    """How many: `count`, or a `share` of what there is (0.3 is 30 %). The guard may allow fewer."""

    count: int = 1
    share: float | None = None

    def of(self, total: int) -> int:
        """Return how many of `total` that is: a share is rounded down, but is at least one."""
        if self.share is None:
            return self.count
        # As a fraction of its decimal text: 0.3 of 10 is 3, which binary floats miss.
        return max(1, int(Fraction(str(self.share)) * total))

    def __str__(self) -> str:
        """Return it as a step says it."""
        return str(self.count) if self.share is None else f"{self.share * 100:g} % of the"


@dataclass(frozen=True, kw_only=True)
class NodeWords:
    """Which node is meant: by its `name`, by its `role`, or as the one that holds most of `workload`.

    A worker is what is no control plane; every other role is the label that clusters give.
    """

    name: str = ""
    role: str = ""
    workload: str = ""


@dataclass(frozen=True, kw_only=True)
class Choice:
    """What was chosen, from how many, and the seed that makes the same choice again."""

    targets: tuple[Target, ...]
    of: int
    among: str
    seed: int

    def __str__(self) -> str:
        """Say it for a person: what, out of what, by which seed."""
        names = ", ".join(str(target) for target in self.targets)
        return f"{names} ({len(self.targets)} of {self.of} {self.among}; seed {self.seed})"


def open_namespaces(api: KubeApi) -> list[str]:
    """Return the namespaces that opted in by label, sorted."""
    found = api.items("/api/v1/namespaces", labelSelector=f"{ALLOW_LABEL}=true")
    return sorted(item["metadata"]["name"] for item in found)


def find_workload(api: KubeApi, name: str, *, namespace: str = "") -> Workload:
    """Find a workload by the name of its Deployment or StatefulSet, else by its pods' label `app`.

    A `name` with a "=" is taken as a label selector, one with a "/" as namespace/name. Without
    a namespace those that opted in are searched.

    Raises:
        RefusedError: there is none with a live pod, or more than one namespace has it.

    """
    if "/" in name and "=" not in name:
        namespace, _, name = name.rpartition("/")
    namespaces = [namespace] if namespace else open_namespaces(api)
    found = [workload for space in namespaces if (workload := _in_namespace(api, name, space)).pods]
    if len(found) > 1:
        raise RefusedError(
            f"{name!r} is in more than one namespace",
            found=", ".join(map(str, found)),
            hint="name the namespace",
        )
    if not found:
        raise RefusedError(
            f"there is no workload {name!r} with a running pod",
            expected="a Deployment, a StatefulSet or a label app of that name",
            found=f"none in {', '.join(namespaces) or f'any namespace with the label {ALLOW_LABEL}=true'}",
            hint=f"check the name, and that its namespace has the label {ALLOW_LABEL}=true",
        )
    return found[0]


def _in_namespace(api: KubeApi, name: str, namespace: str) -> Workload:
    selector = name if "=" in name else f"app={name}"
    for kind in () if "=" in name else ("deployment", "statefulset"):
        owner = api.find(Target.path_of(f"{kind}/{namespace}/{name}"))
        if owner is not None:
            selector = label_selector(owner["spec"]["selector"])
            break
    pods = api.items(collection("pod", namespace), labelSelector=selector)
    live = sorted((pod for pod in pods if is_live(pod)), key=lambda pod: str(pod["metadata"]["name"]))
    return Workload(namespace=namespace, name=name, selector=selector, pods=tuple(live))


def is_live(pod: Json) -> bool:
    """Whether a pod is neither finished nor on its way out."""
    finished = pod.get("status", {}).get("phase") in {"Succeeded", "Failed"}
    return not finished and "deletionTimestamp" not in pod["metadata"]


def condition(found: Json, kind: str) -> Json:
    """Return the condition of that kind ("Ready") of a pod or node; empty where it has none."""
    conditions: list[Json] = found.get("status", {}).get("conditions") or []
    return next((entry for entry in conditions if entry["type"] == kind), {})


def is_ready(found: Json) -> bool:
    """Whether a pod or a node says that it is Ready."""
    return condition(found, "Ready").get("status") == "True"


def label_selector(selector: Mapping[str, Any]) -> str:
    """Write an object's `selector` as the API's query word labelSelector has it."""
    terms = [f"{key}={value}" for key, value in sorted((selector.get("matchLabels") or {}).items())]
    forms = {"In": "{key} in ({values})", "NotIn": "{key} notin ({values})"}
    forms |= {"Exists": "{key}", "DoesNotExist": "!{key}"}
    for rule in selector.get("matchExpressions") or ():
        values = ",".join(rule.get("values") or ())
        terms.append(forms[rule["operator"]].format(key=rule["key"], values=values))
    return ",".join(terms)


def choose_pods(
    workload: Workload, *, count: int = 1, share: float | None = None, seed: int | None = None
) -> Choice:
    """Choose `count` of the workload's pods at random, or that `share` of them (see Amount).

    Raises:
        RefusedError: it has fewer.

    """
    count = Amount(count=count, share=share).of(len(workload.pods))
    if not 1 <= count <= len(workload.pods):
        raise RefusedError(
            f"cannot take {counted(count, 'pod')} of {workload}",
            expected=f"from 1 to {len(workload.pods)}",
            found=counted(len(workload.pods), "live pod"),
        )
    seed = _seed(seed)
    chosen = random.Random(seed).sample(workload.pods, count)  # noqa: S311 - to be repeatable, not secret
    return Choice(
        targets=tuple(Target.of("pod", pod) for pod in chosen),
        of=len(workload.pods),
        among=f"pods of {workload}",
        seed=seed,
    )


def choose_node(
    api: KubeApi,
    *,
    node: str = "",
    role: str = "",
    workload: str = "",
    namespace: str = "",
    seed: int | None = None,
) -> Choice:
    """Choose the node called `node`; else one with that `role`; else the one that holds most of `workload`.

    Among several it is chosen at random. The words are those of NodeWords; `namespace` is the workload's.

    Raises:
        RefusedError: there is no such node, or no word says which one.

    """
    if not node and not role:
        if not workload:
            raise RefusedError("which node?", expected="a name, a role, or a workload", found="none of them")
        found = find_workload(api, workload, namespace=namespace)
        return node_with_most_pods(api, found, seed=seed)
    among = f"nodes called {node}" if node else f"{role} nodes"
    nodes = api.items(collection("node"))
    fit = [one for one in nodes if (one["metadata"]["name"] == node if node else _has_role(one, role))]
    if not fit:
        known = ", ".join(one["metadata"]["name"] for one in nodes)
        raise RefusedError(f"there are no {among}", expected=f"one of {known}", found="none")
    seed = _seed(seed)
    fit.sort(key=lambda one: str(one["metadata"]["name"]))
    chosen = random.Random(seed).choice(fit)  # noqa: S311 - to be repeatable, not secret
    return Choice(targets=(Target.of("node", chosen),), of=len(fit), among=among, seed=seed)


def is_control_plane(node: Json) -> bool:
    """Whether a node says, by either label in use, that it is one of the control plane."""
    labels = node["metadata"].get("labels") or {}
    return any(label in labels for label in CONTROL_PLANE)


def _has_role(node: Json, role: str) -> bool:
    if role == "worker":
        return not is_control_plane(node)
    return ROLE_LABEL + role in (node["metadata"].get("labels") or {})


def node_with_most_pods(api: KubeApi, workload: Workload, *, seed: int | None = None) -> Choice:
    """Choose the node that holds most of the workload's pods; among equals, at random.

    Raises:
        RefusedError: none of its pods is on a node.

    """
    seed = _seed(seed)
    held = Counter(str(pod["spec"]["nodeName"]) for pod in workload.pods if pod["spec"].get("nodeName"))
    if not held:
        raise RefusedError(f"no pod of {workload} is on a node", found="all pending")
    most = max(held.values())
    name = random.Random(seed).choice(sorted(node for node, count in held.items() if count == most))  # noqa: S311 - as above
    return Choice(
        targets=(Target.of("node", api.get(Target.path_of(f"node/{name}"))),),
        of=len(held),
        among=f"nodes with pods of {workload}",
        seed=seed,
    )


def _seed(seed: int | None) -> int:
    return secrets.randbelow(1_000_000) if seed is None else seed
