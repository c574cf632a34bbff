"""Actions: the same guards and journal as a scenario, and rollbacks that touch only their own."""

from __future__ import annotations

import subprocess
import sys
from datetime import UTC, datetime
from pathlib import Path

import pytest

from aftershock import chaostoolkit
from aftershock.chaostoolkit import sessions
from aftershock.errors import RefusedError, UsageError
from aftershock.faults.journal import Journal, Record
from aftershock.faults.lease import RUN_LEASE
from aftershock.testing.kube import FakeApi
from aftershock.timeline import read_timeline

WORKER = "/api/v1/nodes/worker"


class TestDrain:
    def test_enters_the_runs_journal_and_the_timeline(self, api: FakeApi, tmp_path: Path) -> None:
        facts = chaostoolkit.drain_worker(workload="web", node="worker")
        (record,) = Journal(tmp_path / "run7" / "journal.jsonl").latest()
        assert (record.run_id, record.fault_id, record.state) == ("run7", facts["fault_id"], "injected")
        assert facts["evicted"] == 1
        kinds = [event.kind for event in read_timeline(tmp_path / "timeline.jsonl")]
        assert kinds[0] == "planned"
        assert "landed" in kinds

    def test_the_guard_speaks_first(self, api: FakeApi, tmp_path: Path) -> None:
        api.patch("/api/v1/nodes/worker2", {"spec": {"unschedulable": True}})
        calls = len(api.calls)
        with pytest.raises(RefusedError, match="the last"):
            chaostoolkit.drain_worker(workload="web", node="worker")
        assert len(api.calls) == calls
        assert not (tmp_path / "run7" / "journal.jsonl").exists()

    def test_uncordon_opens_what_the_drain_closed_and_only_once(self, api: FakeApi) -> None:
        chaostoolkit.drain_worker(workload="web", node="worker")
        assert api.get(WORKER)["spec"]["unschedulable"] is True
        assert chaostoolkit.uncordon() == ["worker"]
        assert "unschedulable" not in api.get(WORKER)["spec"]
        assert chaostoolkit.uncordon() == []

    def test_uncordon_without_a_drain_does_nothing(self, api: FakeApi) -> None:
        assert chaostoolkit.uncordon() == []
        assert api.calls == []


class TestInject:
    def test_any_fault_of_the_catalogue_by_its_name(self, api: FakeApi) -> None:
        facts = chaostoolkit.inject(fault="node-drain", workload="web", node="worker")
        assert facts["targets"] == ["node/worker", "pod/demo/web-0"]
        assert facts["fault_id"].startswith("node-drain-")
        assert api.get(WORKER)["spec"]["unschedulable"] is True

    def test_a_wrong_name_or_argument_touches_nothing(self, api: FakeApi) -> None:
        with pytest.raises(UsageError, match="no fault 'node-drian'"):
            chaostoolkit.inject(fault="node-drian", workload="web")
        with pytest.raises(UsageError, match="no argument 'worklaod'"):
            chaostoolkit.inject(fault="node-drain", worklaod="web")
        assert api.calls == []


class TestTakingBack:
    def test_by_name_and_all(self, api: FakeApi) -> None:
        fault_id = chaostoolkit.inject(fault="node-drain", workload="web", node="worker")["fault_id"]
        assert chaostoolkit.take_back(fault="out-of-memory") == {}
        assert chaostoolkit.take_back_all().keys() == {fault_id}
        assert "unschedulable" not in api.get(WORKER)["spec"]
        assert chaostoolkit.take_back_all() == {}

    def test_what_the_scenario_injected_before_is_not_ours(self, api: FakeApi, tmp_path: Path) -> None:
        earlier = Record(
            run_id="run7",
            fault_id="node-drain-1",
            fault="node-drain",
            state="injected",
            target=["node/worker2"],
            undo={"node": "worker2", "uid": "uid-worker2"},
            expires_at=datetime(2030, 1, 1, tzinfo=UTC),
        )
        (tmp_path / "run7").mkdir()
        journal = Journal(tmp_path / "run7" / "journal.jsonl")
        journal.write(earlier)
        mine = chaostoolkit.inject(fault="node-drain", workload="web", node="worker")["fault_id"]
        assert chaostoolkit.take_back_all().keys() == {mine}
        assert [record.fault_id for record in journal.open_records()] == ["node-drain-1"]

    def test_what_no_rollback_took_back_is_when_the_process_ends(self, api: FakeApi) -> None:
        chaostoolkit.inject(fault="node-drain", workload="web", node="worker")
        assert api.get(RUN_LEASE)["spec"]["holderIdentity"] == "run7"
        sessions.end()
        assert "unschedulable" not in api.get(WORKER)["spec"]
        assert api.get(RUN_LEASE)["spec"].get("holderIdentity") is None
        sessions.end()


def test_neither_chaos_toolkit_nor_locust_enter_this_process() -> None:
    code = (
        "import sys, aftershock.chaostoolkit, aftershock.experiments, aftershock.load.locust\n"
        "print([name for name in sys.modules if name.split('.')[0] in {'chaoslib', 'locust', 'gevent'}])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
