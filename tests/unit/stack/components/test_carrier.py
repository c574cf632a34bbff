"""The carrier: finds a container by its id in every layout, and puts back what it changes.

/proc and /sys/fs/cgroup are folders made by the test; nothing is pressed here.
"""

from __future__ import annotations

import json
import signal
from collections.abc import Iterator
from pathlib import Path

import pytest
from aftershock_components.carrier.__main__ import main
from aftershock_components.carrier.acts import kinds
from aftershock_components.carrier.changes import Changes, Entry
from aftershock_components.carrier.containers import Container, ContainerError, find_container, started
from aftershock_components.carrier.orders import Order, OrderError
from aftershock_components.carrier.out_of_memory import piece_bytes, tightened
from aftershock_components.carrier.scores import raise_to_worst

UID = "f7405f45-2135-4404-b72c-16fbfb1a0979"
CID = "0a2e539713870effbbfc04d898e3cbff"
SYSTEMD = f"kubepods.slice/kubepods-burstable.slice/kubepods-burstable-pod{UID.replace('-', '_')}.slice"
LAYOUTS = {
    "cgroupfs": f"kubepods/burstable/pod{UID}/{CID}",
    "systemd, containerd": f"{SYSTEMD}/cri-containerd-{CID}.scope",
    "systemd, CRI-O": f"{SYSTEMD}/crio-{CID}.scope",
    "in a node that is a container": f"kubelet.slice/kubelet-{SYSTEMD}/cri-containerd-{CID}.scope",
}


class Machine:
    """A /proc and a /sys/fs/cgroup."""

    def __init__(self, root: Path, *, version: int) -> None:
        self.version = version
        self.proc = root / "proc"
        self.cgroups = root / "cgroup"
        self.memory = self.cgroups / "memory" if version == 1 else self.cgroups
        self.memory.mkdir(parents=True)
        self.process(1, cgroup="/init.scope")

    def process(
        self,
        pid: int,
        *,
        cgroup: str,
        inner: int | None = None,
        start: int = 100,
        score: int = 985,
        name: str = "app",
    ) -> None:
        folder = self.proc / str(pid)
        folder.mkdir(parents=True)
        lines = (
            f"5:memory:{cgroup}\n4:cpu,cpuacct:{cgroup}\n0::/\n" if self.version == 1 else f"0::{cgroup}\n"
        )
        (folder / "cgroup").write_text(lines)
        (folder / "status").write_text(f"Name:\t{name}\nNSpid:\t{pid}\t{inner or pid}\n")
        (folder / "stat").write_text(f"{pid} ({name}) S " + " ".join(["0"] * 18 + [str(start)] + ["0"] * 30))
        (folder / "oom_score_adj").write_text(str(score))

    def cgroup(self, path: str, *pids: int, limit: str = str(64 << 20)) -> Path:
        folder = self.memory / path
        folder.mkdir(parents=True, exist_ok=True)
        (folder / "cgroup.procs").write_text("".join(f"{pid}\n" for pid in pids))
        (folder / ("memory.limit_in_bytes" if self.version == 1 else "memory.max")).write_text(limit)
        return folder

    def find(self, uid: str = UID, cid: str = CID) -> Container:
        return find_container(pod_uid=uid, container_id=cid, proc=self.proc, cgroups=self.cgroups)


@pytest.fixture(params=[1, 2], ids=["cgroup v1", "cgroup v2"])
def machine(request: pytest.FixtureRequest, tmp_path: Path) -> Machine:
    return Machine(tmp_path, version=request.param)


