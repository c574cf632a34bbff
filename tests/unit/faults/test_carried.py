"""Faults that act through carriers: taken back whoever was killed."""

from __future__ import annotations

import pytest

from aftershock.errors import FaultError
from aftershock.faults import marks
from aftershock.faults.carried import CarriedUndo, start_carriers
from aftershock.faults.journal import Record
from aftershock.faults.out_of_memory import OutOfMemory
from aftershock.faults.protocol import Plan
from aftershock.faults.tools import Tools, tools
from aftershock.testing import FakeClock
from tests.unit.faults.carriers import WEB, Node


@pytest.fixture
def kit(api: Node, clock: FakeClock) -> Tools:
    return tools(api, clock=clock)


@pytest.fixture
def plan(kit: Tools) -> Plan:
    return OutOfMemory(kit, workload="web").plan()


@pytest.fixture
def record(plan: Plan, clock: FakeClock) -> Record:
    return plan.record(run_id="run1", now=clock.now())


@pytest.fixture
def _acted(api: Node, kit: Tools, plan: Plan, record: Record) -> None:
    marks.put(api, plan.targets[0], record)
    start_carriers(kit, plan, record, act="oom")


@pytest.mark.usefixtures("_acted")
class TestUndo:
    def test_a_carrier_that_ended_by_itself_has_put_everything_back(
        self, api: Node, kit: Tools, record: Record
    ) -> None:
        undo = CarriedUndo(kit)
        undo.undo(record)
        assert api.jobs() == []
        assert len(api.commands()) == 1
        assert undo.undone(record).holds

    def test_after_one_that_was_killed_another_one_puts_back(
        self, api: Node, kit: Tools, record: Record
    ) -> None:
        api.end(137)
        CarriedUndo(kit).undo(record)
        assert api.commands()[-1] == ["restore", "--fault-id", f"{record.fault_id}-0"]
        assert api.jobs() == []

    def test_a_node_without_a_core_to_spare_takes_the_one_that_puts_back(
        self, api: Node, kit: Tools, record: Record
    ) -> None:
        api.end(137)
        CarriedUndo(kit).undo(record)
        job = [
            body for method, _, body in api.calls if method == "POST" and body and body.get("kind") == "Job"
        ][-1]
        spec = job["spec"]["template"]["spec"]
        assert spec["priorityClassName"] == "system-node-critical"
        assert spec["containers"][0]["resources"]["requests"] == {"cpu": "1m", "memory": "16Mi"}

    def test_after_one_that_still_ran_another_one_looks(self, api: Node, kit: Tools, record: Record) -> None:
        api.end(None)
        CarriedUndo(kit).undo(record)
        assert api.commands()[-1][0] == "restore"

    def test_after_one_whose_job_is_gone_another_one_looks(
        self, api: Node, kit: Tools, record: Record
    ) -> None:
        for path in api.jobs():
            api.delete(path)
        CarriedUndo(kit).undo(record)
        assert api.commands()[-1][0] == "restore"

    def test_what_somebody_else_has_taken_back_is_left(self, api: Node, kit: Tools, record: Record) -> None:
        api.end(137)
        marks.take(api, "pod/demo/web-0", record.fault_id)
        CarriedUndo(kit).undo(record)
        assert len(api.commands()) == 1

    def test_a_pod_that_is_gone_took_everything_with_it(self, api: Node, kit: Tools, record: Record) -> None:
        api.end(137)
        api.objects[WEB]["metadata"]["uid"] = "another"
        CarriedUndo(kit).undo(record)
        assert len(api.commands()) == 1

    def test_one_whose_time_is_just_over_gets_a_moment(
        self, api: Node, kit: Tools, record: Record, clock: FakeClock
    ) -> None:
        api.end(None)
        clock.sleep(60)
        sleep = clock.sleep

        def ends(seconds: float) -> None:
            sleep(seconds)
            api.end(0)

        clock.sleep = ends  # type: ignore[method-assign]  # it ends meanwhile
        CarriedUndo(kit).undo(record)
        assert len(api.commands()) == 1, "it has put back everything itself"

    def test_one_that_hangs_after_its_time_gets_no_more(
        self, api: Node, kit: Tools, record: Record, clock: FakeClock
    ) -> None:
        api.end(None)
        clock.sleep(60)
        CarriedUndo(kit).undo(record)
        assert api.commands()[-1][0] == "restore"

    def test_what_cannot_be_put_back_is_residue(self, api: Node, kit: Tools, record: Record) -> None:
        api.end(137)
        api.state = {"terminated": {"exitCode": 5}}
        with pytest.raises(FaultError, match="could not put back everything"):
            CarriedUndo(kit).undo(record)
        assert api.jobs() == []

    def test_is_not_undone_while_a_carrier_is_there(self, kit: Tools, record: Record) -> None:
        assert not CarriedUndo(kit).undone(record).holds


def test_planned_and_never_injected_is_fine_too(api: Node, kit: Tools, record: Record) -> None:
    api.delete(WEB)
    undo = CarriedUndo(kit)
    undo.undo(record)
    assert undo.undone(record).holds


def test_a_carrier_is_told_where_until_when_and_how(
    api: Node, kit: Tools, plan: Plan, record: Record
) -> None:
    start_carriers(kit, plan, record, act="oom", options={"share": 0.5})
    (command,) = api.commands()
    assert command[:1] == ["oom"]
    assert command[-2:] == ["--options", '{"share": 0.5}']
    assert command[command.index("--pod-uid") + 1] == "uid-web-0"
    assert command[command.index("--expires-at") + 1] == "2026-01-01T00:01:00.000000Z"
