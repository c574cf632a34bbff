"""The reaper: takes back what is due, and nothing else; and what its image holds is enough for it."""

from __future__ import annotations

import shutil
import subprocess
import sys
from datetime import timedelta
from pathlib import Path

import pytest

from aftershock.cluster.api import Json
from aftershock.cluster.kind.catalogue import load_catalogue
from aftershock.cluster.targets import Target
from aftershock.config import project_root
from aftershock.faults import marks
from aftershock.faults.journal import Record
from aftershock.faults.lease import LASTS_S, LEASES, RUN_LEASE
from aftershock.faults.protocol import Proof
from aftershock.faults.switch import REAPER_LEASE
from aftershock.faults.tools import Tools, tools
from aftershock.reaper import LOOK_EVERY_S, Reaper
from aftershock.testing import FakeClock
from aftershock.testing.kube import FakeApi, pod

ROOT = project_root(Path(__file__).parent)


class Undone:
    """An undo that writes down what it took back; of faults called stuck it leaves something."""

    def __init__(self) -> None:
        self.done: list[str] = []

    def undo(self, record: Record) -> None:
        if "senseless" in record.fault_id:
            raise KeyError("aims")
        self.done.append(record.fault_id)

    def undone(self, record: Record) -> Proof:
        return Proof(holds="stuck" not in record.fault_id, source="test")


@pytest.fixture
def clock() -> FakeClock:
    return FakeClock()


@pytest.fixture
def kit(clock: FakeClock) -> Tools:
    return tools(FakeApi(), clock=clock)


@pytest.fixture
def undo() -> Undone:
    return Undone()


@pytest.fixture
def reaper(kit: Tools, undo: Undone) -> Reaper:
    return Reaper(kit, undos={"it": undo})


def fault(kit: Tools, fault_id: str, *, run: str = "run1", lasts_s: float = 60.0) -> None:
    """Mark a pod of the fault's own, as an injector does."""
    body = pod(f"pod-{fault_id}")
    kit.api.post("/api/v1/namespaces/demo/pods", body)
    target = Target.of("pod", body)
    expires = kit.clock.now() + timedelta(seconds=lasts_s)
    record = Record(
        run_id=run, fault_id=fault_id, fault="it", state="planned", target=[str(target)], undo={},
        expires_at=expires,
    )  # fmt: skip
    marks.put(kit.api, target, record)


def lease(kit: Tools, holder: str) -> None:
    spec = {
        "holderIdentity": holder,
        "renewTime": str(kit.clock.monotonic()),
        "leaseDurationSeconds": LASTS_S,
    }
    if kit.api.find(RUN_LEASE) is None:
        kit.api.post(LEASES, {"metadata": {"name": "aftershock-run"}, "spec": spec})
    else:
        kit.api.patch(RUN_LEASE, {"spec": spec})


def test_a_live_runs_faults_are_left_alone(kit: Tools, reaper: Reaper, undo: Undone) -> None:
    fault(kit, "a")
    for _ in range(20):
        lease(kit, "run1")
        assert reaper.look() == []
        kit.clock.sleep(LOOK_EVERY_S)
    assert undo.done == []


def test_a_vanished_runs_faults_are_taken_back_once_its_lease_has_lapsed(
    kit: Tools, reaper: Reaper, undo: Undone
) -> None:
    lease(kit, "run1")
    fault(kit, "a")
    while not reaper.look():
        kit.clock.sleep(LOOK_EVERY_S)
    assert LASTS_S <= kit.clock.monotonic() <= LASTS_S + LOOK_EVERY_S + 1
    assert undo.done == ["a"]
    assert list(marks.records(kit.api)) == []
    assert reaper.look() == []


def test_a_fault_that_begins_while_it_looks_is_left_alone(
    kit: Tools, reaper: Reaper, undo: Undone, monkeypatch: pytest.MonkeyPatch
) -> None:
    find = kit.api.find

    def found(path: str, **query: str) -> Json | None:
        seen = find(path, **query)
        if path == RUN_LEASE and seen is None:
            monkeypatch.undo()
            lease(kit, "run1")
            fault(kit, "a")
        return seen

    monkeypatch.setattr(kit.api, "find", found)
    reaper.look()
    lease(kit, "run1")
    reaper.look()
    assert undo.done == []


def test_what_another_run_left_is_taken_back_at_once(kit: Tools, reaper: Reaper, undo: Undone) -> None:
    lease(kit, "run2")
    fault(kit, "a", run="run1")
    reaper.look()
    assert undo.done == ["a"]


def test_a_fault_whose_time_is_over_is_taken_back_from_a_live_run_that_does_not(
    kit: Tools, reaper: Reaper, undo: Undone
) -> None:
    fault(kit, "short", lasts_s=10)
    fault(kit, "long", lasts_s=60)
    while not undo.done:
        lease(kit, "run1")
        reaper.look()
        kit.clock.sleep(LOOK_EVERY_S)
    assert undo.done == ["short"]
    assert 20 <= kit.clock.monotonic() <= 20 + 2 * LOOK_EVERY_S, "its run is let do it first"


def test_one_that_cannot_be_undone_keeps_its_mark_and_does_not_stop_the_others(
    kit: Tools, reaper: Reaper, undo: Undone
) -> None:
    fault(kit, "a-stuck")
    fault(kit, "a-senseless")
    fault(kit, "b")
    outcomes = {record.fault_id: outcome.partition(":")[0] for record, outcome in reaper.look()}
    assert outcomes == {"a-stuck": "left", "a-senseless": "left", "b": "undone"}
    assert {record.fault_id for record in marks.records(kit.api)} == {"a-stuck", "a-senseless"}


def test_it_gives_signs_of_life(kit: Tools, reaper: Reaper) -> None:
    seen = set()
    for _ in range(3):
        reaper.look()
        seen.add(kit.api.get(REAPER_LEASE)["spec"]["renewTime"])
        kit.clock.sleep(LOOK_EVERY_S)
    assert len(seen) == 3


def test_what_its_image_holds_is_enough(tmp_path: Path) -> None:
    catalogue = load_catalogue(ROOT)
    for part in catalogue.images["components"].payload:
        if part.startswith("src/"):
            destination = tmp_path / part
            destination.parent.mkdir(parents=True, exist_ok=True)
            copy = shutil.copytree if (ROOT / part).is_dir() else shutil.copy2
            copy(ROOT / part, destination)
    program = "\n".join(
        [
            "import sys",
            "import msgspec, urllib3",
            "sys.path = [entry for entry in sys.path if 'aftershock' not in entry and entry != sys.argv[2]]",
            "sys.path.insert(0, sys.argv[1])",
            "import aftershock.reaper",
            "assert aftershock.__file__.startswith(sys.argv[1]), aftershock.__file__",
            "print(*sorted({name.partition('.')[0] for name in sys.modules}))",
        ]
    )
    done = subprocess.run(
        [sys.executable, "-c", program, str(tmp_path / "src"), str(ROOT / "src")],
        capture_output=True,
        text=True,
        check=False,
        cwd=tmp_path,
    )
    assert done.returncode == 0, done.stderr
    libraries = {"kubernetes", "prometheus_api_client", "requests", "yaml", "click", "pytest"}
    assert not libraries & set(done.stdout.split())
