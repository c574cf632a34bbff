"""What presses on memory and CPU: how much it takes, when it gives way, whose it joins."""

from __future__ import annotations

import json
import mmap
import os
import signal
from pathlib import Path
from typing import Any

import pytest
from aftershock_components.carrier import application, cpu, memory, pieces
from aftershock_components.carrier.balloon import CHUNK, STEP, Balloon
from aftershock_components.carrier.cgroups import Cgroup, ContainerError
from aftershock_components.carrier.changes import Changes
from aftershock_components.carrier.containers import Container, find_container
from aftershock_components.carrier.node_memory import CLOSE, missing
from aftershock_components.carrier.node_memory import act as press_node
from aftershock_components.carrier.orders import Order, OrderError
from aftershock_components.carrier.room import find_room
from aftershock_components.carrier.values import put_back, write

MIB = 1 << 20
UID = "f7405f45-2135-4404-b72c-16fbfb1a0979"


def silent(event: str, **facts: Any) -> None:
    """Say nothing."""


def changes(tmp_path: Path) -> Changes:
    return Changes(state=tmp_path / "state.json", kinds={"value": put_back})


def cgroup(folder: Path, *, version: int, limit: int | None, usage: int, idle: int = 0) -> Cgroup:
    folder.mkdir(parents=True, exist_ok=True)
    names = ("memory.limit_in_bytes", "memory.usage_in_bytes", "total_inactive_file")
    if version == 2:
        names = ("memory.max", "memory.current", "inactive_file")
    if limit is not None:
        (folder / names[0]).write_text(f"{limit}\n")
    (folder / names[1]).write_text(f"{usage}\n")
    (folder / "memory.stat").write_text(f"cache 1\ninactive_file_x 7\n{names[2]} {idle}\n")
    return Cgroup(folder=folder, version=version)


class TestWorkingSet:
    @pytest.mark.parametrize("version", [1, 2])
    def test_is_the_usage_without_idle_cache(self, tmp_path: Path, version: int) -> None:
        found = cgroup(tmp_path, version=version, limit=100 * MIB, usage=50 * MIB, idle=20 * MIB)
        assert found.working_set_bytes() == 30 * MIB

    def test_is_none_of_a_cgroup_that_is_gone(self, tmp_path: Path) -> None:
        assert Cgroup(folder=tmp_path / "gone", version=2).working_set_bytes() == 0


class TestBalloon:
    @pytest.fixture
    def balloon(self) -> Balloon:
        return Balloon(take=lambda size: mmap.mmap(-1, size))

    def test_takes_what_is_missing_in_steps(self, balloon: Balloon) -> None:
        assert balloon.follow((STEP + 9) * CHUNK) == STEP * CHUNK
        assert balloon.follow(9 * CHUNK + 5) == 9 * CHUNK
        assert len(balloon.chunks) == STEP + 9

    def test_gives_back_at_once_and_a_little_more(self, balloon: Balloon) -> None:
        balloon.follow(10 * CHUNK)
        assert balloon.follow(-4 * CHUNK) == -5 * CHUNK
        assert balloon.follow(-100 * CHUNK) == -5 * CHUNK
        assert balloon.chunks == []

    @pytest.mark.parametrize("lack", [0, CHUNK - 1, 1 - CHUNK])
    def test_stays_as_it_is_within_a_chunk(self, balloon: Balloon, lack: int) -> None:
        balloon.follow(3 * CHUNK)
        assert balloon.follow(lack) == 0
        assert len(balloon.chunks) == 3


class TestMemory:
    def test_the_target_leaves_room_to_give_way(self) -> None:
        assert memory.target_bytes(100 * MIB, 0.9) == 90 * MIB

    @pytest.mark.parametrize("share", [0.0, 1.0, -0.5, 1.5, 0.99])
    def test_a_share_that_would_fill_it_is_refused(self, share: float) -> None:
        with pytest.raises(OrderError):
            memory.target_bytes(100 * MIB, share)

    def test_the_group_kill_is_off_for_a_while(self, tmp_path: Path) -> None:
        file = tmp_path / "memory.oom.group"
        file.write_text("1\n")
        known = changes(tmp_path)
        write(file, "0", changes=known)
        assert file.read_text() == "0"
        assert len(known.put_back()) == 1
        assert file.read_text() == "1"

    def test_a_value_that_is_so_already_is_not_touched(self, tmp_path: Path) -> None:
        file = tmp_path / "memory.oom.group"
        file.write_text("0\n")
        known = changes(tmp_path)
        write(file, "0", changes=known)
        assert known.remembered() == []

    def test_a_value_that_someone_else_set_since_is_left(self, tmp_path: Path) -> None:
        file = tmp_path / "memory.oom.group"
        file.write_text("1\n")
        known = changes(tmp_path)
        write(file, "0", changes=known)
        file.write_text("5")
        assert known.put_back() == []
        assert file.read_text() == "5"

    def test_the_value_of_a_container_that_is_gone_needs_nothing(self, tmp_path: Path) -> None:
        assert not put_back({"file": str(tmp_path / "gone"), "value": "0", "before": "1"})


class TestPieces:
    def test_one_that_cannot_do_its_work_says_why_in_the_carriers_log(
        self, capfd: pytest.CaptureFixture[str]
    ) -> None:
        def join() -> None:
            raise PermissionError(1, "Operation not permitted")

        pid = pieces.start(join, until=2e9)
        assert os.waitpid(pid, 0) == (pid, 1 << 8)
        told = json.loads(capfd.readouterr().err)
        assert told == {
            "event": "piece-failed",
            "reason": "PermissionError: [Errno 1] Operation not permitted",
        }


