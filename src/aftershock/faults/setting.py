"""A setting of an object that a scenario changes for its time: a budget, what an autoscaler aims at.

It is no fault, and no judge takes it for one: its events begin with "setting-". But it is made
like one: guarded, journalled, marked, proven, and taken back by the reaper if nobody else does.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from aftershock.cluster.targets import Target
from aftershock.errors import RefusedError
from aftershock.faults.journal import Record
from aftershock.faults.patched import apply_leaves, leaf, leaves_in, undo_data, value_at
from aftershock.faults.protocol import Plan, Proof
from aftershock.faults.tools import Tools

__all__ = ["FOR_S", "NAME", "Setting"]

NAME = "setting"
FOR_S = 1800.0
"""Longer than any scenario needs; it is taken back when the scenario ends."""


class Setting:
    """Each place in `values` of `subject` (kind/namespace/name) has that value until it is taken back.

    A value must be written as the API gives it back ("1k", not "1000"): by that it is known as ours.
    """

    name = NAME

    def __init__(self, tools: Tools, subject: str, values: Mapping[tuple[str, ...], Any]) -> None:
        self.tools = tools
        self.kind = subject.partition("/")[0]
        self.path = Target.path_of(subject)
        self.values = values

    def plan(self) -> Plan:
        """Look what there is, and note what is to be put back.

        Raises:
            RefusedError: there is no such object.

        """
        found = self.tools.api.find(self.path)
        if found is None:
            raise RefusedError(f"there is no {self.path}", expected=f"a {self.kind}", found="none")
        target = Target.of(self.kind, found)
        leaves = [leaf(found, at, value) for at, value in self.values.items()]
        changes = ", ".join(f"{'.'.join(item.at)}: {item.before!r} → {item.set!r}" for item in leaves)
        return Plan(
            fault=NAME,
            targets=(target,),
            undo=undo_data(target, leaves),
            expires_after_s=FOR_S,
            blast_radius=f"{target}: {changes}",
            switch="reaper",
            disturbs=any(at[0] != "metadata" for at in self.values),
        )

    def inject(self, plan: Plan, record: Record) -> None:  # noqa: ARG002 - the protocol's; the injector marks
        """Set the values, if the object is as it was planned.

        Raises:
            FaultError: it is gone, or somebody has changed it.

        """
        apply_leaves(self.tools, plan.targets[0], leaves_in(plan.undo))

    def landed(self, plan: Plan) -> Proof:
        """Ask the API for the values."""
        found = self.tools.api.find(self.path)
        now = {".".join(item.at): value_at(found, item.at)[1] for item in leaves_in(plan.undo)}
        holds = all(value_at(found, item.at) == (True, item.set) for item in leaves_in(plan.undo))
        return Proof(holds=holds, source="Kubernetes API", facts=now)
