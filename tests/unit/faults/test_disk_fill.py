"""Disk fill: only a volume with a size of its own; proven by a carrier that only looks."""

from __future__ import annotations

import json
from typing import Any

import pytest

from aftershock.errors import RefusedError
from aftershock.faults.disk_fill import DiskFill, DiskFillUndo
from aftershock.faults.journal import Record
from aftershock.faults.protocol import Plan
from aftershock.faults.tools import tools
from aftershock.testing import FakeClock
from aftershock.testing.kube import pod
from tests.unit.faults.carriers import PODS, Node
from tests.unit.faults.kubelets import MIB, options_of

CLAIMS = "/api/v1/namespaces/demo/persistentvolumeclaims"


def mount(api: Node, volume: dict[str, Any]) -> None:
    spec = {
        "containers": [
            {"name": "main", "image": "nginx", "volumeMounts": [{"name": "data", "mountPath": "/data"}]}
        ],
        "volumes": [{"name": "data", **volume}],
    }
    api.add_pods(pod("web-0", spec=spec))


@pytest.fixture(autouse=True)
def _volume(api: Node) -> None:
    mount(api, {"persistentVolumeClaim": {"claimName": "data-0"}})
    api.objects[f"{CLAIMS}/data-0"] = {
        "metadata": {"name": "data-0"},
        "status": {"capacity": {"storage": "100Mi"}},
    }


def fault(api: Node, clock: FakeClock, **options: Any) -> DiskFill:
    given = {"path": "/data", "of_volume": 0.9, "for_s": 60.0, **options}
    return DiskFill(tools(api, clock=clock), workload="web", **given)


def injected(api: Node, clock: FakeClock, **options: Any) -> tuple[DiskFill, Plan, Record]:
    fill = fault(api, clock, **options)
    plan = fill.plan()
    record = plan.record(run_id="run1", now=clock.now())
    fill.inject(plan, record)
    return fill, plan, record


def say(api: Node, plan: Plan, *, used: int, free: int) -> None:
    said = {"event": "measured", "size_bytes": 100 * MIB, "used_bytes": used * MIB, "free_bytes": free * MIB}
    api.logs[f"{PODS}{plan.fault_id}-0-look-abc/log"] = f"2026-01-01T00:00:01Z {json.dumps(said)}\n"


def test_the_carrier_is_told_share_floor_and_the_claims_size(api: Node, clock: FakeClock) -> None:
    injected(api, clock)
    (command,) = api.commands()
    assert command[0] == "disk"
    assert options_of(command) == {
        "path": "/data",
        "share": 0.9,
        "floor_bytes": 4 * MIB,
        "largest_bytes": 125 * MIB,
    }


class TestRefused:
    @pytest.mark.parametrize("volume", [{"emptyDir": {"sizeLimit": "1Gi"}}, {"hostPath": {"path": "/x"}}])
    def test_a_folder_on_the_nodes_disk(self, api: Node, clock: FakeClock, volume: dict[str, Any]) -> None:
        mount(api, volume)
        with pytest.raises(RefusedError, match="no size of its own"):
            fault(api, clock).plan()

    def test_a_claim_that_is_not_bound(self, api: Node, clock: FakeClock) -> None:
        api.objects[f"{CLAIMS}/data-0"]["status"] = {}
        with pytest.raises(RefusedError, match="no size of its own") as caught:
            fault(api, clock).plan()
        assert caught.value.found == "a claim without capacity"

    def test_a_path_that_is_no_mount(self, api: Node, clock: FakeClock) -> None:
        with pytest.raises(RefusedError, match="no volume at /data/sub"):
            fault(api, clock, path="/data/sub").plan()

    @pytest.mark.parametrize("share", [0.0, 1.01])
    def test_no_share(self, api: Node, clock: FakeClock, share: float) -> None:
        with pytest.raises(RefusedError, match="no share"):
            fault(api, clock, of_volume=share).plan()


class TestLanded:
    def test_by_what_another_carrier_sees(self, api: Node, clock: FakeClock) -> None:
        fill, plan, _ = injected(api, clock)
        say(api, plan, used=90, free=10)
        assert fill.landed(plan).holds
        assert [command[0] for command in api.commands()] == ["disk", "disk-usage"]

    def test_as_full_as_the_floor_allows(self, api: Node, clock: FakeClock) -> None:
        fill, plan, _ = injected(api, clock, of_volume=1.0)
        say(api, plan, used=91, free=4)
        assert fill.landed(plan).holds

    def test_where_it_is_not_full_it_looks_again(self, api: Node, clock: FakeClock) -> None:
        fill, plan, _ = injected(api, clock)
        say(api, plan, used=20, free=80)
        assert not fill.landed(plan).holds
        assert not fill.landed(plan).holds
        assert [command[0] for command in api.commands()] == ["disk", "disk-usage", "disk-usage"]

    def test_while_nobody_has_looked_yet(self, api: Node, clock: FakeClock) -> None:
        fill, plan, _ = injected(api, clock)
        api.state = {"running": {}}
        assert not fill.landed(plan).holds

    def test_a_record_of_another_process_needs_no_look(self, api: Node, clock: FakeClock) -> None:
        plan = fault(api, clock).plan()
        assert not fault(api, clock).landed(plan).holds
        assert api.commands() == []


def test_the_undo_removes_those_that_looked_too(api: Node, clock: FakeClock) -> None:
    fill, plan, record = injected(api, clock)
    say(api, plan, used=90, free=10)
    fill.landed(plan)
    undo = DiskFillUndo(tools(api, clock=clock))
    assert not undo.undone(record).holds
    undo.undo(record)
    assert api.jobs() == []
    assert undo.undone(record).holds
