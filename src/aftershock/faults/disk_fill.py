"""Disk fill: a volume of a container is filled up to a share of its size, never past a floor.

Only a volume with a file system of its own, which is no larger than its claim says. The space
is held by a file without a name, so it is free again when the carrier is gone, however it went.
Proof is a second carrier's, which only looks: so much of the file system is used.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import timedelta
from typing import Any, Unpack

from aftershock.clock import rfc3339
from aftershock.cluster.api import Json, KubeApi
from aftershock.cluster.quantity import number
from aftershock.errors import RefusedError
from aftershock.faults.carried import Carried, CarriedUndo, carriers_of, start_carriers
from aftershock.faults.carrier import LOOKING
from aftershock.faults.chosen import Pods, WhichPods
from aftershock.faults.journal import Record
from aftershock.faults.kubelet_stats import check_time
from aftershock.faults.protocol import Plan, Proof
from aftershock.faults.tools import Tools

__all__ = ["NAME", "DiskFill", "DiskFillUndo"]

NAME = "disk-fill"
LEAST_S = 20.0
LOOK_WITHIN_S = 15.0
FLOOR_BYTES = 4 << 20
# What is left of a share when the file system keeps its books; and what a claim's file system may be over it.
CLOSE_ENOUGH = 0.98
OVER_CLAIM = 1.25


class DiskFill(Carried):
    """The volume at `path` in one container each of some pods is filled to `of_volume` (0 to 1)."""

    name = NAME

    def __init__(
        self,
        tools: Tools,
        *,
        path: str,
        of_volume: float,
        for_s: float,
        floor_bytes: int = FLOOR_BYTES,
        **which: Unpack[WhichPods],
    ) -> None:
        """Take path, share, time and floor, and which pods: see Pods."""
        self.tools = tools
        self.path = path
        self.of_volume = of_volume
        self.for_s = for_s
        self.floor_bytes = floor_bytes
        self.pods = Pods(**which)
        self._record: Record | None = None

    def plan(self) -> Plan:
        """Choose the pods, and find the claims of their volumes.

        Raises:
            RefusedError: a volume has no size of its own.

        """
        check_time(self.for_s, least_s=LEAST_S, by="a second carrier's start and look")
        if not 0 < self.of_volume <= 1:
            raise RefusedError(f"{self.of_volume:.0%} is no share of a volume", expected="up to 100 %")
        choice, aims = self.pods.aims(self.tools.api)
        sized = [{**aim, "options": {"largest_bytes": self._largest(aim)}} for aim in aims]
        return Plan(
            fault=NAME,
            targets=choice.targets,
            undo={"aims": sized},
            expires_after_s=self.for_s,
            blast_radius=(
                f"the volume at {self.path} of {choice} is filled to {self.of_volume:.0%}, "
                f"but {self.floor_bytes} bytes stay free"
            ),
            switch="carrier",
            lasts=True,
        )

    def inject(self, plan: Plan, record: Record) -> None:
        """Start a carrier for each pod.

        Raises:
            FaultError: a carrier did not start.

        """
        self._record = record
        options = {"path": self.path, "share": self.of_volume, "floor_bytes": self.floor_bytes}
        start_carriers(self.tools, plan, record, act="disk", options=options)

    def landed(self, plan: Plan) -> Proof:
        """Have a second carrier look at each file system; whoever filled it is not asked."""
        facts: dict[str, Any] = {}
        holds = True
        for name, aim in carriers_of(plan.fault_id, plan.undo):
            usage = self._look(f"{name}-look", aim)
            facts |= {f"{aim['pod']}.{key}": value for key, value in usage.items()}
            holds = holds and self._is_full(usage)
        return Proof(holds=holds, source="a second carrier, file system usage", facts=facts)

    def _is_full(self, usage: Mapping[str, int]) -> bool:
        """Whether the share is used; or as much of it as the floor allows."""
        if not usage:
            return False
        wanted = usage["size"] * self.of_volume * CLOSE_ENOUGH
        return usage["used"] >= wanted or usage["free"] <= self.floor_bytes / CLOSE_ENOUGH + (1 << 20)

    def _look(self, name: str, aim: Mapping[str, Any]) -> dict[str, int]:
        """Start a look if there is none; return what it saw, or {} while it has not ended."""
        carriers = self.tools.carriers
        if carriers.gone(name):
            self._start_look(name, aim)
        if carriers.outcome(name) is None:
            return {}
        said = [event.data for event in carriers.testimony(name) if event.data.get("event") == "measured"]
        seen = {key: int(said[-1][f"{key}_bytes"]) for key in ("size", "used", "free")} if said else {}
        if not self._is_full(seen):
            carriers.remove(name)  # the next look takes another
        return seen

    def _start_look(self, name: str, aim: Mapping[str, Any]) -> None:
        if self._record is None:
            return
        until = self.tools.clock.now() + timedelta(seconds=LOOK_WITHIN_S)
        args = ["disk-usage", "--fault-id", name, "--expires-at", rfc3339(until)]
        args += ["--pod-uid", aim["pod_uid"], "--container-id", aim["container_id"]]
        args += ["--options", json.dumps({"path": self.path})]
        self.tools.carriers.start(
            name,
            record=self._record,
            node=aim["node"],
            args=args,
            lifetime_s=LOOK_WITHIN_S,
            size=LOOKING,
        )

    def _largest(self, aim: Mapping[str, Any]) -> int:
        """Return the most bytes that the file system may have: what its claim got, and a little."""
        pod = self.tools.api.get(f"/api/v1/namespaces/{aim['namespace']}/pods/{aim['pod']}")
        claim = _claim(self.tools.api, pod, aim["container"], self.path)
        capacity = (claim or {}).get("status", {}).get("capacity", {}).get("storage")
        if capacity is None:
            raise RefusedError(
                f"the volume at {self.path} of pod {aim['pod']} has no size of its own",
                expected="a bound PersistentVolumeClaim: a folder on the node's disk would fill the node",
                found="no claim" if claim is None else "a claim without capacity",
            )
        return int(number(capacity) * OVER_CLAIM)


class DiskFillUndo(CarriedUndo):
    """Ends the carriers, those that looked included."""

    def undo(self, record: Record) -> None:
        """Remove the carriers; the space is free once they are gone."""
        for name, _ in carriers_of(record.fault_id, record.undo):
            self.tools.carriers.remove(f"{name}-look")
        super().undo(record)

    def undone(self, record: Record) -> Proof:
        """Look whether no carrier is left."""
        looks = [f"{name}-look" for name, _ in carriers_of(record.fault_id, record.undo)]
        left = [name for name in looks if not self.tools.carriers.gone(name)]
        proof = super().undone(record)
        facts = {**proof.facts, "looks left": ", ".join(left) or "none"}
        return Proof(holds=proof.holds and not left, source=proof.source, facts=facts)


def _claim(api: KubeApi, pod: Json, container: str, path: str) -> Json | None:
    """Return the claim of the volume that a container has at `path`; None if it is none of a claim."""
    spec = next(entry for entry in pod["spec"]["containers"] if entry["name"] == container)
    mount = next((entry for entry in spec.get("volumeMounts") or () if entry["mountPath"] == path), None)
    if mount is None:
        raise RefusedError(
            f"container {container} of pod {pod['metadata']['name']} has no volume at {path}",
            expected=", ".join(entry["mountPath"] for entry in spec.get("volumeMounts") or ()) or "a volume",
        )
    volume = next(entry for entry in pod["spec"]["volumes"] if entry["name"] == mount["name"])
    name = (volume.get("persistentVolumeClaim") or {}).get("claimName")
    if name is None and "ephemeral" in volume:
        name = f"{pod['metadata']['name']}-{volume['name']}"
    if name is None:
        return None
    return api.find(f"/api/v1/namespaces/{pod['metadata']['namespace']}/persistentvolumeclaims/{name}")
