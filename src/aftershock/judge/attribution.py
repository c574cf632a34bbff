"""Whose alert it is where scenarios ran side by side: this one's, another one's, or nobody can say.

The record has an event `concurrent` whenever that changes: what this scenario needs, and what each
other one that runs at the time needs, as namespace/name of workloads and as whole namespaces. An
alert belongs to the scenario whose targets its labels name.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

from aftershock.judge.concern import NAMES_A_WORKLOAD, Labels
from aftershock.judge.world import Owners
from aftershock.timeline import Event

__all__ = ["CONCURRENT", "Attribution", "Needs", "Whose"]

CONCURRENT = "concurrent"
Whose = Literal["own", "other", "open"]


@dataclass(frozen=True, kw_only=True)
class Needs:
    """What a scenario needs: workloads as namespace/name, and namespaces as a whole."""

    workloads: frozenset[str] = frozenset()
    namespaces: frozenset[str] = frozenset()

    @classmethod
    def read(cls, data: Mapping[str, Any]) -> Needs:
        """Return what an event says of one scenario."""
        return cls(workloads=frozenset(data["workloads"]), namespaces=frozenset(data["namespaces"]))

    def names(self, workload: str) -> bool:
        """Whether that workload is among what it needs."""
        return workload in self.workloads or workload.partition("/")[0] in self.namespaces


@dataclass(kw_only=True)
class Attribution:
    """Tells by an alert's labels. `others` are the scenarios that ran beside, by their names."""

    own: Needs = field(default_factory=Needs)
    others: dict[str, set[Needs]] = field(default_factory=dict)
    _pods: dict[tuple[str, str], str] = field(default_factory=dict)

    @classmethod
    def of(cls, events: Sequence[Event]) -> Attribution:
        """Return what the record allows to tell."""
        found = cls()
        for event in events:
            if event.kind == CONCURRENT and event.source == "harness":
                found.own = Needs.read(event.data["own"])
                for other in event.data["others"]:
                    found.others.setdefault(other["scenario"], set()).add(Needs.read(other))
        if found.others:
            owners = Owners(events)
            found._pods = {
                (event.data["namespace"], event.data["name"]): _plain(owners.workload(event.data))
                for event in events
                if event.kind == "pod" and event.source == "kubernetes"
            }
        return found

    def __bool__(self) -> bool:
        """Whether anything ran beside: without that every alert is this scenario's matter."""
        return bool(self.others)

    def whose(self, labels: Labels) -> Whose:
        """Return whose alert it is."""
        named = self._named(labels)
        if any(self.own.names(workload) for workload in named):
            return "own"
        if any(needs.names(workload) for workload in named for needs in self._all()):
            return "other"
        if named or "namespace" not in labels:
            return "open"
        space = labels["namespace"]
        if space in self.own.namespaces:
            return "own"
        return "other" if any(space in needs.namespaces for needs in self._all()) else "open"

    def scenarios(self, labels: Labels) -> list[str]:
        """Return the other scenarios whose targets the labels name."""
        named = self._named(labels)
        return sorted(
            name
            for name, every in self.others.items()
            if any(needs.names(workload) for needs in every for workload in named)
            or any(labels.get("namespace") in needs.namespaces for needs in every)
        )

    def _all(self) -> Iterable[Needs]:
        return (needs for every in self.others.values() for needs in every)

    def _named(self, labels: Labels) -> set[str]:
        """Return the workloads that the labels name, as namespace/name."""
        space = labels.get("namespace")
        if space is None:
            return set()
        if "pod" in labels:
            return {self._pods.get((space, labels["pod"])) or self._by_name(space, labels["pod"])}
        return {f"{space}/{labels[name]}" for name in NAMES_A_WORKLOAD & labels.keys()}

    def _by_name(self, space: str, pod: str) -> str:
        """Return the workload after which a pod that nobody watched is called; the pod where none is."""
        known = {w for needs in (self.own, *self._all()) for w in needs.workloads}
        fitting = [w for w in known if f"{space}/{pod}".startswith(f"{w}-")]
        return max(fitting, key=len, default=f"{space}/{pod}")


def _plain(workload: str) -> str:
    """Return kind/namespace/name without its kind."""
    return workload.partition("/")[2]
