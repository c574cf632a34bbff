"""What auto-recovery changes, as it was before: put back where it would not, or not so soon, do so itself."""

from __future__ import annotations

from collections.abc import Iterable

from aftershock.cluster.api import Json, KubeApi
from aftershock.cluster.targets import collection

__all__ = ["MARKS", "Before"]

MARKS = ("autorecovery.aftershock.dev/last-action", "autorecovery.aftershock.dev/replicas-before")
"""The annotations of what it has changed."""

MADE = "app.kubernetes.io/managed-by=autorecovery"
"""The label of the budgets that it makes."""

_FIELDS = {"deployment": "replicas", "horizontalpodautoscaler": "minReplicas", "node": "unschedulable"}


class Before:
    """The deployments, HPAs and budgets of `namespaces`, and the nodes, as they are now."""

    def __init__(self, api: KubeApi, namespaces: Iterable[str]) -> None:
        self.api = api
        self.namespaces = tuple(namespaces)
        self._kept = {
            f"{place}/{found['metadata']['name']}": (field, found)
            for kind, field in _FIELDS.items()
            for place in self._places(kind)
            for found in api.items(place)
        }
        self._budgets = set(self._made())

    def put_back(self) -> None:
        """Put back what bears a new mark, and delete the budgets that are new. Idempotent."""
        for path, (field, before) in self._kept.items():
            now = self.api.find(path)
            if now is not None and _marks(now) != _marks(before):
                self.api.patch(path, _way_back(now, before, field))
        for path in set(self._made()) - self._budgets:
            self.api.delete(path)

    def _places(self, kind: str) -> list[str]:
        """Return the collections of a kind."""
        return [collection(kind, name) for name in (("",) if kind == "node" else self.namespaces)]

    def _made(self) -> Iterable[str]:
        for place in self._places("poddisruptionbudget"):
            for found in self.api.items(place, labelSelector=MADE):
                yield f"{place}/{found['metadata']['name']}"


def _way_back(now: Json, before: Json, field: str) -> Json:
    """Return the merge patch to what it was: its number, its containers' memory, its marks."""
    spec: Json = {}
    if now["spec"].get(field) != before["spec"].get(field):
        spec[field] = before["spec"].get(field)
    if field == "replicas" and _containers(now) != _containers(before):
        spec["template"] = {"spec": {"containers": _containers(before)}}
    known = _marks(before)
    return {"metadata": {"annotations": {mark: known.get(mark) for mark in MARKS}}, "spec": spec}


def _containers(found: Json) -> list[Json]:
    containers: list[Json] = found["spec"]["template"]["spec"]["containers"]
    return containers


def _marks(found: Json) -> dict[str, str]:
    annotations = found["metadata"].get("annotations") or {}
    return {mark: annotations[mark] for mark in MARKS if mark in annotations}
