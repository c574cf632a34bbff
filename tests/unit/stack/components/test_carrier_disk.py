"""Disk fill: how much, where not, and that nothing is left of it."""

from __future__ import annotations

import os
import time
from pathlib import Path
from typing import Any

import pytest
from aftershock_components.carrier import disk
from aftershock_components.carrier.changes import Changes
from aftershock_components.carrier.containers import Container
from aftershock_components.carrier.orders import Order, OrderError
from aftershock_components.carrier.volumes import Usage, VolumeError, find_volume

MIB = 1 << 20


class Machine:
    """A /proc in which process 40 has what `mounts` says: mount point, kind of file system."""

    def __init__(self, root: Path) -> None:
        self.proc = root / "proc"
        self.container = self.proc / "40" / "root"
        self.container.mkdir(parents=True)
        (self.proc / "1" / "root").mkdir(parents=True)
        self.lines: list[str] = []

    def mount(self, path: str, *, kind: str = "ext4", device: str = "") -> Path:
        folder = self.container / path.lstrip("/")
        folder.mkdir(parents=True, exist_ok=True)
        number = folder.stat().st_dev
        device = device or f"{os.major(number)}:{os.minor(number)}"
        self.lines.append(f"90 80 {device} / {path} rw,relatime shared:7 - {kind} /dev/x rw")
        (self.proc / "40" / "mountinfo").write_text("\n".join(self.lines) + "\n")
        return folder


@pytest.fixture
def machine(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Machine:
    return Machine(tmp_path)


class TestHowMuch:
    def test_up_to_the_share(self) -> None:
        usage = Usage(size=100 * MIB, used=20 * MIB, free=80 * MIB)
        assert disk.bytes_to_take(usage, share=0.9, floor=MIB) == 70 * MIB

    def test_never_past_the_floor(self) -> None:
        usage = Usage(size=100 * MIB, used=20 * MIB, free=80 * MIB)
        left = usage.free - disk.bytes_to_take(usage, share=1.0, floor=30 * MIB)
        assert 30 * MIB < left < 31 * MIB

    def test_what_is_held_already_counts(self) -> None:
        usage = Usage(size=100 * MIB, used=90 * MIB, free=10 * MIB)
        assert disk.bytes_to_take(usage, share=0.9, floor=MIB, held=70 * MIB) == 70 * MIB

    def test_gives_back_what_others_wrote_since(self) -> None:
        usage = Usage(size=100 * MIB, used=98 * MIB, free=2 * MIB)
        assert disk.bytes_to_take(usage, share=0.9, floor=MIB, held=70 * MIB) == 62 * MIB

    def test_nothing_where_it_is_full(self) -> None:
        assert disk.bytes_to_take(Usage(size=100, used=99, free=1), share=0.9, floor=0) == 0


class TestVolume:
    def test_is_found_where_the_container_has_it(self, machine: Machine) -> None:
        folder = machine.mount("/data")
        assert find_volume("/data", pid=40, proc=self_owned(machine)).folder == folder

    def test_the_last_mount_hides_the_others(self, machine: Machine) -> None:
        machine.mount("/data")
        machine.mount("/data", kind="tmpfs")
        with pytest.raises(VolumeError, match="memory"):
            find_volume("/data", pid=40, proc=machine.proc)

    @pytest.mark.parametrize("path", ["/", "/dat", "/data/", "/data/sub", "/data/../data", "data"])
    def test_nothing_but_the_mount_itself_will_do(self, machine: Machine, path: str) -> None:
        machine.mount("/data")
        machine.mount("/")
        with pytest.raises(VolumeError, match="no volume is mounted"):
            find_volume(path, pid=40, proc=machine.proc)

    def test_the_nodes_own_file_system_is_refused(self, machine: Machine) -> None:
        machine.mount("/data")
        with pytest.raises(VolumeError, match="no size of its own"):
            find_volume("/data", pid=40, proc=machine.proc)

    def test_another_file_system_than_the_table_says(self, machine: Machine) -> None:
        machine.mount("/data", device="7:99")
        with pytest.raises(VolumeError, match="another file system"):
            find_volume("/data", pid=40, proc=machine.proc)


def self_owned(machine: Machine) -> Path:
    """Return the /proc of a node that has nothing on the file system of the test's folder."""
    (machine.proc / "1" / "root").rmdir()
    (machine.proc / "1" / "root").symlink_to("/proc")
    return machine.proc


class TestAct:
    @pytest.fixture
    def changes(self, tmp_path: Path) -> Changes:
        return Changes(state=tmp_path / "state.json", kinds={})

    def order(self, monkeypatch: pytest.MonkeyPatch, machine: Machine, **options: Any) -> Order:
        folder = machine.proc.parent / "cgroup"
        folder.mkdir()
        (folder / "cgroup.procs").write_text(f"{os.getpid()}\n")
        container = Container(folder=folder, version=2, pid=os.getpid())
        monkeypatch.setattr(Order, "container", lambda self, controller="memory": container)
        monkeypatch.setattr(
            disk, "find_volume", lambda path, **_: find_volume(path, pid=40, proc=machine.proc)
        )
        wanted = {"path": "/data", "share": 0.9, "floor_bytes": MIB, **options}
        return Order(fault_id="f", until=time.time() + 0.2, options=wanted, proc=machine.proc)

    def test_holds_space_without_a_name_and_gives_it_back(
        self, monkeypatch: pytest.MonkeyPatch, machine: Machine, changes: Changes
    ) -> None:
        folder = machine.mount("/data")
        self_owned(machine)
        monkeypatch.setattr(disk, "bytes_to_take", lambda usage, **_: 2 * MIB)
        seen: dict[str, dict[str, Any]] = {}
        order = self.order(monkeypatch, machine)
        disk.act(order, changes, lambda event, **facts: seen.update({event: facts}))
        assert list(seen) == ["filling", "held", "done"]
        assert seen["held"]["own_bytes"] == 2 * MIB
        assert list(folder.iterdir()) == []
        assert changes.remembered() == []

    @pytest.mark.parametrize(
        ("options", "why"),
        [
            ({"share": 0.0}, "share"),
            ({"share": 1.1}, "share"),
            ({"floor_bytes": 10}, "floor_bytes"),
            ({"largest_bytes": MIB}, "more than the"),
            ({"share": 1e-9}, "as full already"),
            ({"path": "/other"}, "no volume"),
        ],
    )
    def test_refuses(
        self,
        monkeypatch: pytest.MonkeyPatch,
        machine: Machine,
        changes: Changes,
        options: dict[str, Any],
        why: str,
    ) -> None:
        machine.mount("/data")
        self_owned(machine)
        with pytest.raises(OrderError, match=why):
            disk.act(self.order(monkeypatch, machine, **options), changes, lambda *_, **__: None)

    def test_a_look_fills_nothing(
        self, monkeypatch: pytest.MonkeyPatch, machine: Machine, changes: Changes
    ) -> None:
        folder = machine.mount("/data")
        self_owned(machine)
        seen: dict[str, Any] = {}
        disk.measure(self.order(monkeypatch, machine), changes, lambda event, **facts: seen.update(facts))
        assert seen["size_bytes"] >= seen["used_bytes"] > 0
        assert list(folder.iterdir()) == []
