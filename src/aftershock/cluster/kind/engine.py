"""The container engine: Docker where privileged containers really run, else Podman."""

from __future__ import annotations

import json
import platform
import resource
import shutil
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from aftershock.cluster.shell import Shell
from aftershock.errors import CommandError, EnvironmentUnusableError

__all__ = ["Engine", "engine_of", "find_engine"]

_PROBE = "localhost/aftershock/probe:latest"

# Podman lowers its own limit to this before it starts a container, and a process without
# CAP_SYS_RESOURCE cannot raise it again: more than this fails with "setting rlimit type 6".
_MAX_PROCESSES = 32768


@dataclass(frozen=True, kw_only=True)
class Engine:
    """A container engine that can run privileged containers, and why it was chosen."""

    name: Literal["docker", "podman"]
    shell: Shell
    why: str

    def run(self, *words: str | Path) -> str:
        """Run the engine's command line with `words`."""
        return self.shell.run(self.name, *words)

    def images(self) -> set[str]:
        """Return the names with tags of all images that the engine holds."""
        return set(self.run("images", "--format", "{{.Repository}}:{{.Tag}}").split())

    def labels(self, image: str) -> dict[str, str]:
        """Return the labels of an image."""
        found = json.loads(self.run("image", "inspect", image))[0]
        labels: dict[str, str] = found.get("Config", {}).get("Labels") or {}
        return labels

    def containers(self, cluster: str) -> dict[str, str]:
        """Return name → state of the cluster's node containers, in the words of the engine."""
        rows = self.run(
            "ps",
            "--all",
            "--filter",
            f"label=io.x-k8s.kind.cluster={cluster}",
            "--format",
            "{{.Names}} {{.State}}",
        )
        return dict(row.split(maxsplit=1) for row in rows.splitlines() if row.strip())

    def state(self, container: str) -> str:
        """Return "running", "paused", "exited" or another word that both engines use."""
        return self.run("inspect", "--type", "container", "--format", "{{.State.Status}}", container).strip()


def find_engine(*, log: Path, state: Path) -> Engine:
    """Return the engine to use.

    Raises:
        EnvironmentUnusableError: neither works; it says why not, each.

    """
    reasons: list[str] = []
    attempts: list[Callable[[], Engine]] = [lambda: _docker(log), lambda: _podman(log, state)]
    for attempt in attempts:
        try:
            engine = attempt()
        except EnvironmentUnusableError as error:
            reasons.append(
                f"{error.message} ({error.found.splitlines()[-1].strip()})" if error.found else error.message
            )
        else:
            return Engine(name=engine.name, shell=engine.shell, why="; ".join([*reasons, engine.why]))
    raise EnvironmentUnusableError(
        "no container engine can run a privileged container",
        expected="Docker or Podman, able to run a container with --privileged",
        found="; ".join(reasons),
        hint="install one (on Debian, as root: `aftershock doctor --install`), or use --cluster CONTEXT",
    )


def engine_of(cluster: str, *, log: Path, state: Path) -> Engine:
    """Return the engine that holds the nodes of `cluster`. Quicker than `find_engine`: nothing is tried out.

    Raises:
        EnvironmentUnusableError: none has such containers.

    """
    reasons: list[str] = []
    for name, shell in (("docker", Shell(log=log)), ("podman", _podman_shell(log, state))):
        engine = Engine(
            name="docker" if name == "docker" else "podman", shell=shell, why="it holds the nodes"
        )
        try:
            if engine.containers(cluster):
                return engine
            reasons.append(f"{name}: none")
        except CommandError as error:
            reasons.append(f"{name}: {error.message}")
    raise EnvironmentUnusableError(
        f"no container engine of this machine holds the nodes of {cluster}", found="; ".join(reasons)
    )


