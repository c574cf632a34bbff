"""Faults that patch a workload for a while: what they share. The reaper takes them back if nobody else does.

A subclass says which leaves of the object it sets, and how their effect is seen.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterator, Sequence
from typing import Any, ClassVar, Required, TypedDict, Unpack

from aftershock.cluster.api import Json
from aftershock.cluster.controllers import CONTROLLERS, find_controller, pods_of
from aftershock.counting import counted
from aftershock.errors import RefusedError
from aftershock.faults.journal import Record
from aftershock.faults.patched import Leaf, apply_leaves, leaves_in, undo_data, value_at
from aftershock.faults.protocol import Plan, Proof
from aftershock.faults.tools import Tools

__all__ = ["FOR_S", "TemplatePatch", "WhichWorkload", "WorkloadPatch"]

FOR_S = 300.0
_TEMPLATE = ("spec", "template")


class WorkloadPatch(ABC):
    """A Deployment or StatefulSet called `workload` is changed for `for_s` seconds, or until it is undone."""

    name: str
    kinds: ClassVar[tuple[str, ...]] = CONTROLLERS

    def __init__(self, tools: Tools, *, workload: str, namespace: str = "", for_s: float = FOR_S) -> None:
        self.tools = tools
        self.workload = workload
        self.namespace = namespace
        self.for_s = for_s

    def plan(self) -> Plan:
        """Look what there is, and note what is to be put back.

        Raises:
            RefusedError: there is no such workload, or it has no pod that could be hit.

        """
        target, found = find_controller(
            self.tools.api, self.workload, namespace=self.namespace, kinds=self.kinds
        )
        pods = pods_of(self.tools.api, found)
        if not pods:
            raise RefusedError(f"{target} has no live pod", expected="at least one", found="none")
        return Plan(
            fault=self.name,
            targets=(target,),
            undo=undo_data(target, self.leaves(found)),
            expires_after_s=self.for_s,
            blast_radius=f"{target} ({counted(len(pods), 'pod')}) {self.effect()}, for {self.for_s:g} s",
            switch="reaper",
            lasts=True,
        )

    def inject(self, plan: Plan, record: Record) -> None:  # noqa: ARG002 - the protocol's; the injector marks
        """Change the object, if it is as it was planned.

        Raises:
            FaultError: it is gone, or somebody has changed it.

        """
        apply_leaves(self.tools, plan.targets[0], leaves_in(plan.undo))

    def landed(self, plan: Plan) -> Proof:
        """Ask the API whether the effect is there."""
        facts: dict[str, Any] = {"workload": str(plan.targets[0])}
        found = self.tools.api.find(plan.targets[0].path)
        if found is None or found["metadata"]["uid"] != plan.targets[0].uid:
            return Proof(holds=False, source="Kubernetes API", facts={**facts, "state": "gone"})
        holds, seen = self.seen(plan, found)
        return Proof(holds=holds, source="Kubernetes API, pods of the workload", facts={**facts, **seen})

    @abstractmethod
    def leaves(self, found: Json) -> list[Leaf]:
        """Return what is set in the workload as it is now."""

    @abstractmethod
    def effect(self) -> str:
        """Say what becomes of the workload, after its name."""

    @abstractmethod
    def seen(self, plan: Plan, found: Json) -> tuple[bool, dict[str, Any]]:
        """Return whether the effect is seen on the workload `found`, and the facts."""


class WhichWorkload(TypedDict, total=False):
    """The words that a change of a Deployment's pods takes by name."""

    workload: Required[str]
    namespace: str
    container: str
    for_s: float


class TemplatePatch(WorkloadPatch):
    """A change of a Deployment's pods: new ones of that kind come, as its strategy lets them.

    Not of a StatefulSet: it does not replace a pod that never became Ready, so that putting its
    template back would not make it whole again.
    """

    kinds = ("deployment",)

    def __init__(self, tools: Tools, **which: Unpack[WhichWorkload]) -> None:
        super().__init__(
            tools,
            workload=which["workload"],
            namespace=which.get("namespace", ""),
            for_s=which.get("for_s", FOR_S),
        )
        self.container = which.get("container", "")

    def place(self, found: Json, *rest: str) -> tuple[str, ...]:
        """Return where something of the one container that is meant stands in the workload.

        Raises:
            RefusedError: it cannot be told which container is meant.

        """
        names = [spec["name"] for spec in found["spec"]["template"]["spec"]["containers"]]
        meant = [name for name in names if self.container in {"", name}]
        if len(meant) != 1:
            raise RefusedError(
                f"which container of {found['metadata']['name']}?",
                expected="one container",
                found=", ".join(names),
                hint="name the container",
            )
        return (*_TEMPLATE, "spec", "containers", f"name={meant[0]}", *rest)

    def seen(self, plan: Plan, found: Json) -> tuple[bool, dict[str, Any]]:
        """Look for a new pod that bears the change and shows its effect."""
        told = {pod["metadata"]["name"]: self.failure(pod, status) for pod, status in self._new(plan, found)}
        facts = {"new pods": ", ".join(f"{pod}: {why or 'not yet'}" for pod, why in told.items()) or "none"}
        return any(told.values()), facts

    @abstractmethod
    def failure(self, pod: Json, status: Json) -> str:
        """Return what shows the effect on a pod that bears the change; `status` is its container's."""

    def _new(self, plan: Plan, found: Json) -> Iterator[tuple[Json, Json]]:
        leaves: Sequence[Leaf] = leaves_in(plan.undo)
        container = leaves[0].at[4].partition("=")[2]
        for pod in pods_of(self.tools.api, found):
            if all(value_at(pod, item.at[len(_TEMPLATE) :]) == (True, item.set) for item in leaves):
                statuses = pod.get("status", {}).get("containerStatuses") or ()
                yield pod, next((entry for entry in statuses if entry["name"] == container), {})
