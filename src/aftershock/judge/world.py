"""The cluster as the record has it at any moment: a replay of the watch events.

Owners are resolved through replica sets over the whole record, so that a pod that was seen
before its replica set still finds its deployment.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from aftershock.timeline import Event

__all__ = ["Data", "Owners", "World", "healthy", "replay", "selects"]

Data = Mapping[str, Any]

_OBJECTS = frozenset({"pod", "node", "endpointslice", "deployment", "replicaset", "hpa", "pdb"})


class World:
    """Objects by kind and subject, as last seen."""

    def __init__(self) -> None:
        self._objects: dict[str, dict[str, Data]] = {kind: {} for kind in _OBJECTS}

    def apply(self, event: Event) -> None:
        """Take in one watch event."""
        objects = self._objects[event.kind]
        if event.data["type"] in {"DELETED", "GONE"}:
            seen = objects.get(event.subject)
            # The late goodbye of an object must not take its namesake with it.
            if seen is not None and seen["uid"] == event.data["uid"]:
                del objects[event.subject]
        else:
            objects[event.subject] = event.data

    def all(self, kind: str) -> Iterable[Data]:
        """Return the objects of that kind."""
        return self._objects[kind].values()

    def get(self, kind: str, subject: str) -> Data | None:
        """Return one object, or None where there is none."""
        return self._objects[kind].get(subject)


def replay(events: Iterable[Event]) -> Iterator[tuple[Event, World]]:
    """Yield every watch event with the world right after it. The world is one and changes."""
    world = World()
    for event in events:
        if event.source == "kubernetes" and event.kind in _OBJECTS:
            world.apply(event)
            yield event, world


class Owners:
    """Who owns whom, by UID."""

    def __init__(self, events: Iterable[Event]) -> None:
        self._owner: dict[str, Data] = {}
        for event in events:
            if event.kind == "replicaset" and event.data["owner"]:
                self._owner[event.data["uid"]] = event.data["owner"]

    def workload(self, pod: Data) -> str:
        """Return the pod's topmost known owner as kind/namespace/name; a bare pod owns itself."""
        owner: Data | None = pod["owner"]
        if not owner:
            return f"pod/{pod['namespace']}/{pod['name']}"
        top = self._owner.get(owner["uid"], owner)
        return f"{top['kind'].lower()}/{pod['namespace']}/{top['name']}"


def healthy(pod: Data) -> bool:
    """Whether a pod counts as available: Ready and not on its way out (as the PDB controller counts)."""
    return bool(pod["ready"]) and not pod["deletion_at"]


def selects(selector: Data | None, labels: Data) -> bool:
    """Whether a label selector matches; an empty one matches everything, None nothing."""
    if selector is None:
        return False
    if any(labels.get(key) != value for key, value in (selector.get("matchLabels") or {}).items()):
        return False
    return all(_expression(rule, labels) for rule in selector.get("matchExpressions") or ())


def _expression(rule: Data, labels: Data) -> bool:
    present = rule["key"] in labels
    among = labels.get(rule["key"]) in (rule.get("values") or ())
    # NotIn also matches where the label is missing.
    answers = {"In": among, "NotIn": not among, "Exists": present, "DoesNotExist": not present}
    return answers[rule["operator"]]
