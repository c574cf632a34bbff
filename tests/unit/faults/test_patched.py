"""Changes to objects: made only on what was planned, taken back only where they are still ours."""

from __future__ import annotations

from typing import Any

import pytest

from aftershock.cluster.api import Json
from aftershock.cluster.targets import Target
from aftershock.errors import FaultError
from aftershock.faults.journal import Record
from aftershock.faults.patched import Leaf, PatchUndo, apply_leaves, leaf, undo_data, value_at
from aftershock.faults.protocol import Plan
from aftershock.faults.tools import Tools, tools
from aftershock.testing import FakeClock
from aftershock.testing.kube import FakeApi

WEB = "/apis/apps/v1/namespaces/demo/deployments/web"
IMAGE = ("spec", "template", "spec", "containers", "name=main", "image")
NOTE = ("spec", "template", "metadata", "annotations", "note")


@pytest.fixture
def kit(clock: FakeClock) -> Tools:
    api = FakeApi()
    containers = [{"name": "side", "image": "s"}, {"name": "main", "image": "good"}]
    web = {
        "metadata": {"name": "web", "namespace": "demo", "uid": "u"},
        "spec": {"replicas": 3, "template": {"spec": {"containers": containers}}},
    }
    api.add(WEB.rpartition("/")[0], web)
    return tools(api, clock=clock)


def now(kit: Tools) -> Json:
    return kit.api.get(WEB)


@pytest.fixture
def target(kit: Tools) -> Target:
    return Target.of("deployment", now(kit))


def planned(kit: Tools, **to: Any) -> list[Leaf]:
    places = {"image": IMAGE, "note": NOTE, "replicas": ("spec", "replicas")}
    return [leaf(now(kit), places[name], value) for name, value in to.items()]


def record(target: Target, leaves: list[Leaf], clock: FakeClock) -> Record:
    plan = Plan(
        fault="x", targets=(target,), undo=undo_data(target, leaves), expires_after_s=9, blast_radius="",
        switch="reaper",
    )  # fmt: skip
    return plan.record(run_id="run1", now=clock.now())


def test_a_leaf_remembers_what_was_and_whether_there_was_anything(kit: Tools) -> None:
    image, note = planned(kit, image="bad", note="x")
    assert (image.before, image.had) == ("good", True)
    assert (note.before, note.had) == (None, False)


def test_everything_is_set_and_everything_is_as_before_afterwards(
    kit: Tools, target: Target, clock: FakeClock
) -> None:
    before = now(kit)["spec"]
    leaves = planned(kit, image="bad", replicas=0, note="x")
    apply_leaves(kit, target, leaves)
    assert [value_at(now(kit), item.at)[1] for item in leaves] == ["bad", 0, "x"]
    assert value_at(now(kit), (*IMAGE[:4], "name=side", "image")) == (True, "s")
    undo, told = PatchUndo(kit), record(target, leaves, clock)
    assert not undo.undone(told).holds
    undo.undo(told)
    assert undo.undone(told).holds
    assert value_at(now(kit), NOTE) == (False, None)
    restored = now(kit)["spec"]
    restored["template"].pop("metadata")  # the empty frame of the note
    assert restored == before


def test_what_has_changed_since_the_plan_is_not_touched(kit: Tools, target: Target) -> None:
    leaves = planned(kit, replicas=0)
    kit.api.patch(WEB, {"spec": {"replicas": 5}})
    with pytest.raises(FaultError, match="changed since the plan") as caught:
        apply_leaves(kit, target, leaves)
    assert "5" in caught.value.found
    assert now(kit)["spec"]["replicas"] == 5


def test_a_namesake_is_not_touched(kit: Tools, target: Target) -> None:
    leaves = planned(kit, replicas=0)
    kit.api.objects[WEB]["metadata"]["uid"] = "another"  # type: ignore[attr-defined]  # it is a FakeApi
    with pytest.raises(FaultError, match="is gone"):
        apply_leaves(kit, target, leaves)


def test_what_somebody_else_has_set_meanwhile_stays(kit: Tools, target: Target, clock: FakeClock) -> None:
    leaves = planned(kit, replicas=0, image="bad")
    apply_leaves(kit, target, leaves)
    kit.api.patch(WEB, {"spec": {"replicas": 7}})
    undo, told = PatchUndo(kit), record(target, leaves, clock)
    undo.undo(told)
    proof = undo.undone(told)
    assert proof.holds
    assert proof.facts["changed by somebody else"] == "spec.replicas"
    assert now(kit)["spec"]["replicas"] == 7
    assert value_at(now(kit), IMAGE) == (True, "good")


def test_undone_twice_changes_nothing_the_second_time(kit: Tools, target: Target, clock: FakeClock) -> None:
    leaves = planned(kit, replicas=0)
    apply_leaves(kit, target, leaves)
    undo, told = PatchUndo(kit), record(target, leaves, clock)
    undo.undo(told)
    version = now(kit)["metadata"]["resourceVersion"]
    undo.undo(told)
    assert now(kit)["metadata"]["resourceVersion"] == version


def test_a_value_that_was_there_before_is_nobodys_change(
    kit: Tools, target: Target, clock: FakeClock
) -> None:
    leaves = planned(kit, replicas=3)
    apply_leaves(kit, target, leaves)
    assert PatchUndo(kit).undone(record(target, leaves, clock)).holds


def test_an_object_that_is_gone_needs_no_undo(kit: Tools, target: Target, clock: FakeClock) -> None:
    leaves = planned(kit, replicas=0)
    apply_leaves(kit, target, leaves)
    kit.api.delete(WEB)
    undo, told = PatchUndo(kit), record(target, leaves, clock)
    undo.undo(told)
    assert undo.undone(told).facts["state"] == "gone"


def test_a_change_in_between_is_read_again(
    kit: Tools, target: Target, clock: FakeClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    leaves = planned(kit, replicas=0)
    put, stale = kit.api.put, [True]

    def late(path: str, body: Json) -> Json:
        if stale.pop() if stale else False:
            kit.api.patch(WEB, {"metadata": {"labels": {"by": "hpa"}}})
        return put(path, body)

    monkeypatch.setattr(kit.api, "put", late)
    apply_leaves(kit, target, leaves)
    assert now(kit)["spec"]["replicas"] == 0
    assert now(kit)["metadata"]["labels"] == {"by": "hpa"}