class TestFind:
    @pytest.mark.parametrize("path", LAYOUTS.values(), ids=LAYOUTS.keys())
    def test_in_every_layout(self, machine: Machine, path: str) -> None:
        machine.process(40, cgroup=f"/{path}", inner=1)
        machine.process(41, cgroup=f"/{path}", inner=7)
        folder = machine.cgroup(path, 40, 41)
        found = machine.find()
        assert (found.folder, found.pid, found.version) == (folder, 40, machine.version)
        assert found.limit_bytes() == 64 << 20
        assert sorted(found.pids()) == [40, 41]

    def test_where_proc_shows_more_of_the_path_than_the_cgroup_mount(self, machine: Machine) -> None:
        path = LAYOUTS["systemd, containerd"]
        machine.process(40, cgroup=f"/machine.slice/node-1.scope/{path}", inner=1)
        assert machine.cgroup(path, 40) == machine.find().folder

    def test_cgroups_that_the_container_made_inside_belong_to_it(self, machine: Machine) -> None:
        path = LAYOUTS["systemd, containerd"]
        machine.process(40, cgroup=f"/{path}/inner/deep", inner=1)
        machine.cgroup(f"{path}/inner/deep", 40)
        folder = machine.cgroup(path)
        found = machine.find()
        assert found.folder == folder
        assert found.pids() == [40]

    def test_with_a_shared_pid_namespace_the_oldest_is_the_first(self, machine: Machine) -> None:
        path = LAYOUTS["cgroupfs"]
        for pid, start in ((40, 300), (41, 200), (42, 400)):
            machine.process(pid, cgroup=f"/{path}", inner=pid, start=start)
        machine.cgroup(path, 40, 41, 42)
        assert machine.find().pid == 41

    def test_a_name_with_brackets_and_spaces_does_not_confuse_the_start_time(self, machine: Machine) -> None:
        machine.process(40, cgroup="/x", start=777, name="a) S 1 2 (b")
        assert started(machine.proc, 40) == 777
        assert started(machine.proc, 99) is None

    @pytest.mark.parametrize(
        ("uid", "cid"),
        [(UID, "another"), ("00000000-0000-0000-0000-000000000000", CID), (UID, CID[:12]), ("", CID[1:])],
        ids=["another container", "another pod", "a shortened id", "the end of an id"],
    )
    def test_no_other_container_will_do(self, machine: Machine, uid: str, cid: str) -> None:
        path = LAYOUTS["systemd, containerd"]
        machine.process(40, cgroup=f"/{path}", inner=1)
        machine.cgroup(path, 40)
        with pytest.raises(ContainerError, match="no process here"):
            machine.find(uid, cid)

    def test_a_cgroup_that_does_not_hold_the_process_is_not_taken(self, machine: Machine) -> None:
        path = LAYOUTS["cgroupfs"]
        machine.process(40, cgroup=f"/{path}", inner=1)
        machine.cgroup(path, 41)
        with pytest.raises(ContainerError, match="holds process 40"):
            machine.find()

    def test_who_joins_keeps_systemd_from_removing_the_scope(self, tmp_path: Path) -> None:
        machine = Machine(tmp_path, version=1)
        path = LAYOUTS["in a node that is a container"]
        machine.process(40, cgroup=f"/machine.slice/{path}", inner=1)
        folder = machine.cgroup(path, 40)
        assert machine.find().scopes == ()
        scopes = [machine.cgroups / name / path for name in ("unified", "systemd")]
        for scope in scopes:
            scope.mkdir(parents=True)
        machine.find().join(77)
        assert [(place / "cgroup.procs").read_text() for place in (*scopes, folder)] == ["77", "77", "77"]

    @pytest.mark.parametrize("limit", ["max", "9223372036854771712"])
    def test_a_container_without_a_limit_is_refused(self, machine: Machine, limit: str) -> None:
        path = LAYOUTS["cgroupfs"]
        machine.process(40, cgroup=f"/{path}", inner=1)
        machine.cgroup(path, 40, limit=limit)
        with pytest.raises(ContainerError, match="no memory limit"):
            machine.find().limit_bytes()


