"""Faults on the network of pods: lasting, brought about by a carrier each, and measured by somebody else.

What they share: the pods are chosen, a look measures what they are like before, carriers act, and
the look's later rounds are the proof. Without a difference from before there is none.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from aftershock.cluster.api import Json
from aftershock.errors import FaultError, RefusedError
from aftershock.faults.carried import Carried, CarriedUndo, start_carriers
from aftershock.faults.chosen import Pods
from aftershock.faults.journal import Record
from aftershock.faults.kubelet_stats import check_time
from aftershock.faults.looks import Figures, Look, Looks, peer_node, server_of
from aftershock.faults.protocol import Plan, Proof
from aftershock.faults.tools import Tools
from aftershock.timeline import Event

__all__ = ["BEFORE_S", "Looked", "LookedUndo", "NetworkFault"]

# What measuring beforehand and starting carriers takes, measured 3 to 5 s: the fault is to last as long as
# it was said to, not shorter by that.
BEFORE_S = 4.0
LEAST_S = 10.0


class Looked(Carried):
    """A fault that looks measure, too: before it, and while it lasts."""

    _looks: Looks | None = None

    def testimony(self, plan: Plan) -> Iterable[Event]:
        """Return what the carriers and the looks printed."""
        return [*super().testimony(plan), *(self._looks.testimony() if self._looks else ())]


class NetworkFault(Looked, ABC):
    """A fault of that kind on pods of a workload, for `for_s` seconds.

    Each kind says what its carriers are told, what its look measures, and how its figures differ
    from those before.
    """

    name: str
    act: str
    least_s: float = LEAST_S

    def __init__(self, tools: Tools, pods: Pods, *, for_s: float, port: int) -> None:
        """Take which pods, for how long, and their port if it is not the first declared (else 0)."""
        self.tools = tools
        self.for_s = for_s
        self.port = port
        self.pods = pods

    @abstractmethod
    def options(self) -> Mapping[str, Any]:
        """Return what the carriers are told, beside for how long."""

    @abstractmethod
    def effect(self) -> str:
        """Say what happens to the pods, for the blast radius: "… is slower by 200 ms"."""

    def fine(self, before: Figures) -> bool:
        """Whether what was measured before the fault can show one at all."""
        return bool(before["answered"] == before["tries"])

    @abstractmethod
    def shows(self, before: Figures, since: Sequence[Figures]) -> bool:
        """Whether what was measured `since` (at least one round) differs from before as this fault makes it.

        The latest round counts: the first may have begun before the fault took effect.
        """

    def looks(self, aims: Sequence[Mapping[str, Any]]) -> list[Look]:
        """Return the looks: one from a peer pod on another node at all of the pods, unless said otherwise."""
        node = peer_node(self.tools.api, apart_from={aim["node"] for aim in aims})
        servers = [aim["server"] for aim in aims]
        return [Look(node=node, options={"servers": servers, **self.measuring()})]

    def measuring(self) -> Mapping[str, Any]:
        """Return how a look measures, beside what."""
        return {"tries": 10}

    def more_aim(self, pod: Json, aim: Mapping[str, Any]) -> Mapping[str, Any]:
        """Return what the aim at a container holds beside its identity.

        Raises:
            RefusedError: the pod cannot be measured.

        """
        return {"server": list(server_of(pod, aim["container"], self.port))}

    def plan(self) -> Plan:
        """Choose the pods, and where they are reached.

        Raises:
            RefusedError: there are not that many, or nobody could measure them.

        """
        check_time(self.for_s, least_s=self.least_s, by="the measurements that prove it")
        api = self.tools.api
        choice, chosen = self.pods.aims(api)
        aims = [
            {**aim, **self._measured(api.get(target.path), aim)}
            for target, aim in zip(choice.targets, chosen, strict=True)
        ]
        return Plan(
            fault=self.name,
            targets=choice.targets,
            undo={"aims": aims, "looks": len(self.looks(aims))},
            expires_after_s=self.for_s + BEFORE_S,
            blast_radius=f"for {self.for_s:g} s {choice} {self.effect()}",
            switch="carrier",
            lasts=True,
        )

    def inject(self, plan: Plan, record: Record) -> None:
        """Measure, then start a carrier for each pod.

        Raises:
            FaultError: what is to be broken does not work already, or a carrier did not start.

        """
        self._looks = Looks(self.tools, plan.fault_id, self.looks(plan.undo["aims"]))
        before = self._looks.start(record)
        broken = {key: dict(found) for key, found in before.items() if not self.fine(found)}
        if broken:
            raise FaultError(
                f"{self.name}: what is to be broken does not work already, so nothing could be proven",
                expected="every try succeeds before the fault",
                found=str(broken),
                hint="check the port and the names, and that the pods serve",
            )
        start_carriers(self.tools, plan, record, act=self.act, options=self.options())
        self._looks.begin()

    def landed(self, plan: Plan) -> Proof:  # noqa: ARG002 - the signature of a fault
        """Compare what was measured since with what was before, for every pod."""
        facts: dict[str, Any] = {}
        results: list[bool] = []
        for key, before, since in self._looks.during() if self._looks else ():
            results.append(bool(since) and self.shows(before, since))
            facts[key] = dict(since[-1]) if since else "not measured yet"
            facts[f"{key} before"] = dict(before)
        source = "measured by a pod that has no part in it"
        return Proof(holds=bool(results) and all(results), source=source, facts=facts)

    def _measured(self, pod: Json, aim: Mapping[str, Any]) -> Mapping[str, Any]:
        if pod["spec"].get("hostNetwork"):
            raise RefusedError(
                f"pod {aim['pod']} uses the network of its node",
                expected="a network of its own, so that nothing else is hit",
                found="hostNetwork: true",
            )
        return self.more_aim(pod, aim)


class LookedUndo(CarriedUndo):
    """Ends the looks as well as the carriers."""

    def undo(self, record: Record) -> None:
        """Remove the looks, and undo what the carriers did.

        Raises:
            FaultError: something could not be put back.
            DeadlineError: a pod does not end.

        """
        for name in self._looks_of(record):
            self.tools.carriers.remove(name)
        super().undo(record)

    def undone(self, record: Record) -> Proof:
        """Look whether no carrier and no look is left."""
        carriers = super().undone(record)
        left = [name for name in self._looks_of(record) if not self.tools.carriers.gone(name)]
        facts = {**carriers.facts, "looks left": ", ".join(left) or "none"}
        return Proof(holds=carriers.holds and not left, source=carriers.source, facts=facts)

    @staticmethod
    def _looks_of(record: Record) -> list[str]:
        return [f"{record.fault_id}-look-{number}" for number in range(record.undo.get("looks", 0))]
