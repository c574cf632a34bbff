"""Containers as the node sees them: processes and cgroups, found by container id.

A container is named by its id and its pod's UID, and both must be in the path of the
process's cgroup. PIDs are looked up, held by a pidfd and checked again; never trusted.

Drivers write the path differently (cgroupfs: …/pod<uid>/<id>; systemd: …-pod<uid with
underscores>.slice/cri-containerd-<id>.scope), and in a node that is itself a container the
path in /proc may start above what /sys/fs/cgroup shows. All of that ends here.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from aftershock_components.carrier.cgroups import NO_LIMIT, UNIFIED, Cgroup, ContainerError, numbers

__all__ = ["Container", "ContainerError", "find_container", "started"]


@dataclass(frozen=True, kw_only=True)
class Container(Cgroup):
    """A running container: its cgroup (memory's, unless asked otherwise), and its first process.

    `scopes` is where systemd keeps the container's scope on cgroup v1; in hybrid mode it looks at the
    unified hierarchy whether the scope is empty, else at its own.
    """

    pid: int
    scopes: tuple[Path, ...] = ()

    def join(self, pid: int) -> None:
        """Move a process into the container's cgroup, and into its scope."""
        for folder in (*self.scopes, self.folder):
            (folder / "cgroup.procs").write_text(str(pid), encoding="ascii")

    def described(self) -> dict[str, int | str]:
        """Return what it is, for the log."""
        return {"pid": self.pid, "cgroup": str(self.folder), "cgroup_version": self.version}


def find_container(
    *, pod_uid: str, container_id: str, proc: Path, cgroups: Path, controller: str = "memory"
) -> Container:
    """Find the container among the processes of `proc` (the node's /proc).

    `cgroups` is the node's /sys/fs/cgroup. On cgroup v1 every `controller` has a tree of its
    own there; on v2 it makes no difference.

    Raises:
        ContainerError: no process belongs to it, or its cgroup cannot be found there.

    """
    pids: dict[int, str] = {}
    version = 2
    for pid in _numbers_in(proc):
        found = _path(proc / str(pid) / "cgroup", controller)
        if found is not None and _belongs(found[1], pod_uid=pod_uid, container_id=container_id):
            version, pids[pid] = found
    if not pids:
        raise ContainerError(f"no process here belongs to container {container_id} of pod {pod_uid}")
    pid = _first(proc, sorted(pids))
    base = cgroups if version == UNIFIED else _tree(cgroups, controller)
    folder = _folder(base, _own_part(pids[pid], container_id), pid)
    scopes = [cgroups / name / folder.relative_to(base) for name in ("unified", "systemd")]
    return Container(
        folder=folder, version=version, pid=pid, scopes=tuple(scope for scope in scopes if scope.is_dir())
    )


def started(proc: Path, pid: int) -> int | None:
    """Return when a process started, in clock ticks since boot; None when it is gone.

    It is the 22nd field of its stat, and stands after the name, which may hold anything.
    """
    try:
        stat = (proc / str(pid) / "stat").read_text(encoding="utf-8", errors="replace")
    except OSError:
        return None
    return int(stat.rpartition(")")[2].split()[19])


def _tree(cgroups: Path, controller: str) -> Path:
    """Return the mount point of a controller of cgroup v1, which it may share with others (cpu,cpuacct)."""
    own = cgroups / controller
    shared = (entry for entry in sorted(cgroups.iterdir()) if controller in entry.name.split(","))
    return own if own.is_dir() else next(shared, cgroups)


def _path(file: Path, controller: str) -> tuple[int, str] | None:
    """Read a cgroup's version and path from a /proc/PID/cgroup; None if the process is gone."""
    try:
        lines = file.read_text(encoding="utf-8", errors="replace").splitlines()
    except OSError:
        return None
    unified = None
    for line in lines:
        hierarchy, controllers, path = line.split(":", 2)
        if controller in controllers.split(","):
            return 1, path
        if hierarchy == "0":
            unified = path
    return None if unified is None else (2, unified)


def _belongs(path: str, *, pod_uid: str, container_id: str) -> bool:
    names_pod = f"pod{pod_uid}" in path or f"pod{pod_uid.replace('-', '_')}" in path
    return names_pod and any(_is_container(part, container_id) for part in path.split("/"))


def _is_container(part: str, container_id: str) -> bool:
    return part == container_id or part.endswith(f"-{container_id}.scope")


def _own_part(path: str, container_id: str) -> list[str]:
    """Return the components down to the container's own; cgroups that it made inside are cut off."""
    parts = [part for part in path.split("/") if part]
    return parts[: next(i for i, part in enumerate(parts) if _is_container(part, container_id)) + 1]


def _folder(base: Path, parts: list[str], pid: int) -> Path:
    """Return the folder under `base`, with as many leading components cut as it takes to hold `pid`."""
    for start in range(len(parts)):
        folder = base.joinpath(*parts[start:])
        if folder.is_dir() and any(
            pid in numbers(Path(inner) / "cgroup.procs") for inner, _, _ in os.walk(folder)
        ):
            return folder
    raise ContainerError(f"no cgroup under {base} ends in {'/'.join(parts)} and holds process {pid}")


def _first(proc: Path, pids: list[int]) -> int:
    """Return the container's first process: PID 1 of its own namespace, else the oldest."""
    for pid in pids:
        if _inner_pid(proc / str(pid) / "status") == 1:
            return pid
    return min(pids, key=lambda pid: started(proc, pid) or NO_LIMIT)


def _inner_pid(status: Path) -> int | None:
    try:
        lines = status.read_text(encoding="utf-8", errors="replace").splitlines()
    except OSError:
        return None
    return next((int(line.split()[-1]) for line in lines if line.startswith("NSpid:")), None)


def _numbers_in(folder: Path) -> Iterator[int]:
    return (int(entry.name) for entry in folder.iterdir() if entry.name.isdecimal())