def _docker(log: Path) -> Engine:
    """Try Docker. A client without a daemon, or a daemon that may not give all capabilities, is none."""
    shell = Shell(log=log)
    if shutil.which("docker") is None:
        raise EnvironmentUnusableError("docker: not installed")
    if not shell.succeeds("docker", "version", "--format", "{{.Server.Version}}"):
        raise EnvironmentUnusableError("docker: its daemon does not answer")
    _prove_privileged("docker", shell)
    return Engine(name="docker", shell=shell, why="docker: runs privileged containers")


def _podman(log: Path, state: Path) -> Engine:
    if shutil.which("podman") is None:
        raise EnvironmentUnusableError("podman: not installed")
    shell = _podman_shell(log, state)
    _prove_privileged("podman", shell)
    return Engine(name="podman", shell=shell, why="podman: runs privileged containers")


def _podman_shell(log: Path, state: Path) -> Shell:
    return Shell(log=log, env={"CONTAINERS_CONF": str(_containers_conf(state))}, shielded=True)


def _prove_privileged(name: str, shell: Shell) -> None:
    """Run a privileged container whose root is empty but for one static program.

    Made on the spot, so that no image has to be pulled for the question.
    """
    true = _static_true(shell.log.parent)
    archive = shell.log.parent / "probe.tar"
    shell.run("tar", "-C", true.parent, "-cf", archive, true.name)
    shell.run(name, "import", archive, _PROBE)
    try:
        shell.run(name, "run", "--rm", "--privileged", "--network", "none", _PROBE, "/true")
    except EnvironmentUnusableError as error:
        raise EnvironmentUnusableError(
            f"{name}: cannot run a privileged container", found=error.found
        ) from error
    finally:
        # The next one takes the name, and this one would stay without any.
        shell.succeeds(name, "rmi", _PROBE)


# The smallest program that there is for this question: `exit(0)` as a static ELF, 64 bytes of
# header, 56 of program header and the machine code. By architecture: ELF's number and the code.
_EXIT_0 = {
    "x86_64": ("3e00", "31ffb83c0000000f05"),  # xor edi, edi; mov eax, 60; syscall
    "aarch64": ("b700", "000080d2a80b80d2010000d4"),  # mov x0, 0; mov x8, 93; svc 0
}


def _static_true(folder: Path) -> Path:
    """Write the program and return its path."""
    if platform.machine() not in _EXIT_0:
        raise EnvironmentUnusableError(
            f"no nodes for {platform.machine()} machines", expected=", ".join(sorted(_EXIT_0))
        )
    machine, code = _EXIT_0[platform.machine()]
    size = f"{120 + len(code) // 2:02x}00000000000000"
    header = f"7f454c46020101000000000000000000 0200{machine}01000000 7800400000000000 4000000000000000"
    program = (
        "0100000005000000 0000000000000000 0000400000000000 0000400000000000" + size * 2 + "0010000000000000"
    )
    path = folder / "probe" / "true"
    path.parent.mkdir(exist_ok=True)
    path.write_bytes(
        bytes.fromhex(header + "0000000000000000 00000000 4000 3800 0100 0000 0000 0000" + program + code)
    )
    path.chmod(0o755)
    return path


def _containers_conf(state: Path) -> Path:
    """Write the containers.conf under which Podman works with and without systemd.

    runc, because crun refuses hybrid cgroups; limits at or below our own, because a process
    without CAP_SYS_RESOURCE may not raise them.
    """
    files = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    processes = resource.getrlimit(resource.RLIMIT_NPROC)[1]
    unlimited = resource.RLIM_INFINITY
    files = 1048576 if files == unlimited else files
    processes = _MAX_PROCESSES if processes == unlimited else min(processes, _MAX_PROCESSES)
    systemd = Path("/run/systemd/system").is_dir()
    path = state / "containers.conf"
    path.write_text(
        "[containers]\n"
        f'default_ulimits = ["nofile={files}:{files}", "nproc={processes}:{processes}"]\n'
        'log_driver = "k8s-file"\n'
        "\n[engine]\n"
        'runtime = "runc"\n'
        f'cgroup_manager = "{"systemd" if systemd else "cgroupfs"}"\n'
        'events_logger = "file"\n',
        encoding="utf-8",
    )
    return path
