"""What this machine can do: each finding, the verdict of all, and what is installed."""

from __future__ import annotations

import io
from collections import namedtuple
from pathlib import Path

import pytest
from rich.console import Console

from aftershock.cluster import doctor
from aftershock.cluster.doctor import examine, install, missing_packages
from aftershock.cluster.progress import Progress
from aftershock.config import Settings
from aftershock.errors import CommandError, EnvironmentUnusableError
from tests.unit.cluster.conftest import Commands

Usage = namedtuple("Usage", "total used free")
GIB = 1024**3


class Machine:
    """A machine that has everything, as far as a test does not take it away."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, commands: Commands, folder: Path) -> None:
        self.monkeypatch = monkeypatch
        self.commands = commands
        self.inotify = folder / "max_user_instances"
        self.inotify.write_text("8192\n")
        monkeypatch.setattr(doctor, "INOTIFY", self.inotify)
        monkeypatch.setattr(doctor, "choose_mode", lambda mode: ("pull", "all answered"))
        monkeypatch.setattr(doctor, "occupied", lambda port: port in self.held)
        monkeypatch.setattr(doctor, "_ELSEWHERE", ())
        monkeypatch.setattr("os.geteuid", lambda: 0)
        monkeypatch.setattr("os.cpu_count", lambda: 4)
        self.held: set[int] = set()
        self.disk(50)
        self.memory(16)
        commands.add("docker")
        commands.add("go")

    def disk(self, gib: float) -> None:
        self.monkeypatch.setattr("shutil.disk_usage", lambda path: Usage(0, 0, int(gib * GIB)))

    def memory(self, gib: float) -> None:
        self.monkeypatch.setattr(
            "os.sysconf", lambda name: 4096 if name == "SC_PAGE_SIZE" else int(gib * GIB) // 4096
        )

    def examined(self) -> tuple[bool, str]:
        said = io.StringIO()
        return examine(Settings(), Console(file=said, width=300)), said.getvalue()

    def line(self, name: str) -> str:
        return next(line for line in self.examined()[1].splitlines() if line[2:].startswith(f"{name}:"))


@pytest.fixture
def machine(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, commands: Commands) -> Machine:
    monkeypatch.setenv("AFTERSHOCK_STATE_DIR", str(tmp_path / "state"))
    return Machine(monkeypatch, commands, tmp_path)


def test_a_machine_that_has_everything(machine: Machine) -> None:
    able, said = machine.examined()
    assert able
    assert "✗" not in said
    assert "✓ container engine: docker: runs privileged containers" in said


def test_a_cluster_is_no_need(machine: Machine) -> None:
    assert machine.line("cluster").startswith("! cluster: there is no kind cluster")


def test_too_little_disk(machine: Machine) -> None:
    machine.disk(9.5)
    able, said = machine.examined()
    assert not able
    assert "✗ disk: 9.5 GiB free\n    do: 10 GiB are needed" in said


def test_too_little_memory(machine: Machine) -> None:
    machine.memory(3.5)
    assert not machine.examined()[0]
    assert machine.line("memory") == "✗ memory: 3.5 GiB"


def test_one_core_is_a_pity_but_works(machine: Machine, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("os.cpu_count", lambda: 1)
    assert machine.examined()[0]
    assert machine.line("cores") == "! cores: 1"


def test_a_port_in_use(machine: Machine) -> None:
    machine.held = {30090}
    able, said = machine.examined()
    assert not able
    assert "✗ ports in use: 30090\n    do: free them" in said


def test_ports_that_our_own_cluster_uses(machine: Machine, tmp_path: Path) -> None:
    machine.held = {30090}
    (tmp_path / "state").mkdir(exist_ok=True)
    (tmp_path / "state" / "kubeconfig").write_text("{}")
    assert machine.line("ports in use") == "✓ ports in use: 30090 (by our cluster)"


def test_no_engine(machine: Machine) -> None:
    (machine.commands.folder / "docker").unlink()
    able, said = machine.examined()
    assert not able
    assert "✗ container engine: docker: not installed; podman: not installed\n    do: install one" in said


def test_no_go(machine: Machine) -> None:
    (machine.commands.folder / "go").unlink()
    assert not machine.examined()[0]
    assert machine.line("Go toolchain") == "✗ Go toolchain: none"


@pytest.mark.parametrize(("uid", "mark"), [(0, "✓"), (1000, "✗")])
def test_building_images_needs_root(
    machine: Machine, monkeypatch: pytest.MonkeyPatch, uid: int, mark: str
) -> None:
    monkeypatch.setattr(doctor, "choose_mode", lambda mode: ("build", "no registry"))
    monkeypatch.setattr("os.geteuid", lambda: uid)
    assert machine.line("root") == f"{mark} root: uid {uid}"


def test_pulling_images_needs_no_root(machine: Machine, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("os.geteuid", lambda: 1000)
    able, said = machine.examined()
    assert able
    assert " root:" not in said


class TestInstall:
    def test_nothing_is_missing(self, machine: Machine, progress: Progress) -> None:
        install(progress)
        assert not machine.commands.called("apt-get")

    def test_nothing_is_missing_where_docker_works(self, machine: Machine) -> None:
        assert missing_packages() == []

    def test_podmans_packages_where_it_does_not(self, machine: Machine) -> None:
        machine.commands.add("docker", "exit 1")
        machine.commands.add("runc")
        found = missing_packages()
        assert {"podman", "debootstrap", "iproute2"} <= set(found)
        assert "runc" not in found

    def test_as_root(self, machine: Machine, progress: Progress, said: io.StringIO) -> None:
        (machine.commands.folder / "docker").unlink()
        machine.commands.add("apt-get")
        machine.inotify.write_text("128\n")
        install(progress)
        update, installed = machine.commands.called("apt-get")
        assert update == "apt-get update"
        assert installed.startswith("apt-get install --yes --no-install-recommends podman runc")
        assert machine.inotify.read_text() == "8192\n"
        assert "set fs.inotify.max_user_instances to 8192 until the next boot" in said.getvalue()

    def test_not_as_root(self, machine: Machine, progress: Progress, monkeypatch: pytest.MonkeyPatch) -> None:
        (machine.commands.folder / "docker").unlink()
        machine.commands.add("apt-get")
        machine.inotify.write_text("128\n")
        monkeypatch.setattr("os.geteuid", lambda: 1000)
        with pytest.raises(EnvironmentUnusableError, match="cannot install") as caught:
            install(progress)
        assert "uid 1000" in caught.value.found
        assert machine.inotify.read_text() == "128\n"
        assert not machine.commands.called("apt-get")

    def test_a_low_limit_alone_stops_nobody(
        self, machine: Machine, progress: Progress, monkeypatch: pytest.MonkeyPatch, said: io.StringIO
    ) -> None:
        machine.inotify.write_text("128\n")
        monkeypatch.setattr("os.geteuid", lambda: 1000)
        install(progress)
        assert machine.inotify.read_text() == "128\n"
        assert "sysctl fs.inotify.max_user_instances=8192" in said.getvalue()

    def test_no_debian(self, machine: Machine, progress: Progress) -> None:
        (machine.commands.folder / "docker").unlink()
        with pytest.raises(EnvironmentUnusableError) as caught:
            install(progress)
        assert "podman" in caught.value.hint

    def test_a_package_that_cannot_be_had(self, machine: Machine, progress: Progress) -> None:
        (machine.commands.folder / "docker").unlink()
        machine.commands.add("apt-get", '[ "$1" = update ] || { echo "E: Unable to locate" >&2; exit 100; }')
        with pytest.raises(CommandError) as caught:
            install(progress)
        assert caught.value.tail == ("E: Unable to locate",)
