"""Faults that last: until their own time is over, or taken back at once; with proof."""

from __future__ import annotations

from datetime import timedelta

import pytest

from aftershock.cluster.targets import Target
from aftershock.errors import FeatureError, ResidueError
from aftershock.faults.journal import Record
from aftershock.faults.protocol import Plan, Proof
from aftershock.scene.faults import Faults
from aftershock.scene.stage import Stage
from aftershock.testing import FakeClock
from aftershock.testing.kube import FakeApi, pod

POD = Target(kind="pod", namespace="demo", name="a", uid="uid-a")


class Lasting:
    """A fault that lasts 40 s; and its undo."""

    name = "it"
    lasts = True
    stuck = False

    def plan(self) -> Plan:
        return Plan(
            fault="it", targets=(POD,), undo={}, expires_after_s=40, blast_radius="", switch="carrier",
            lasts=self.lasts,
        )  # fmt: skip

    def inject(self, plan: Plan, record: Record) -> None:
        pass

    def landed(self, plan: Plan) -> Proof:
        return Proof(holds=True, source="test")

    def undo(self, record: Record) -> None:
        pass

    def undone(self, record: Record) -> Proof:
        return Proof(holds=not self.stuck, source="test")


@pytest.fixture
def fault(stage: Stage, api: FakeApi, monkeypatch: pytest.MonkeyPatch) -> Lasting:
    api.add_pods(pod("a"))
    found = Lasting()
    stage.injector.undos = {"it": found}
    monkeypatch.setattr(stage.injector, "check", lambda targets, disturbs: None)
    return found


def kinds(stage: Stage) -> list[str]:
    return [event.kind for event in stage.timeline.select(source="harness")]


def test_over_is_when_its_own_time_has_passed(stage: Stage, fault: Lasting, clock: FakeClock) -> None:
    stage.inject(fault)
    Faults(stage).are_over()
    assert 40 <= clock.elapsed < 42
    assert kinds(stage)[-2:] == ["undoing", "undone"]
    assert stage.after_fault(30) >= stage.opened + timedelta(seconds=70)
    stage.injector.undo_all()


def test_taken_back_is_now(stage: Stage, fault: Lasting, clock: FakeClock) -> None:
    stage.inject(fault)
    Faults(stage).are_taken_back()
    assert clock.elapsed < 1
    assert kinds(stage)[-1] == "undone"
    stage.injector.undo_all()


def test_what_is_left_is_an_error(stage: Stage, fault: Lasting) -> None:
    stage.inject(fault)
    fault.stuck = True
    with pytest.raises(ResidueError):
        Faults(stage).are_taken_back()
    stage.injector.lease.release()


def test_a_fault_that_does_not_last_cannot_be_waited_for(stage: Stage, fault: Lasting) -> None:
    fault.lasts = False
    stage.inject(fault)
    for act in (Faults(stage).are_over, Faults(stage).are_taken_back):
        with pytest.raises(FeatureError, match="no fault is in effect"):
            act()
    stage.injector.undo_all()
