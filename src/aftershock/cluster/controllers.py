"""Controllers: the Deployments and StatefulSets that make pods, by name or by pod. Touches nothing."""

from __future__ import annotations

from collections.abc import Iterable

from aftershock.cluster.api import Json, KubeApi
from aftershock.cluster.targets import Target, collection, is_live, label_selector, open_namespaces
from aftershock.errors import RefusedError

__all__ = ["CONTROLLERS", "controllers_of", "find_controller", "owner_of", "pods_of"]

CONTROLLERS = ("deployment", "statefulset")


def find_controller(
    api: KubeApi, name: str, *, namespace: str = "", kinds: Iterable[str] = CONTROLLERS
) -> tuple[Target, Json]:
    """Find the one Deployment or StatefulSet called `name`, or "namespace/name"; return it as it is now.

    Without a namespace those that opted in are searched.

    Raises:
        RefusedError: there is none, or more than one.

    """
    space, _, name = name.rpartition("/")
    namespaces = [namespace or space] if namespace or space else open_namespaces(api)
    kinds = tuple(kinds)
    found = [
        (Target.of(kind, item), item)
        for space in namespaces
        for kind in kinds
        if (item := api.find(Target.path_of(f"{kind}/{space}/{name}"))) is not None
    ]
    if len(found) != 1:
        raise RefusedError(
            f"which {' or '.join(kinds)} is {name!r}?",
            expected=f"one of that name in {', '.join(namespaces) or 'a namespace that opted in'}",
            found=", ".join(str(target) for target, _ in found) or "none",
            hint="name it as namespace/name"
            if found
            else "a Deployment has its own name, not that of a label",
        )
    return found[0]


def pods_of(api: KubeApi, controller: Json) -> list[Json]:
    """Return the live pods that the controller's selector takes."""
    namespace, selector = controller["metadata"]["namespace"], controller["spec"]["selector"]
    found = api.items(collection("pod", namespace), labelSelector=label_selector(selector))
    return [pod for pod in found if is_live(pod)]


def controllers_of(api: KubeApi, pods: Iterable[Json]) -> list[str]:
    """Return what makes `pods` again, as kind/namespace/name, sorted.

    Raises:
        RefusedError: nothing would make one of them again.

    """
    return sorted({_controller_of(api, pod) for pod in pods})


def _controller_of(api: KubeApi, pod: Json) -> str:
    meta = pod["metadata"]
    owner = owner_of(pod)
    # A static pod is its kubelet's, whatever the API is asked to delete.
    if owner is None or owner["kind"] == "Node":
        raise RefusedError(
            f"nothing would make pod {meta['name']} again",
            expected="a pod of a Deployment, a StatefulSet or another controller",
            found="a static pod" if owner else "a pod without an owner",
        )
    if owner["kind"] == "ReplicaSet":
        made_by = api.find(Target.path_of(f"replicaset/{meta['namespace']}/{owner['name']}"))
        owner = owner_of(made_by or {"metadata": {}}) or owner
    return f"{owner['kind'].lower()}/{meta['namespace']}/{owner['name']}"


def owner_of(item: Json) -> Json | None:
    """Return the reference to what made `item` and would make it again; None if nothing would."""
    owners = item["metadata"].get("ownerReferences") or ()
    return next((owner for owner in owners if owner.get("controller")), None)
