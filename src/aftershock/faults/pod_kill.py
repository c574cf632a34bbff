"""Pod kill: pods of a workload are deleted, or evicted through the eviction API.

There is nothing to undo: their controller makes others. Proof is the API's: the UIDs are gone.
"""

from __future__ import annotations

from http import HTTPStatus
from typing import Literal

from aftershock.clock import format_duration, wait_until
from aftershock.cluster.api import KubeApi
from aftershock.cluster.controllers import controllers_of
from aftershock.cluster.targets import Target, choose_pods, find_workload
from aftershock.counting import counted
from aftershock.errors import ApiError, DeadlineError, FaultError, TransientError
from aftershock.faults.evictions import RETRY_S, evict, of_uid
from aftershock.faults.journal import Record
from aftershock.faults.protocol import Plan, Proof
from aftershock.faults.tools import Tools

__all__ = ["NAME", "How", "PodKill", "PodKillUndo"]

NAME = "pod-kill"
# Nothing outlives the act; it is the time that acting itself may take beside the pods' own end.
ACTS_WITHIN_S = 30.0
DEFAULT_GRACE_S = 30

How = Literal["deletion", "eviction"]


class PodKill:
    """`count` or a `share` of a workload's pods are deleted, or evicted as their budget allows.

    `grace_s` overrides the pods' grace periods; 0 kills at once. An eviction that a
    PodDisruptionBudget refuses is asked for again for `within_s` seconds.
    """

    name = NAME

    def __init__(
        self,
        tools: Tools,
        *,
        workload: str,
        namespace: str = "",
        how: How = "deletion",
        count: int = 1,
        share: float | None = None,
        grace_s: int | None = None,
        within_s: float = ACTS_WITHIN_S,
        seed: int | None = None,
    ) -> None:
        self.api = tools.api
        self.clock = tools.clock
        self.workload = workload
        self.namespace = namespace
        self.how = how
        self.count = count
        self.share = share
        self.grace_s = grace_s
        self.within_s = within_s
        self.seed = seed

    def plan(self) -> Plan:
        """Choose the pods, and look who makes them again.

        Raises:
            RefusedError: there are not that many, or nothing would make one of them again.

        """
        workload = find_workload(self.api, self.workload, namespace=self.namespace)
        choice = choose_pods(workload, count=self.count, share=self.share, seed=self.seed)
        pods = [self.api.get(target.path) for target in choice.targets]
        graces = [pod["spec"].get("terminationGracePeriodSeconds", DEFAULT_GRACE_S) for pod in pods]
        ends_s = max(graces) if self.grace_s is None else self.grace_s
        return Plan(
            fault=NAME,
            targets=choice.targets,
            undo={"controllers": controllers_of(self.api, pods)},
            expires_after_s=self.within_s + ends_s,
            lands_within_s=ends_s + ACTS_WITHIN_S,
            blast_radius=f"{self.how} of {choice}",
            switch="none",
            marked=(),
        )

    def inject(self, plan: Plan, record: Record) -> None:  # noqa: ARG002 - the protocol's; nothing is marked
        """Delete the pods, or have them evicted.

        Raises:
            FaultError: an eviction was refused until the time was over.

        """
        if self.how == "deletion":
            for pod in plan.targets:
                _delete(self.api, pod, self.grace_s)
            return
        left = dict.fromkeys(plan.targets, "")
        try:
            wait_until(
                lambda: self._evict(left),
                within_s=self.within_s,
                every_s=RETRY_S,
                what="the evictions to be allowed",
                clock=self.clock,
            )
        except DeadlineError as error:
            raise FaultError(
                f"{counted(len(left), 'pod')} could not be evicted within {format_duration(self.within_s)}",
                expected="evictions as far as the PodDisruptionBudgets allow",
                found="; ".join(f"{pod}: {why}" for pod, why in left.items()),
            ) from error

    def landed(self, plan: Plan) -> Proof:
        """Ask the API whether the planned UIDs are gone."""
        there = [str(target) for target in plan.targets if not _is_gone(self.api, target)]
        return Proof(
            holds=not there,
            source="Kubernetes API, UIDs of the pods",
            facts={"gone": len(plan.targets) - len(there), "still there": ", ".join(there) or "none"},
        )

    def _evict(self, left: dict[Target, str]) -> bool:
        """Ask once more for every pod that was refused; forget those that were not."""
        for pod in list(left):
            try:
                evict(self.api, pod, self.grace_s)
            except TransientError as error:  # 429: a PodDisruptionBudget says not now
                left[pod] = error.found or error.message
            else:
                del left[pod]
        return not left


class PodKillUndo:
    """Nothing is left of a pod that is gone; who makes the others is in the record."""

    def __init__(self, tools: Tools) -> None:
        self.tools = tools

    def undo(self, record: Record) -> None:
        """Do nothing."""

    def undone(self, record: Record) -> Proof:
        """Say so."""
        facts = {"made again by": ", ".join(record.undo["controllers"])}
        return Proof(holds=True, source="nothing outlives it", facts=facts)


def _delete(api: KubeApi, pod: Target, grace_s: int | None) -> None:
    """Delete the pod of just that UID; another one of its name stays."""
    try:
        api.delete(pod.path, of_uid(pod, grace_s))
    except ApiError as error:
        if error.status != HTTPStatus.CONFLICT:
            raise


def _is_gone(api: KubeApi, pod: Target) -> bool:
    found = api.find(pod.path)
    return found is None or found["metadata"]["uid"] != pod.uid
