"""What this machine can do for us: each need with whether it is met, why, and what to do."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

from rich.console import Console
from rich.markup import escape

from aftershock.cluster.connect import NODE_PORTS, connect
from aftershock.cluster.kind.engine import find_engine
from aftershock.cluster.kind.registry import choose_mode
from aftershock.cluster.machine import DISK_GIB, MEMORY_GIB, disk_free_gib, memory_gib
from aftershock.cluster.ports import occupied
from aftershock.cluster.progress import Progress
from aftershock.cluster.shell import Shell
from aftershock.config import Settings, state_dir
from aftershock.errors import AftershockError, EnvironmentUnusableError

__all__ = ["examine", "install"]

# What the Podman path needs of Debian, beside what every Debian has.
PACKAGES = {
    "podman": "podman",
    "runc": "runc",
    "netavark": "netavark",
    "aardvark-dns": "aardvark-dns",
    "conmon": "conmon",
    "debootstrap": "debootstrap",
    "iptables": "iptables",
    "ip": "iproute2",
}
# Debian keeps some of them where PATH does not look.
_ELSEWHERE = ("/usr/lib/podman", "/usr/sbin", "/sbin")

INOTIFY = Path("/proc/sys/fs/inotify/max_user_instances")
# Three nodes run about 150 inotify instances; systemd's default of 128 stops the third.
INOTIFY_WANTED = 8192


@dataclass(frozen=True)
class Finding:
    """One need of ours: met or not, what was seen, and what to do. `vital`: `up` cannot do without."""

    name: str
    met: bool
    seen: str
    do: str = ""
    vital: bool = True


def examine(settings: Settings, console: Console) -> bool:
    """Print every finding, and say whether `up` can work here."""
    findings = [finding for check in _CHECKS for finding in check(settings)]
    for finding in findings:
        mark, style = ("✓", "green") if finding.met else ("✗", "red") if finding.vital else ("!", "yellow")
        console.print(f"[{style}]{mark}[/{style}] {finding.name}: {escape(finding.seen)}")
        if not finding.met and finding.do:
            console.print(f"    do: {escape(finding.do)}")
    return all(finding.met or not finding.vital for finding in findings)


def install(progress: Progress) -> None:
    """As root on a Debian: install the missing packages, raise the inotify limit; says each.

    The limit is only proposed where we are not root: Docker needs none, and may do with it.

    Raises:
        EnvironmentUnusableError: something is missing, and we are not root or there is no apt-get.

    """
    missing = missing_packages()
    root = os.geteuid() == 0
    if missing and (not root or shutil.which("apt-get") is None):
        raise EnvironmentUnusableError(
            "cannot install what is missing",
            expected="root, on a system with apt-get",
            found=f"uid {os.geteuid()}, missing: {', '.join(missing)}",
            hint="use Docker, which needs no root, or install these packages: " + " ".join(missing),
        )
    if missing:
        shell = Shell(log=state_dir() / "install.log", env={"DEBIAN_FRONTEND": "noninteractive"})
        with progress.stage(f"install {' '.join(missing)}"):
            shell.run("apt-get", "update")
            shell.run("apt-get", "install", "--yes", "--no-install-recommends", *missing)
    if _inotify() >= INOTIFY_WANTED:
        return
    if not root:
        progress.say(
            f"should a node not start: sysctl fs.inotify.max_user_instances={INOTIFY_WANTED} (as root)"
        )
    else:
        INOTIFY.write_text(f"{INOTIFY_WANTED}\n", encoding="ascii")
        progress.say(f"set fs.inotify.max_user_instances to {INOTIFY_WANTED} until the next boot")


def missing_packages() -> list[str]:
    """Return the Debian packages whose programs are not here; none where Docker works."""
    if shutil.which("docker") and Shell(log=state_dir() / "install.log").succeeds("docker", "info"):
        return []
    places = os.pathsep.join([os.environ.get("PATH", ""), *_ELSEWHERE])
    return [package for program, package in PACKAGES.items() if shutil.which(program, path=places) is None]


def _inotify() -> int:
    return int(INOTIFY.read_text(encoding="ascii"))


def _machine(_: Settings) -> Iterator[Finding]:
    cpus = os.cpu_count() or 1
    memory, free = memory_gib(), disk_free_gib(state_dir())
    yield Finding("cores", cpus >= 2, f"{cpus}", "2 or more keep the figures honest", vital=False)  # noqa: PLR2004 - as told
    yield Finding("memory", memory >= MEMORY_GIB, f"{memory:.1f} GiB", f"{MEMORY_GIB} GiB are needed")
    yield Finding(
        "disk", free >= DISK_GIB, f"{free:.1f} GiB free", f"{DISK_GIB} GiB are needed for a cold build"
    )
    version = "2" if Path("/sys/fs/cgroup/cgroup.controllers").exists() else "1"
    yield Finding("cgroups", met=True, seen=f"version {version}")
    instances = _inotify()
    yield Finding(
        "inotify instances", instances >= INOTIFY_WANTED, str(instances),
        f"sysctl fs.inotify.max_user_instances={INOTIFY_WANTED} (`make gameday` does it)", vital=False,
    )  # fmt: skip


def _engine(_: Settings) -> Iterator[Finding]:
    try:
        engine = find_engine(log=state_dir() / "doctor.log", state=state_dir())
    except EnvironmentUnusableError as error:
        yield Finding("container engine", met=False, seen=error.found, do=error.hint)
    else:
        yield Finding("container engine", met=True, seen=engine.why)


def _images(_: Settings) -> Iterator[Finding]:
    mode, why = choose_mode("auto")
    yield Finding("images", met=True, seen=f"{mode}: {why}")
    go = shutil.which("go")
    yield Finding(
        "Go toolchain", go is not None, go or "none", "install Go 1.25 or newer: kind comes from its module"
    )
    if mode == "build":
        yield Finding(
            "root", os.geteuid() == 0, f"uid {os.geteuid()}", "debootstrap and Podman's nodes need root"
        )


def _ports(_: Settings) -> Iterator[Finding]:
    held = [port for port in NODE_PORTS.values() if occupied(port)]
    ours = (state_dir() / "kubeconfig").exists()
    seen = ", ".join(str(port) for port in held) or "none"
    yield Finding("ports in use", not held or ours, f"{seen}{' (by our cluster)' if held and ours else ''}",
                  "free them; `ss -ltnp` names who listens")  # fmt: skip


def _cluster(settings: Settings) -> Iterator[Finding]:
    try:
        cluster = connect(settings)
    except AftershockError as error:
        yield Finding("cluster", met=False, seen=error.message, do=error.hint, vital=False)
    else:
        yield Finding(
            "cluster",
            met=True,
            seen=f"{cluster.context} answers; Prometheus at {cluster.monitoring.prometheus.url}",
        )


_CHECKS: tuple[Callable[[Settings], Iterator[Finding]], ...] = (_machine, _engine, _images, _ports, _cluster)
