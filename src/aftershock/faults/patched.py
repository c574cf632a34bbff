"""Changes to objects of the API, made so that they can be taken back: for faults that patch.

A change is a list of leaves, each a place in the object with the value that is set there and
the one that it had. It is made only if nobody has changed the object since it was planned.
It is taken back leaf by leaf, where the value is still ours: what somebody else has set
since is theirs, and stays.
"""

from __future__ import annotations

import copy
from collections.abc import Mapping, Sequence
from http import HTTPStatus
from typing import Any

import msgspec

from aftershock.clock import wait_until
from aftershock.cluster.api import Json, KubeApi
from aftershock.cluster.targets import Target
from aftershock.errors import ApiError, FaultError, TransientError
from aftershock.faults.journal import Record
from aftershock.faults.protocol import Proof
from aftershock.faults.tools import Tools

__all__ = ["Leaf", "PatchUndo", "apply_leaves", "leaf", "leaves_in", "undo_data", "value_at"]

Place = Sequence[str]
_APPLY_WITHIN_S = 10.0


class Leaf(msgspec.Struct, frozen=True, kw_only=True):
    """One value of an object: where it is, what is set, what it was.

    In a list an element is named as "name=main". `had` is whether there was a value at all.
    """

    at: tuple[str, ...]
    set: Any
    before: Any = None
    had: bool = True


def leaf(found: Json, at: Place, to: Any) -> Leaf:
    """Return the leaf that sets `to` at that place of an object as it is now."""
    present, before = value_at(found, at)
    return Leaf(at=tuple(at), set=to, before=before, had=present)


def value_at(found: Any, at: Place) -> tuple[bool, Any]:
    """Return whether there is a value at that place of an object, and the value."""
    for step in at:
        if isinstance(found, list):
            key, _, name = step.partition("=")
            found = next((item for item in found if item.get(key) == name), None)
        else:
            found = found.get(step) if isinstance(found, dict) else None
        if found is None:
            return False, None
    return True, found


def apply_leaves(tools: Tools, target: Target, leaves: Sequence[Leaf]) -> None:
    """Set the leaves of `target`, all at once.

    Raises:
        FaultError: it is gone, or somebody has changed one of these places since the plan.

    """

    def step() -> bool:
        found = tools.api.find(target.path)
        if found is None or found["metadata"]["uid"] != target.uid:
            raise FaultError(f"{target} is gone", expected=f"uid {target.uid}")
        for item in leaves:
            now = value_at(found, item.at)
            if now not in ((item.had, item.before), (True, item.set)):
                raise FaultError(
                    f"{target} has changed since the plan",
                    expected=f"{'.'.join(item.at)}: {item.before!r}",
                    found=repr(now[1]),
                    hint="run the scenario again: something else works on it",
                )
        return _replace(tools.api, target.path, found, {item.at: (True, item.set) for item in leaves})

    wait_until(step, within_s=_APPLY_WITHIN_S, what=f"{target} to be changed", clock=tools.clock)


class PatchUndo:
    """Takes back the leaves in `undo["leaves"]` of the object `undo["object"]` with `undo["uid"]`."""

    def __init__(self, tools: Tools) -> None:
        self.tools = tools

    def undo(self, record: Record) -> None:
        """Give every leaf that is still ours the value that it had.

        Raises:
            TransientError: the object changed meanwhile; ask again.

        """
        found = self._object(record)
        ours = [item for item in leaves_in(record.undo) if found and _is_ours(found, item)]
        if found is not None and ours:
            values = {item.at: (item.had, item.before) for item in ours}
            _replace(self.tools.api, Target.path_of(record.undo["object"]), found, values)

    def undone(self, record: Record) -> Proof:
        """Look whether no leaf has our value any more."""
        found = self._object(record)
        source, facts = "Kubernetes API", {"object": record.undo["object"]}
        if found is None:
            return Proof(holds=True, source=source, facts={**facts, "state": "gone"})
        leaves = leaves_in(record.undo)
        left = [".".join(item.at) for item in leaves if _is_ours(found, item)]
        others = [".".join(item.at) for item in leaves if _is_of_others(found, item)]
        facts |= {"still ours": ", ".join(left) or "nothing"}
        if others:
            facts["changed by somebody else"] = ", ".join(others)
        return Proof(holds=not left, source=source, facts=facts)

    def _object(self, record: Record) -> Json | None:
        found = self.tools.api.find(Target.path_of(record.undo["object"]))
        return found if found is not None and found["metadata"]["uid"] == record.undo["uid"] else None


def undo_data(target: Target, leaves: Sequence[Leaf]) -> dict[str, Any]:
    """Return what a plan's `undo` holds for PatchUndo."""
    return {"object": str(target), "uid": target.uid, "leaves": msgspec.to_builtins(leaves)}


def leaves_in(undo: Mapping[str, Any]) -> list[Leaf]:
    """Return the leaves that a plan's or a record's `undo` holds."""
    return msgspec.convert(undo["leaves"], list[Leaf])


def _is_ours(found: Json, item: Leaf) -> bool:
    return value_at(found, item.at) == (True, item.set) and (item.had, item.before) != (True, item.set)


def _is_of_others(found: Json, item: Leaf) -> bool:
    return value_at(found, item.at) not in ((True, item.set), (item.had, item.before))


def _replace(
    api: KubeApi, path: str, found: Json, values: Mapping[tuple[str, ...], tuple[bool, Any]]
) -> bool:
    """Write the object as it was read, with those values; a stale one is refused by the API."""
    changed = copy.deepcopy(found)
    for at, (present, value) in values.items():
        _set(changed, at, present=present, value=value)
    try:
        api.put(path, changed)
    except ApiError as error:
        if error.status != HTTPStatus.CONFLICT:
            raise
        raise TransientError(f"{path} changed meanwhile", found=error.found) from error
    return True


def _set(found: Json, at: Place, *, present: bool, value: Any) -> None:
    inner: Any = found
    for step in at[:-1]:
        if isinstance(inner, list):
            key, _, name = step.partition("=")
            inner = next(item for item in inner if item.get(key) == name)
        else:
            inner = inner.setdefault(step, {})
    if present:
        inner[at[-1]] = value
    else:
        inner.pop(at[-1], None)
