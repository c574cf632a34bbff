"""Faults that act through carriers: started for each aim, and taken back whoever was killed.

A plan's `undo` holds `aims`: a list of plain data, each with `node`, and for a container what
`aims.aim_at` returns. The n-th carrier of a fault is called FAULT_ID-n.

A carrier that ends by itself has put back what it changed. One that is told to end does so
too, but nobody saw it; and one that was killed did not. So after those a second carrier
looks on the node for what is written down there, and puts it back.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from itertools import chain
from typing import Any

from aftershock.clock import rfc3339, wait_until
from aftershock.errors import DeadlineError, FaultError
from aftershock.faults import marks
from aftershock.faults.aims import pod_is_there
from aftershock.faults.carrier import UNDOING, Size
from aftershock.faults.journal import Record
from aftershock.faults.protocol import Plan, Proof
from aftershock.faults.tools import Tools
from aftershock.timeline import Event

__all__ = ["Carried", "CarriedUndo", "carriers_of", "start_carriers"]

RESTORE_WITHIN_S = 30.0
# What a carrier takes to put back and end, when its time is over, and the kubelet to say so.
ENDS_WITHIN_S = 4.0
# The carrier's exit codes after which nothing of its is left on the node.
CLEAN = frozenset({0, 2, 3, 4})


def carriers_of(fault_id: str, undo: Mapping[str, Any]) -> list[tuple[str, Mapping[str, Any]]]:
    """Return the carriers' names, each with what it aims at."""
    return [(f"{fault_id}-{number}", aim) for number, aim in enumerate(undo["aims"])]


def start_carriers(
    tools: Tools,
    plan: Plan,
    record: Record,
    *,
    act: str,
    options: Mapping[str, Any] | None = None,
    size: Size | None = None,
) -> None:
    """Start a carrier for each aim; return once each of their processes runs or has ended.

    `options` are the act's own, as it reads them from JSON; an aim's own `options` come on top.

    Raises:
        FaultError: a carrier did not start.

    """
    for name, aim in carriers_of(plan.fault_id, plan.undo):
        args = [act, "--fault-id", name, "--expires-at", rfc3339(record.expires_at)]
        if "pod_uid" in aim:
            args += ["--pod-uid", aim["pod_uid"], "--container-id", aim["container_id"]]
        merged = {**(options or {}), **aim.get("options", {})}
        if merged:
            args += ["--options", json.dumps(merged)]
        tools.carriers.start(
            name, record=record, node=aim["node"], args=args, lifetime_s=plan.expires_after_s, size=size
        )


class Carried:
    """A fault that acts through carriers: they tell what they did."""

    tools: Tools

    def testimony(self, plan: Plan) -> Iterable[Event]:
        """Return what the carriers printed."""
        names = (name for name, _ in carriers_of(plan.fault_id, plan.undo))
        return chain.from_iterable(map(self.tools.carriers.testimony, names))


class CarriedUndo:
    """Ends the carriers, and puts back what one of them may have left."""

    def __init__(self, tools: Tools) -> None:
        self.tools = tools

    def undo(self, record: Record) -> None:
        """Remove the carriers; where one may have left something, have another one look.

        Raises:
            FaultError: something could not be put back.
            DeadlineError: a carrier does not end.

        """
        for name, aim in carriers_of(record.fault_id, record.undo):
            clean = self._outcome(name, record) in CLEAN
            self._remove(name)
            if not clean and self._may_be_left(aim, record):
                self._restore(name, aim, record)

    def undone(self, record: Record) -> Proof:
        """Look whether no carrier is left."""
        names = [name for name, _ in carriers_of(record.fault_id, record.undo)]
        left = [name for name in names if not self.tools.carriers.gone(name)]
        return Proof(
            holds=not left, source="Kubernetes API", facts={"carriers left": ", ".join(left) or "none"}
        )

    def _outcome(self, name: str, record: Record) -> int | None:
        """Return a carrier's exit code; one whose time is just over gets a moment to end by itself."""
        carriers = self.tools.carriers
        if self.tools.clock.now() < record.expires_at or carriers.gone(name):
            return carriers.outcome(name)
        try:
            (code,) = wait_until(
                lambda: _some(carriers.outcome(name)),
                within_s=ENDS_WITHIN_S,
                what=f"carrier {name} to end",
                clock=self.tools.clock,
            )
        except DeadlineError:  # it hangs, or was taken away meanwhile: as if it had been killed
            return None
        return code

    def _may_be_left(self, aim: Mapping[str, Any], record: Record) -> bool:
        """Whether the place is still there and bears the fault's mark, which is put first and taken last."""
        if "pod_uid" in aim and not pod_is_there(self.tools.api, aim):
            return False
        place = f"pod/{aim['namespace']}/{aim['pod']}" if "pod_uid" in aim else f"node/{aim['node']}"
        return marks.bears(self.tools.api, place, record.fault_id)

    def _restore(self, name: str, aim: Mapping[str, Any], record: Record) -> None:
        """Run a carrier that puts back what is written down; where nothing is, it does nothing."""
        again = f"{name}-back"
        args = ("restore", "--fault-id", name)
        carriers = self.tools.carriers
        self._remove(again)
        try:
            carriers.start(
                again,
                record=record,
                node=aim["node"],
                args=args,
                lifetime_s=RESTORE_WITHIN_S,
                size=UNDOING,
            )
            code = wait_until(
                lambda: _some(carriers.outcome(again)),
                within_s=RESTORE_WITHIN_S,
                what=f"carrier {again} to end",
                clock=self.tools.clock,
            )
            if code != (0,):
                raise FaultError(
                    f"carrier {again} could not put back everything", found=f"exit code {code[0]}"
                )
        finally:
            self._remove(again)

    def _remove(self, name: str) -> None:
        self.tools.carriers.remove(name)
        wait_until(
            lambda: self.tools.carriers.gone(name),
            within_s=RESTORE_WITHIN_S,
            what=f"carrier {name} to be gone",
            clock=self.tools.clock,
        )


def _some(code: int | None) -> tuple[int] | None:
    """Wrap an exit code: 0 is an answer, and nothing is not."""
    return None if code is None else (code,)