class TestApplication:
    def test_is_held_until_it_ends(self, tmp_path: Path) -> None:
        pid = pieces.start(signal.pause, until=2e9)
        (tmp_path / "cgroup.procs").write_text(f"{pid}\n")
        try:
            with application.hold(Container(folder=tmp_path, version=2, pid=pid)) as pidfd:
                assert not application.ended(pidfd)
                os.kill(pid, signal.SIGKILL)
                assert application.ended(pidfd, wait_ms=5000)
        finally:
            pieces.end([pid])

    def test_one_that_left_its_container_is_another(self, tmp_path: Path) -> None:
        (tmp_path / "cgroup.procs").write_text("")
        gone = Container(folder=tmp_path, version=2, pid=os.getpid())
        with pytest.raises(ContainerError, match="gone from"), application.hold(gone):
            pass


class TestCpu:
    @pytest.mark.parametrize("count", [0, -1, 1000])
    def test_a_number_of_burners_that_makes_no_sense(self, tmp_path: Path, count: int) -> None:
        order = Order(fault_id="f", until=0.0, options={"burners": count})
        for act in (cpu.act, cpu.act_on_node):
            with pytest.raises(OrderError, match="burners"):
                act(order, changes(tmp_path), silent)

    def test_ends_when_the_time_is_over(self, tmp_path: Path) -> None:
        said: list[str] = []
        order = Order(fault_id="f", until=0.0, options={"burners": 2})
        cpu.act_on_node(order, changes(tmp_path), lambda event, **_: said.append(event))
        assert said == ["burning", "done"]

    @pytest.mark.parametrize("tree", ["cpu", "cpu,cpuacct"])
    def test_joins_the_tree_of_its_controller(self, tmp_path: Path, tree: str) -> None:
        path = f"kubepods/pod{UID}/abc"
        process = tmp_path / "proc" / "40"
        process.mkdir(parents=True)
        (process / "cgroup").write_text(f"5:memory:/elsewhere\n4:{tree}:/{path}\n0::/\n")
        (process / "status").write_text("NSpid:\t40\t1\n")
        folder = tmp_path / "cgroup" / tree / path
        folder.mkdir(parents=True)
        (folder / "cgroup.procs").write_text("40\n")
        found = find_container(
            pod_uid=UID,
            container_id="abc",
            proc=tmp_path / "proc",
            cgroups=tmp_path / "cgroup",
            controller="cpu",
        )
        assert (found.folder, found.pid, found.version) == (folder, 40, 1)


class Node:
    """A node's cgroups and meminfo: all pods at `pods` of their 1000 MiB, the whole at `whole` of `limit`."""

    def __init__(
        self, root: Path, *, version: int, pods: int = 100, whole: int = 150, limit: int | None = 1200
    ) -> None:
        self.cgroups, self.proc = root / "cgroup", root / "proc"
        top = self.cgroups / "memory" if version == 1 else self.cgroups
        cgroup(top, version=version, limit=None if limit is None else limit * MIB, usage=whole * MIB)
        self.pods = top / "kubelet.slice" / "kubelet-kubepods.slice"
        cgroup(self.pods, version=version, limit=1000 * MIB, usage=pods * MIB)
        self.proc.mkdir()
        (self.proc / "meminfo").write_text("MemTotal: 9 kB\nMemAvailable:    5242880 kB\n")

    def left(self) -> int:
        return find_room(cgroups=self.cgroups, proc=self.proc).left_bytes() // MIB


@pytest.mark.parametrize("version", [1, 2])
class TestRoom:
    def test_is_what_the_pods_have_left(self, tmp_path: Path, version: int) -> None:
        assert Node(tmp_path, version=version).left() == 900

    def test_a_node_that_is_full_before_its_pods_are(self, tmp_path: Path, version: int) -> None:
        assert Node(tmp_path, version=version, whole=1000).left() == 200

    def test_a_machine_without_a_limit_of_its_own(self, tmp_path: Path, version: int) -> None:
        assert Node(tmp_path, version=version, limit=None).left() == 900

    def test_a_machine_that_is_nearly_full_itself(self, tmp_path: Path, version: int) -> None:
        node = Node(tmp_path, version=version)
        (node.proc / "meminfo").write_text("MemAvailable: 10240 kB\n")
        assert node.left() == 10

    def test_without_the_pods_limit_nobody_evicts(self, tmp_path: Path, version: int) -> None:
        node = Node(tmp_path, version=version)
        (node.pods / ("memory.limit_in_bytes" if version == 1 else "memory.max")).write_text(str(1 << 62))
        with pytest.raises(ContainerError, match="no memory limit"):
            node.left()


class TestNodeMemory:
    def test_once_held_it_takes_no_more_and_gives_way(self) -> None:
        left = [500 * MIB, 300 * MIB, 200 * MIB + CLOSE, 350 * MIB, 150 * MIB]
        more = missing(iter(left).__next__, 200 * MIB)
        assert [more() // MIB for _ in left] == [300, 100, 0, 0, -50]

    @pytest.mark.parametrize("leave", [1, 31 * MIB, 5000 * MIB])
    def test_too_little_or_no_pressure_at_all_is_refused(self, tmp_path: Path, leave: int) -> None:
        node = Node(tmp_path, version=2)
        order = Order(
            fault_id="f",
            until=0.0,
            options={"leave_bytes": leave},
            proc=node.proc,
            cgroups=node.cgroups,
        )
        with pytest.raises(OrderError, match="leave_bytes"):
            press_node(order, changes(tmp_path), silent)
