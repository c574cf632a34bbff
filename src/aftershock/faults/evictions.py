"""Evictions through the eviction API: asked for by UID, and again where a budget says not now."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from http import HTTPStatus
from typing import Any, Literal

from aftershock.clock import Clock
from aftershock.cluster.api import Json, KubeApi
from aftershock.cluster.targets import Target
from aftershock.errors import ApiError, NotFoundError, TransientError

__all__ = ["LOOK_S", "REFUSED", "RETRY_S", "NodeEvictions", "ask_eviction", "evict", "of_uid"]

LOOK_S = 0.1
"""How often the node's pods are looked at: one list, however many they are."""
RETRY_S = 0.5
"""How often an eviction that was refused is asked for again: a request for each pod."""
REFUSED = "refused"


class NodeEvictions:
    """The evictions of one node's pods: asked for at once, and every RETRY_S where they were refused."""

    def __init__(self, api: KubeApi, node: Target, *, clock: Clock, grace_s: int | None) -> None:
        self.api = api
        self.node = node
        self.clock = clock
        self.grace_s = grace_s
        self._again_at: dict[Target, float] = {}

    def states(self, pods: Mapping[Target, str]) -> Iterator[tuple[Target, str]]:
        """Yield of each as soon as it is known: "accepted", "gone", or "refused: " and the latest reason.

        `pods` have what was said of them before. What was seen comes first, then what is asked for.
        """
        there = {
            found["metadata"]["uid"]: found
            for found in self.api.items("/api/v1/pods", fieldSelector=f"spec.nodeName={self.node.name}")
        }
        asked = []
        for pod, known in pods.items():
            found = there.get(pod.uid)
            if found is None:
                yield pod, "gone"
            elif "deletionTimestamp" in found["metadata"]:
                yield pod, "accepted"
            elif self.clock.monotonic() < self._again_at.get(pod, 0.0):
                yield pod, known
            else:
                asked.append(pod)
        for pod in asked:
            yield pod, self._ask(pod)

    def _ask(self, pod: Target) -> str:
        try:
            return evict(self.api, pod, self.grace_s)
        except TransientError as error:
            self._again_at[pod] = self.clock.monotonic() + RETRY_S
            return f"{REFUSED}: {error.found or error.message}"


def evict(api: KubeApi, pod: Target, grace_s: int | None) -> Literal["accepted", "gone"]:
    """Ask for the eviction of the pod of just that UID; "gone" if there is none.

    Raises:
        TransientError: a PodDisruptionBudget says not now (429).

    """
    try:
        ask_eviction(api, pod, of_uid(pod, grace_s))
    except NotFoundError:
        return "gone"
    except ApiError as error:
        if error.status == HTTPStatus.CONFLICT:  # another pod has the name by now
            return "gone"
        raise
    return "accepted"


def ask_eviction(api: KubeApi, pod: Target, options: Json, **query: str) -> None:
    """Ask for an eviction with those `options` of the deletion.

    Raises:
        ApiError: the API refuses it.
        NotFoundError: there is no such pod.
        TransientError: a PodDisruptionBudget says not now (429).

    """
    body = {
        "apiVersion": "policy/v1",
        "kind": "Eviction",
        "metadata": {"name": pod.name, "namespace": pod.namespace},
        "deleteOptions": options,
    }
    api.post(f"{pod.path}/eviction", body, **query)


def of_uid(pod: Target, grace_s: int | None) -> dict[str, Any]:
    """Return the options of a deletion of the pod of just that UID, with its own grace period if None."""
    options: dict[str, Any] = {"preconditions": {"uid": pod.uid}}
    return options if grace_s is None else {**options, "gracePeriodSeconds": grace_s}
