"""Faults that use up a resource of containers for a while, proven by what their kubelet measures.

What they share: the pods are chosen, what their containers use now is noted, a carrier each takes
the resource in the container's own cgroup, and the kubelet's newer figures are the proof.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping
from typing import Any

from aftershock.faults.carried import Carried, start_carriers
from aftershock.faults.chosen import Pods
from aftershock.faults.journal import Record
from aftershock.faults.kubelet_stats import Figure, check_time, reached, to_reach
from aftershock.faults.protocol import Plan, Proof
from aftershock.faults.tools import Tools

__all__ = ["Pressed"]


class Pressed(Carried, ABC):
    """A fault of that kind on one container each of some pods, for `for_s` seconds.

    Each kind says what its carriers are told, and what the kubelet's `figure` has to come to.
    """

    name: str
    act: str
    figure: Figure

    def __init__(self, tools: Tools, pods: Pods, *, for_s: float) -> None:
        self.tools = tools
        self.pods = pods
        self.for_s = for_s

    @abstractmethod
    def options(self) -> Mapping[str, Any]:
        """Return what the carriers are told, beside for how long."""

    @abstractmethod
    def effect(self, pods: str) -> str:
        """Say what happens to `pods`, for the blast radius."""

    @abstractmethod
    def at_least(self, aim: Mapping[str, Any]) -> float:
        """Return what the figure of the container that is aimed at has to come to.

        Raises:
            RefusedError: it has no such limit, or the fault makes no sense for it.

        """

    def plan(self) -> Plan:
        """Choose the pods, and note what they use now.

        Raises:
            RefusedError: a container has no limit of its own, or uses that much already.

        """
        check_time(self.for_s)
        choice, chosen = self.pods.aims(self.tools.api)
        aims = [to_reach(self.tools.api, aim, self.figure, self.at_least(aim)) for aim in chosen]
        return Plan(
            fault=self.name,
            targets=choice.targets,
            undo={"aims": aims},
            expires_after_s=self.for_s,
            blast_radius=self.effect(str(choice)),
            switch="carrier",
            lasts=True,
        )

    def inject(self, plan: Plan, record: Record) -> None:
        """Start a carrier for each pod.

        Raises:
            FaultError: a carrier did not start.

        """
        start_carriers(self.tools, plan, record, act=self.act, options=self.options())

    def landed(self, plan: Plan) -> Proof:
        """Ask the kubelets for the figure."""
        return reached(self.tools.api, plan.undo["aims"], self.figure)
