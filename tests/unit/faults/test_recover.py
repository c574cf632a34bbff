"""Recover: from the journals, from the marks alone, and twice."""

from __future__ import annotations

from pathlib import Path

import pytest

from aftershock.errors import ResidueError
from aftershock.faults import marks
from aftershock.faults.journal import Journal, Record
from aftershock.faults.node_drain import NodeDrain
from aftershock.faults.recover import leftovers, recover
from aftershock.faults.tools import tools
from aftershock.testing import FakeClock
from aftershock.testing.kube import FakeApi, node, pod

WORKER = "/api/v1/nodes/worker"


@pytest.fixture
def clock() -> FakeClock:
    return FakeClock()


@pytest.fixture
def api() -> FakeApi:
    fake = FakeApi()
    fake.add("/api/v1/nodes", node("worker"), node("worker2"))
    fake.add_pods(pod("a"))
    return fake


@pytest.fixture
def record(api: FakeApi, clock: FakeClock) -> Record:
    """A drain whose harness is gone."""
    fault = NodeDrain(tools(api, may_touch=lambda namespace: True, clock=clock), node="worker")
    plan = fault.plan()
    record = plan.record(run_id="run1", now=clock.now())
    fault.inject(plan, record)
    return record


def journal(reports: Path, record: Record, *, run: str = "run1") -> Journal:
    (reports / run).mkdir(parents=True)
    found = Journal(reports / run / "journal.jsonl")
    found.write(record)
    return found


def is_open(api: FakeApi) -> bool:
    return "unschedulable" not in api.get(WORKER)["spec"]


def test_from_the_journal(api: FakeApi, clock: FakeClock, record: Record, tmp_path: Path) -> None:
    written = journal(tmp_path, record)
    (done,) = recover(tools(api, clock=clock), reports=tmp_path)
    assert is_open(api)
    assert done.known_from == str(written.path)
    assert [entry.state for entry in written.latest()] == ["undone"]


def test_from_the_mark_with_the_journal_lost(
    api: FakeApi, clock: FakeClock, record: Record, tmp_path: Path
) -> None:
    (done,) = recover(tools(api, clock=clock), reports=tmp_path)
    assert is_open(api)
    assert done.record.fault_id == record.fault_id
    assert "mark" in done.known_from


def test_twice_changes_nothing_the_second_time(
    api: FakeApi, clock: FakeClock, record: Record, tmp_path: Path
) -> None:
    written = journal(tmp_path, record)
    recover(tools(api, clock=clock), reports=tmp_path)
    calls, size = len(api.calls), written.path.stat().st_size
    assert recover(tools(api, clock=clock), reports=tmp_path) == []
    assert (len(api.calls), written.path.stat().st_size) == (calls, size)


def test_a_carrier_is_found_by_its_label(api: FakeApi, clock: FakeClock, tmp_path: Path) -> None:
    lost = Record(
        run_id="run9",
        fault_id="out-of-memory-1",
        fault="out-of-memory",
        state="planned",
        target=["pod/demo/gone"],
        undo={
            "aims": [
                {"namespace": "demo", "pod": "gone", "pod_uid": "u", "container": "main", "node": "worker"}
            ]
        },
        expires_at=clock.now(),
    )
    meta = {
        "name": "out-of-memory-1-0",
        "labels": marks.labels(lost),
        "annotations": {marks.RECORD_MARK: marks.encode(lost)},
    }
    api.add("/apis/batch/v1/namespaces/aftershock/jobs", {"metadata": meta})
    (done,) = recover(tools(api, clock=clock), reports=tmp_path)
    assert done.record.run_id == "run9"
    assert not api.items("/apis/batch/v1/namespaces/aftershock/jobs")


def test_only_the_run_that_was_named(api: FakeApi, clock: FakeClock, record: Record, tmp_path: Path) -> None:
    journal(tmp_path, record)
    assert recover(tools(api, clock=clock), reports=tmp_path, run_id="run2") == []
    assert not is_open(api)
    assert len(recover(tools(api, clock=clock), reports=tmp_path, run_id="run1")) == 1


def test_from_the_journals_of_scenarios_that_ran_side_by_side(
    api: FakeApi, clock: FakeClock, record: Record, tmp_path: Path
) -> None:
    written = journal(tmp_path, record, run="run1/lanes/2")
    assert recover(tools(api, clock=clock), reports=tmp_path, run_id="run2") == []
    (left,) = leftovers(tools(api, clock=clock), reports=tmp_path)
    assert left == f"{record.fault_id} of run run1"
    (done,) = recover(tools(api, clock=clock), reports=tmp_path, run_id="run1")
    assert is_open(api)
    assert done.known_from == str(written.path)


def test_a_damaged_journal_is_reported_and_the_mark_still_helps(
    api: FakeApi, clock: FakeClock, record: Record, tmp_path: Path
) -> None:
    written = journal(tmp_path, record)
    written.path.write_text("nonsense\n" + written.path.read_text())
    with pytest.raises(ResidueError) as caught:
        recover(tools(api, clock=clock), reports=tmp_path)
    assert "journal.jsonl:1" in caught.value.found
    assert is_open(api)


def test_a_torn_last_line_had_no_act(api: FakeApi, clock: FakeClock, record: Record, tmp_path: Path) -> None:
    written = journal(tmp_path, record)
    with written.path.open("a") as file:
        file.write('{"run_id":"run1","fault_id":"torn')
    assert len(recover(tools(api, clock=clock), reports=tmp_path)) == 1


def test_a_fault_of_a_kind_unknown_here_is_listed(
    api: FakeApi, clock: FakeClock, record: Record, tmp_path: Path
) -> None:
    journal(tmp_path, record)
    with pytest.raises(ResidueError, match="nobody knows how to undo") as caught:
        recover(tools(api, clock=clock), reports=tmp_path, undos={})
    assert caught.value.exit_code == 11


def test_a_strangers_annotation_is_no_mark(api: FakeApi, clock: FakeClock, tmp_path: Path) -> None:
    api.patch(WORKER, {"metadata": {"annotations": {marks.CORDON_MARK: "someone"}}})
    assert recover(tools(api, clock=clock), reports=tmp_path) == []
