"""Which container engine is chosen, and why not the other."""

from __future__ import annotations

import contextlib
import os
import platform
import subprocess
from pathlib import Path

import pytest

from aftershock.cluster.kind import engine as module
from aftershock.cluster.kind.engine import Engine, find_engine
from aftershock.cluster.shell import Shell
from aftershock.errors import EnvironmentUnusableError
from tests.unit.cluster.conftest import Commands

REFUSES = '[ "$1" = run ] && { echo "[caps]: operation not permitted" >&2; exit 126; }; exit 0'


def find(tmp_path: Path) -> Engine:
    return find_engine(log=tmp_path / "log", state=tmp_path)


def test_docker_where_it_works(commands: Commands, tmp_path: Path) -> None:
    commands.add("docker")
    commands.add("podman")
    engine = find(tmp_path)
    assert (engine.name, engine.why) == ("docker", "docker: runs privileged containers")
    assert "--privileged" in commands.called("docker", "run")[0]
    assert not commands.called("podman")


@pytest.mark.parametrize("body", ["exit 0", REFUSES])
def test_the_proof_leaves_no_image(commands: Commands, tmp_path: Path, body: str) -> None:
    commands.add("docker", "exit 1")
    commands.add("podman", body)
    with contextlib.suppress(EnvironmentUnusableError):
        find(tmp_path)
    (imported,) = commands.called("podman", "import")
    (removed,) = commands.called("podman", "rmi")
    assert imported.split()[-1] == removed.split()[-1]


def test_podman_where_there_is_no_docker(commands: Commands, tmp_path: Path) -> None:
    commands.add("podman")
    engine = find(tmp_path)
    assert engine.name == "podman"
    assert engine.why == "docker: not installed; podman: runs privileged containers"


def test_podman_where_dockers_daemon_is_dead(commands: Commands, tmp_path: Path) -> None:
    commands.add("docker", "exit 1")
    commands.add("podman")
    assert find(tmp_path).why.startswith("docker: its daemon does not answer; podman:")
    assert not commands.called("docker", "run")


def test_podman_where_docker_may_not_give_all_capabilities(commands: Commands, tmp_path: Path) -> None:
    commands.add("docker", REFUSES)
    commands.add("podman")
    engine = find(tmp_path)
    assert engine.name == "podman"
    assert "docker: cannot run a privileged container ([caps]: operation not permitted)" in engine.why


def test_neither(commands: Commands, tmp_path: Path) -> None:
    commands.add("docker", "exit 1")
    commands.add("podman", REFUSES)
    with pytest.raises(EnvironmentUnusableError, match="no container engine") as caught:
        find(tmp_path)
    assert "docker: its daemon does not answer" in caught.value.found
    assert "podman: cannot run a privileged container" in caught.value.found
    assert "doctor --install" in caught.value.hint


def test_nothing_is_installed(commands: Commands, tmp_path: Path) -> None:
    with pytest.raises(EnvironmentUnusableError) as caught:
        find(tmp_path)
    assert caught.value.found == "docker: not installed; podman: not installed"


def test_a_machine_of_another_kind(
    commands: Commands, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    commands.add("docker")
    monkeypatch.setattr(platform, "machine", lambda: "vax")
    with pytest.raises(EnvironmentUnusableError) as caught:
        find(tmp_path)
    assert "no nodes for vax machines" in caught.value.found


def test_podman_goes_by_our_own_configuration(commands: Commands, tmp_path: Path) -> None:
    commands.add("podman", 'echo "$CONTAINERS_CONF"')
    conf = find(tmp_path).run("x").strip()
    assert Path(conf) == tmp_path / "containers.conf"
    assert 'runtime = "runc"' in Path(conf).read_text()


@pytest.mark.parametrize(
    ("files", "processes", "expected"),
    [
        (1024, 100, '["nofile=1024:1024", "nproc=100:100"]'),
        (1024, 999999, '["nofile=1024:1024", "nproc=32768:32768"]'),
        (-1, -1, '["nofile=1048576:1048576", "nproc=32768:32768"]'),
    ],
)
def test_limits_are_never_above_our_own(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, files: int, processes: int, expected: str
) -> None:
    limits = {module.resource.RLIMIT_NOFILE: files, module.resource.RLIMIT_NPROC: processes}
    monkeypatch.setattr(module.resource, "getrlimit", lambda what: (limits[what], limits[what]))
    assert f"default_ulimits = {expected}\n" in module._containers_conf(tmp_path).read_text()


@pytest.mark.parametrize("machine", ["x86_64", "aarch64"])
def test_the_program_that_proves_it_is_a_whole_elf(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, machine: str
) -> None:
    monkeypatch.setattr(platform, "machine", lambda: machine)
    path = module._static_true(tmp_path)
    content = path.read_bytes()
    assert content[:4] == b"\x7fELF"
    assert len(content) == int.from_bytes(content[96:104], "little")  # p_filesz: nothing is cut off
    assert os.access(path, os.X_OK)


def test_the_program_ends_with_0(tmp_path: Path) -> None:
    assert subprocess.run([module._static_true(tmp_path)], check=False).returncode == 0


class TestAnswers:
    @pytest.fixture
    def engine(self, tmp_path: Path) -> Engine:
        return Engine(name="podman", shell=Shell(log=tmp_path / "log"), why="")

    def test_images(self, commands: Commands, engine: Engine) -> None:
        commands.add("podman", "echo a/b:1; echo c:2; echo '<none>:<none>'")
        assert {"a/b:1", "c:2"} <= engine.images()

    def test_labels(self, commands: Commands, engine: Engine) -> None:
        commands.add("podman", """echo '[{"Config": {"Labels": {"a": "b"}}}]'""")
        assert engine.labels("x") == {"a": "b"}

    def test_no_labels(self, commands: Commands, engine: Engine) -> None:
        commands.add("podman", """echo '[{"Config": {"Labels": null}}]'""")
        assert engine.labels("x") == {}

    def test_containers(self, commands: Commands, engine: Engine) -> None:
        commands.add("podman", "echo 'a running'; echo 'b Exited (137) 2 days ago'")
        assert engine.containers("aftershock") == {"a": "running", "b": "Exited (137) 2 days ago"}
        assert "label=io.x-k8s.kind.cluster=aftershock" in commands.calls[0]
