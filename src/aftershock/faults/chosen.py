"""What a fault is told about its pods: whose, how many, which container; and the aims that come of it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Required, TypedDict

from aftershock.cluster.api import KubeApi
from aftershock.cluster.quantity import number
from aftershock.cluster.targets import Choice, choose_pods, find_workload
from aftershock.errors import RefusedError
from aftershock.faults.aims import aim_at

__all__ = ["Pods", "WhichNode", "WhichPods", "limit_of"]


class WhichPods(TypedDict, total=False):
    """The words for pods that a fault's constructor takes by name: those of Pods."""

    workload: Required[str]
    namespace: str
    container: str
    count: int
    share: float | None
    seed: int | None


class WhichNode(TypedDict, total=False):
    """The words for a node that a fault's constructor takes by name: those of choose_node."""

    node: str
    role: str
    workload: str
    namespace: str
    seed: int | None


@dataclass(frozen=True, kw_only=True)
class Pods:
    """`count` pods of a workload, or a `share` of them; the `container` of that name, or their only one."""

    workload: str
    namespace: str = ""
    container: str = ""
    count: int = 1
    share: float | None = None
    seed: int | None = None

    def aims(self, api: KubeApi) -> tuple[Choice, list[dict[str, Any]]]:
        """Choose pods, and note which containers they run now.

        Raises:
            RefusedError: there are not that many, or a container does not run.

        """
        workload = find_workload(api, self.workload, namespace=self.namespace)
        choice = choose_pods(workload, count=self.count, share=self.share, seed=self.seed)
        return choice, [aim_at(api.get(target.path), self.container) for target in choice.targets]


def limit_of(aim: Mapping[str, Any], resource: str) -> float:
    """Return the container's own limit of "cpu" (cores) or "memory" (bytes).

    Raises:
        RefusedError: it has none, so that a fault would take what is the node's.

    """
    if resource not in aim["limits"]:
        raise RefusedError(
            f"container {aim['container']} of pod {aim['pod']} has no {resource} limit",
            expected=f"resources.limits.{resource}, so that it loses what is its own and not the node's",
            found="none",
        )
    return number(aim["limits"][resource])
