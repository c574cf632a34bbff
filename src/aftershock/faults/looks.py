"""Looks: pods that measure, before a fault and while it lasts, and have no part in it.

A look is an ordinary pod where that will do (a peer of what is hit), else a carrier that
only measures, in the network of the pod that is hit. It measures again and again; each
round is a line of its log.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import Any

from aftershock.clock import rfc3339, wait_until
from aftershock.cluster.api import Json, KubeApi
from aftershock.cluster.targets import is_ready
from aftershock.errors import FaultError, RefusedError
from aftershock.faults.carrier import LOOKING
from aftershock.faults.journal import Record
from aftershock.faults.tools import Tools
from aftershock.timeline import Event

__all__ = ["Figures", "Look", "Looks", "peer_node", "server_of"]

FIRST_WITHIN_S = 30.0
# Longer than the fault, so that its end is seen.
LONGER_S = 20.0
AGAIN_MS = 200

Figures = Mapping[str, Any]
"""What one round measured of one server or name; see the carrier's act `measure`."""


@dataclass(frozen=True, kw_only=True)
class Look:
    """From which node, what (the options of the act `measure`), and in which pod's network, if in one."""

    node: str
    options: Mapping[str, Any]
    aim: Mapping[str, Any] = field(default_factory=dict)


class Looks:
    """The looks of one fault."""

    def __init__(self, tools: Tools, fault_id: str, looks: Sequence[Look]) -> None:
        self.tools = tools
        self.looks = {f"{fault_id}-look-{number}": look for number, look in enumerate(looks)}
        self._before: dict[str, Figures] = {}
        self._known: dict[str, int] = {}

    def start(self, record: Record) -> dict[str, Figures]:
        """Start them; return what each server and name is like before the fault.

        Raises:
            FaultError: one did not start, or measured nothing.

        """
        lifetime_s = (record.expires_at - self.tools.clock.now()).total_seconds() + LONGER_S
        for name, look in self.looks.items():
            until = rfc3339(record.expires_at)
            args = ["measure", "--fault-id", name, "--expires-at", until]
            if look.aim:
                args += ["--pod-uid", look.aim["pod_uid"], "--container-id", look.aim["container_id"]]
            args += ["--options", json.dumps({"again_ms": AGAIN_MS, **look.options})]
            self.tools.carriers.start(
                name,
                record=record,
                node=look.node,
                args=args,
                lifetime_s=lifetime_s,
                size=LOOKING,
                ordinary=not look.aim,
            )
        for name in self.looks:
            first = wait_until(
                partial(self._rounds_or_none, name),
                within_s=FIRST_WITHIN_S,
                every_s=0.1,
                what=f"{name} to measure",
                clock=self.tools.clock,
            )
            self._before |= first[0]
        return self._before

    def begin(self) -> None:
        """Count what is measured from here on as measured during the fault.

        A round that is under way now began before, and does not count.
        """
        self._known = {name: len(self._rounds(name)) + 1 for name in self.looks}

    def during(self) -> Iterator[tuple[str, Figures, list[Figures]]]:
        """Yield each server and name, with its figures before and those of each round since `begin`."""
        for name in self.looks:
            rounds = self._rounds(name)[self._known.get(name, 0) :]
            for key in self._before:
                since = [found[key] for found in rounds if key in found]
                if since or not rounds:
                    yield key, self._before[key], since

    def testimony(self) -> Iterator[Event]:
        """Yield what they printed."""
        for name in self.looks:
            yield from self.tools.carriers.testimony(name)

    def _rounds_or_none(self, name: str) -> list[dict[str, Figures]] | None:
        return self._rounds(name) or None

    def _rounds(self, name: str) -> list[dict[str, Figures]]:
        said = [event.data for event in self.tools.carriers.testimony(name)]
        for line in said:
            if line.get("event") in {"refused", "said"}:
                raise FaultError(f"{name} cannot measure", found=str(line.get("reason") or line.get("line")))
        return [line["figures"] for line in said if line.get("event") == "measured"]


def peer_node(api: KubeApi, *, apart_from: set[str]) -> str:
    """Return a node to look from: another one than those, if there is one, and rather one that takes pods.

    Raises:
        RefusedError: no node is Ready.

    """
    ready = [node for node in api.items("/api/v1/nodes") if is_ready(node)]
    if not ready:
        raise RefusedError("there is no node to measure from", expected="a node that is Ready", found="none")

    def rank(node: Json) -> tuple[bool, bool, str]:
        closed = bool(node["spec"].get("unschedulable") or node["spec"].get("taints"))
        return node["metadata"]["name"] in apart_from, closed, node["metadata"]["name"]

    return str(min(ready, key=rank)["metadata"]["name"])


def server_of(pod: Json, container: str, port: int = 0) -> tuple[str, int]:
    """Return a pod's address and a TCP port to reach it at: the given one, else the first declared.

    Raises:
        RefusedError: it has no address, or declares no port.

    """
    name = pod["metadata"]["name"]
    address = pod.get("status", {}).get("podIP", "")
    (spec,) = [spec for spec in pod["spec"]["containers"] if spec["name"] == container]
    declared = [
        entry["containerPort"] for entry in spec.get("ports") or () if entry.get("protocol", "TCP") == "TCP"
    ]
    port = port or next(iter(declared), 0)
    if not address or not port:
        raise RefusedError(
            f"nobody could tell whether pod {name} is reached",
            expected="an address, and a TCP port that its container declares",
            found=f"address {address or 'none'}, port {port or 'none'}",
            hint="declare the port in the container's specification, or name it",
        )
    return address, int(port)