class TestScores:
    @pytest.fixture
    def machine(self, tmp_path: Path) -> Machine:
        found = Machine(tmp_path, version=1)
        found.process(40, cgroup="/x", start=500, score=985)
        return found

    @pytest.fixture
    def changes(self, machine: Machine, tmp_path: Path) -> Changes:
        return Changes(state=tmp_path / "state" / "fault.json", kinds=kinds(proc=machine.proc))

    def score(self, machine: Machine) -> str:
        return (machine.proc / "40" / "oom_score_adj").read_text()

    def test_is_raised_and_put_back(self, machine: Machine, changes: Changes) -> None:
        assert raise_to_worst(40, proc=machine.proc, changes=changes) == 985
        assert self.score(machine) == "1000"
        assert [entry["pid"] for entry in changes.put_back()] == [40]
        assert self.score(machine) == "985"
        assert not changes.state.exists()

    def test_a_later_process_of_the_same_number_is_left_alone(
        self, machine: Machine, changes: Changes
    ) -> None:
        raise_to_worst(40, proc=machine.proc, changes=changes)
        stat = machine.proc / "40" / "stat"
        stat.write_text(stat.read_text().replace("500", "900"))
        assert changes.put_back() == []
        assert self.score(machine) == "1000"
        assert not changes.state.exists()

    def test_what_it_was_is_on_the_disk_before_it_is_raised(
        self, machine: Machine, changes: Changes, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        seen: list[str] = []
        write_text = Path.write_text

        def note(path: Path, text: str, **options: str) -> int:
            if path.name == "oom_score_adj":
                seen.append(changes.state.read_text())
            return write_text(path, text, **options)

        monkeypatch.setattr(Path, "write_text", note)
        raise_to_worst(40, proc=machine.proc, changes=changes)
        assert json.loads(seen[0]) == [{"kind": "oom_score_adj", "pid": 40, "started": 500, "before": 985}]


class TestChanges:
    @pytest.fixture
    def told(self) -> list[object]:
        return []

    @pytest.fixture
    def changes(self, tmp_path: Path, told: list[object]) -> Changes:
        def put_back(entry: Entry) -> bool:
            if entry.get("stuck"):
                raise OSError("busy")
            told.append(entry["n"])
            return bool(entry["n"])

        return Changes(state=tmp_path / "state" / "fault.json", kinds={"it": put_back})

    def test_latest_first_and_only_once(self, changes: Changes, told: list[object]) -> None:
        changes.remember("it", n=1)
        changes.remember("it", n=2)
        assert [entry["n"] for entry in changes.put_back()] == [2, 1]
        assert changes.put_back() == []
        assert told == [2, 1]

    def test_another_process_can_put_it_back(self, changes: Changes, told: list[object]) -> None:
        changes.remember("it", n=1)
        Changes(state=changes.state, kinds=changes.kinds).put_back()
        assert told == [1]

    def test_what_had_changed_by_itself_is_not_told_as_restored(self, changes: Changes) -> None:
        changes.remember("it", n=0)
        assert changes.put_back() == []
        assert changes.remembered() == []

    def test_what_cannot_be_put_back_stays_written_down_and_the_rest_is_put_back(
        self, changes: Changes, told: list[object]
    ) -> None:
        changes.remember("it", n=1)
        changes.remember("it", n=2, stuck=True)
        with pytest.raises(OSError, match="busy"):
            changes.put_back()
        assert told == [1]
        assert [entry["n"] for entry in changes.remembered()] == [2]


class TestOrder:
    @pytest.mark.parametrize(("value", "kind"), [("7", int), (True, int), (None, float), (1.5, int)])
    def test_an_option_of_the_wrong_kind(self, value: object, kind: type) -> None:
        order = Order(fault_id="f", until=0, options={} if value is None else {"n": value})
        with pytest.raises(OrderError, match="option n"):
            order.option("n", kind)

    def test_options(self) -> None:
        order = Order(fault_id="f", until=0, options={"n": 3})
        assert (order.option("n", float), order.option("m", str, "x")) == (3.0, "x")


class TestCommand:
    @pytest.fixture(autouse=True)
    def _own_signals(self) -> Iterator[None]:
        before = signal.getsignal(signal.SIGTERM)
        yield
        signal.signal(signal.SIGTERM, before)

    def test_a_container_that_is_not_here(self, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
        machine = Machine(tmp_path, version=2)
        where = [
            "--proc",
            str(machine.proc),
            "--cgroups",
            str(machine.cgroups),
            "--state",
            str(tmp_path / "s"),
        ]
        code = main(["oom", "--fault-id", "f", "--pod-uid", UID, "--container-id", CID, *where])
        assert code == 3
        said = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
        assert [line["event"] for line in said] == ["refused", "restored"]

    def test_restore_puts_back_what_a_killed_carrier_left(
        self, tmp_path: Path, capsys: pytest.CaptureFixture[str]
    ) -> None:
        machine = Machine(tmp_path, version=1)
        machine.process(40, cgroup="/x", score=3)
        changes = Changes(state=tmp_path / "s" / "f.json", kinds=kinds(proc=machine.proc))
        raise_to_worst(40, proc=machine.proc, changes=changes)
        assert (
            main(["restore", "--fault-id", "f", "--proc", str(machine.proc), "--state", str(tmp_path / "s")])
            == 0
        )
        assert (machine.proc / "40" / "oom_score_adj").read_text() == "3"
        assert json.loads(capsys.readouterr().out)["changes"][0]["pid"] == 40


@pytest.mark.parametrize("limit", [1 << 20, 16 << 20, 64 << 20, 512 << 20, 8 << 30])
def test_pieces_are_small_beside_the_limit_and_not_countless(limit: int) -> None:
    size = piece_bytes(limit)
    assert size <= max(1 << 20, limit // 20), "a large piece would be killed in the application's stead"
    assert limit / size <= 200


@pytest.mark.parametrize("limit", [1 << 20, 10_000_000, 64 << 20, 8 << 30])
def test_a_tightened_limit_is_one_that_the_kernel_keeps_as_it_is(limit: int) -> None:
    assert limit - (2 << 20) - 4096 <= tightened(limit) < limit
    assert tightened(limit) % 4096 == 0
