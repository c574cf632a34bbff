"""Sharing: equal parts are one object, and nothing is ever another than it was."""

from __future__ import annotations

import json
from typing import Any

from aftershock.observe.sharing import Sharing, like


def data(name: str, *, ready: bool = True, team: str = "shop") -> dict[str, Any]:
    """Return what is kept of a pod, made of parts that nobody else has: as a decoder makes them."""
    kept = {
        "uid": f"uid-{name}",
        "name": name,
        "node": "worker",
        "labels": {"app": "web", "team": team},
        "owner": {"kind": "ReplicaSet", "name": "web-1"},
        "containers": [{"name": "main", "ready": ready, "id": f"containerd://{name}", "last": None}],
    }
    copied: dict[str, Any] = json.loads(json.dumps(kept))
    return copied


def test_nothing_is_changed() -> None:
    sharing = Sharing()
    first = sharing.first(data("a"))
    assert first == data("a")
    assert sharing.first(data("b", team="bank")) == data("b", team="bank")
    assert like(data("a", ready=False), first) == data("a", ready=False)
    assert first == data("a")


def test_objects_of_one_template_share_its_parts() -> None:
    sharing = Sharing()
    first, second = sharing.first(data("a")), sharing.first(data("b"))
    for part in ("labels", "owner", "node"):
        assert first[part] is second[part]


def test_versions_of_an_object_share_what_did_not_change() -> None:
    sharing = Sharing()
    first = sharing.first(data("a"))
    same = like(data("a"), first)
    flipped = like(data("a", ready=False), first)
    assert same["containers"] is first["containers"]
    assert flipped["containers"] is not first["containers"]
    assert flipped["uid"] is first["uid"]


def test_label_sets_of_the_same_text_are_told_apart() -> None:
    sharing = Sharing()
    number, text = {"labels": {"tier": 1}}, {"labels": {"tier": "1"}}
    assert sharing.first(number)["labels"] == {"tier": 1}
    assert sharing.first(text)["labels"] == {"tier": "1"}
